"""Everything that a micrograph is made from, validated."""

import math
import pathlib
from typing import Annotated, Any, Self

from cyclopts import Parameter
from pydantic import Field, model_validator

from ._options import CAMERA, FIELD, ICE, MICROSCOPE, field, flag, option
from ._particle_options import RANDOM
from ._specimen_options import SpecimenOptions, is_packaged


# Thickness of ice that one layer stands for where nobody says how many, Å.
_LAYER = 100.0


class MicrographRecipe(SpecimenOptions):
    """Parameters of `vitrax simulate-micrograph`.

    Lengths in Å, angles in degrees, kV, mm.
    """

    structure: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride]
        list[pathlib.Path], Parameter(group=FIELD)
    ] = Field(
        min_length=1,
        description="one or more that share the field: atoms (PDB, mmCIF, gzipped "
        "too), maps (MRC), or apoferritin, which comes with vitrax",
    )
    out: Annotated[pathlib.Path, option(FIELD, "--out", "-o")] = Field(
        kw_only=True, description="folder to make; refused where it holds something"
    )
    size: Annotated[list[int], option(FIELD, consume_multiple=True)] = field(
        "pixels along x, and along y where they differ", [4096]
    )
    angpix: Annotated[float | None, option(FIELD)] = field(
        "pixel size, Å [default: 1.06, or as in the first map]", gt=0
    )
    n_copies: Annotated[list[int], option(FIELD, consume_multiple=True)] = field(
        "particles in the field, one number for all structures or one for each", [300]
    )
    distance: Annotated[float | None, option(FIELD)] = field(
        "least distance between the centres of particles, Å [default: the diameter of "
        "the largest]",
        ge=0,
    )
    box: Annotated[int | None, option(FIELD)] = field(
        "pixels along a side of the box that holds one particle, even; said in "
        "truth.star [default: half as much again as the largest needs]",
        ge=8,
    )
    orientations: Annotated[str, option(FIELD)] = field(
        "uniform, preferred (views gather about the map's z axis), or a particles' "
        "file of angles to go through again and again",
        "uniform",
    )
    seed: Annotated[int, option(FIELD)] = field(
        "of every random draw", 0, ge=0, lt=2**63
    )
    noise_free: Annotated[bool, flag(FIELD, "--no-noise-free")] = field(
        "write noise-free.mrc as well: what the camera expects, ice included", False
    )
    report: Annotated[bool, flag(FIELD, "--no-report")] = field(
        "write report.html", True
    )

    kv: Annotated[float, option(MICROSCOPE)] = field(
        "voltage, kV", 300.0, ge=10, le=3000
    )
    cs: Annotated[float, option(MICROSCOPE)] = field(
        "spherical aberration, mm", 2.7, ge=-100, le=100
    )
    q0: Annotated[float, option(MICROSCOPE)] = field(
        "amplitude contrast", 0.07, ge=0, le=1
    )
    phase_shift: Annotated[float, option(MICROSCOPE)] = field(
        "of a phase plate, degrees", 0.0
    )
    defocus: Annotated[float, option(MICROSCOPE)] = field(
        "at the middle of the ice, mean of U and V, Å, positive underfocus", 12000.0
    )
    astigmatism: Annotated[float, option(MICROSCOPE)] = field(
        "defocus U - V, Å", 0.0, ge=0
    )
    astigmatism_angle: Annotated[float, option(MICROSCOPE)] = field(
        "of defocus U from the x axis, degrees", 0.0
    )
    b_envelope: Annotated[float, option(MICROSCOPE)] = field(
        "B-factor of the envelope, Å², written as rlnCtfBfactor", 0.0
    )

    ice: Annotated[float, option(ICE)] = field(
        "thickness, Å; 0 for vacuum", 500.0, ge=0
    )
    ice_layers: Annotated[int | None, option(ICE)] = field(
        "at even steps of height, each with the defocus of its middle [default: one "
        "for each 100 Å]",
        ge=1,
        le=100,
    )
    heights: Annotated[float | None, option(ICE)] = field(
        "thickness over which the particles' centres are spread, Å [default: the ice "
        "less the diameter of the particle]",
        ge=0,
    )
    solvent: Annotated[bool | None, flag(ICE, "--no-solvent")] = field(
        "take away the solvent that the atoms displace: contrast against ice [default: "
        "of atoms, in ice]"
    )

    dose: Annotated[float, option(CAMERA)] = field("electrons per Å²", 40.0, gt=0)
    mtf: Annotated[pathlib.Path | None, option(CAMERA)] = field(
        "STAR file of the camera's MTF, as RELION's; the image's pixels are taken for "
        "the camera's, and its noise for white [default: no loss]"
    )
    gain: Annotated[float, option(CAMERA)] = field(
        "recorded number for each electron", 1.0, gt=0
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.size) > 2 or min(self.size, default=0) < 16:
            raise ValueError(
                f"cannot make a micrograph of --size {_words(self.size)} because it "
                f"takes one or two numbers of at least 16 pixels; do give x, or x and y"
            )
        kinds = len(self.structures)
        if len(self.n_copies) not in (1, kinds) or min(self.n_copies, default=-1) < 0:
            raise ValueError(
                f"cannot use --n-copies {_words(self.n_copies)} because it takes one "
                f"number of at least 0, or one for each of the {kinds} structures; do "
                f"give as many"
            )
        if not sum(self.n_copies):
            raise ValueError(
                "cannot make a micrograph without particles because truth.star would "
                "be empty; do give --n-copies 1 or more"
            )
        if self.box is not None and self.box % 2:
            raise ValueError(
                f"cannot use --box {self.box} because RELION needs even boxes, and "
                f"truth.star says this one; do use --box {self.box + 1}"
            )
        if not self.ice and self.ice_layers is not None:
            raise ValueError(
                "cannot use --ice-layers with --ice 0 because there is no ice; do "
                "leave it out"
            )
        return self

    @property
    def structures(self) -> tuple[pathlib.Path, ...]:
        """All structures, in order."""
        return tuple(self.structure)

    @property
    def copies(self) -> tuple[int, ...]:
        """Particles of each structure."""
        if len(self.n_copies) == 1:
            return tuple(self.n_copies) * len(self.structures)
        return tuple(self.n_copies)

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels of the micrograph along (y, x)."""
        return self.size[-1], self.size[0]

    @property
    def layers(self) -> int:
        """Number of layers of ice."""
        if not self.ice:
            return 0
        return self.ice_layers or max(1, math.ceil(self.ice / _LAYER))

    def options_used(self) -> dict[str, Any]:
        """Return the options under the names that the command line gives them."""
        paths = [
            str(path) if is_packaged(path) else str(path.absolute())
            for path in self.structure
        ]
        return super().options_used() | {"structure": paths}

    def input_files(self) -> dict[str, pathlib.Path]:
        """Return the files that are read, by the option that names them."""
        found = {
            f"structure {number}": path
            for number, path in enumerate(self.structure, 1)
            if not is_packaged(path)
        }
        if self.orientations not in RANDOM:
            found["orientations"] = pathlib.Path(self.orientations)
        return found if self.mtf is None else found | {"mtf": self.mtf}


def _words(numbers: list[int]) -> str:
    return " ".join(map(str, numbers))
