"""Everything that projections are made from, validated."""

import pathlib
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from ._options import PROJECTION, SAMPLING, STACK, as_option, field, flag, option
from ._particle_options import RANDOM, ParticleOptions


# Options of the microscope, which has no part in a plain projection.
OF_THE_CTF = (
    "kv", "cs", "q0", "phase_shift", "defocus", "astigmatism", "b_envelope",
    "particles_per_micrograph", "height_spread",
)  # fmt: skip


Kernel = Literal["default", "fine", "trilinear"]


class ProjectRecipe(ParticleOptions):
    """Parameters of `vitrax project`.

    Lengths in Å, angles in degrees, kV, mm.
    """

    SOURCE_OPTION: ClassVar[str | None] = "--angles"

    n: Annotated[int | None, option(STACK)] = field(
        "number of projections [default: all of --angles or of the file of "
        "--orientations, else 1000]",
        gt=0,
    )
    box: Annotated[int | None, option(STACK)] = field(
        "pixels along a side, even; goes before that of --angles [default: as there, "
        "as in the map, or half as much again as the atoms need]",
        ge=8,
    )
    source: Annotated[pathlib.Path | None, option(SAMPLING, "--angles")] = field(
        "particles' file of RELION, cisTEM, CryoSPARC (.cs), Leopard-EM (.csv) or "
        "EMAN2 to take poses from, and optics with --ctf, row by row"
    )

    ctf: Annotated[bool, flag(PROJECTION, "--no-ctf")] = field(
        "apply the CTF, protein white; without it projections are positive where the "
        "map is",
        False,
    )
    kernel: Annotated[Kernel, option(PROJECTION)] = field(
        "interpolation of slices: default (the quickest with errors below 5e-3 for "
        "this structure), fine, or trilinear, which gives relion_project's own "
        "numbers; run.json says which kernel it was",
        "default",
    )
    pad: Annotated[int | None, option(PROJECTION)] = field(
        "padding of trilinear slices, 1 to 4: relion_project's --pad [default: 2]",
        ge=1,
        le=4,
    )
    line_integral: Annotated[bool, flag(PROJECTION, "--no-line-integral")] = field(
        "multiply by the pixel size: line integrals, V Å for atoms; otherwise sums of "
        "voxels, as relion_project writes them",
        False,
    )

    @model_validator(mode="after")
    def _pads_what_can_be(self) -> Self:
        if self.pad is not None and self.kernel != "trilinear":
            raise ValueError(
                f"cannot use --pad {self.pad} with --kernel {self.kernel} because that "
                f"kernel has a padding of its own; do give --kernel trilinear, or "
                f"leave --pad out"
            )
        return self

    def unused(self) -> list[str]:
        """Return the options given for a CTF that there isn't, as they are typed."""
        if self.ctf:
            return []
        return [as_option(name) for name in OF_THE_CTF if name in self.model_fields_set]

    def options_used(self) -> dict[str, Any]:
        """Return the options under the names that the command line gives them."""
        values = super().options_used()
        return values if self.ctf else values | dict.fromkeys(OF_THE_CTF)

    @property
    def reads_orientations(self) -> bool:
        """Whether orientations alone come from a file."""
        return self.source is None and self.orientations not in RANDOM
