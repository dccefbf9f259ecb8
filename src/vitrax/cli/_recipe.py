"""Everything that a simulated data set is made from, validated."""

import pathlib
from typing import Annotated, Any, Literal, Self

from cyclopts import Group, Parameter
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


STACK = Group("Particle stack", sort_key=1)
MICROSCOPE = Group("Microscope", sort_key=2)
SPECIMEN = Group("Specimen", sort_key=3)
SAMPLING = Group("Poses and defocus", sort_key=4)
NOISE = Group("Noise and scale", sort_key=5)
RUNNING = Group("Running", sort_key=6)

# What --n, --box, ... are where neither the user nor a file gives them.
DEFAULTS = {"n": 1000, "box": 256, "angpix": 1.06, "kv": 300.0, "cs": 2.7, "q0": 0.07}

# What --from says of every particle, so that these can't be given with it.
SAID_BY_SOURCE = (
    "phase_shift", "defocus", "astigmatism", "orientations", "concentration",
    "shift_sd", "particles_per_micrograph", "height_spread",
)  # fmt: skip

# What it may say, too.
SAYABLE_BY_SOURCE = (*SAID_BY_SOURCE, "kv", "cs", "q0", "b_envelope")

# Options that change how a command runs, not what it makes.
NOT_OF_THE_DATA = {"quiet", "print_json", "overwrite", "dry_run"}


def _option(group: Group, *names: str, **more: Any) -> Parameter:
    """Return how one field looks on the command line."""
    return Parameter(name=names or None, group=group, negative=(), **more)


def _flag(group: Group, negative: str) -> Parameter:
    """Return how a field that is on by default looks on the command line."""
    return Parameter(group=group, negative=negative)


def _field(description: str, default: Any = None, **limits: Any) -> Any:
    """Return a field that is given by name only."""
    return Field(default, kw_only=True, description=description, **limits)


class Recipe(BaseModel):
    """Parameters of `vitrax simulate`.

    Lengths in Å, angles in degrees, kV, mm.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    structure: Annotated[pathlib.Path, Parameter(group=STACK)] = Field(
        description="atoms (PDB, mmCIF, gzipped too), a map (MRC), or apoferritin, "
        "which comes with vitrax"
    )
    out: Annotated[pathlib.Path, _option(STACK, "--out", "-o")] = Field(
        kw_only=True, description="folder to make; refused where it holds something"
    )
    n: Annotated[int | None, _option(STACK)] = _field(
        "number of particles [default: 1000, or every row of --from]", gt=0
    )
    box: Annotated[int | None, _option(STACK)] = _field(
        "pixels along a side, even; goes before that of --from [default: 256, or as in "
        "--from]",
        ge=8,
    )
    angpix: Annotated[float | None, _option(STACK)] = _field(
        "pixel size, Å; goes before that of --from [default: 1.06, or as in --from or "
        "the map]",
        gt=0,
    )
    seed: Annotated[int, _option(STACK)] = _field(
        "of every random draw", 0, ge=0, lt=2**63
    )

    kv: Annotated[float | None, _option(MICROSCOPE)] = _field(
        "voltage, kV [default: 300, or as in --from]", ge=10, le=3000
    )
    cs: Annotated[float | None, _option(MICROSCOPE)] = _field(
        "spherical aberration, mm [default: 2.7, or as in --from]"
    )
    q0: Annotated[float | None, _option(MICROSCOPE)] = _field(
        "amplitude contrast [default: 0.07, or as in --from]", ge=0, le=1
    )
    phase_shift: Annotated[float, _option(MICROSCOPE)] = _field(
        "of a phase plate, degrees", 0.0
    )
    defocus: Annotated[tuple[float, float], _option(MICROSCOPE)] = _field(
        "lowest and highest defocus, Å, positive underfocus", (8000.0, 20000.0)
    )
    astigmatism: Annotated[float, _option(MICROSCOPE)] = _field(
        "largest defocus U - V, Å; drawn from 0 to this, at any angle", 0.0, ge=0
    )
    b_envelope: Annotated[float, _option(MICROSCOPE)] = _field(
        "B-factor of the envelope, Å², written as rlnCtfBfactor", 0.0
    )
    ctf_pad: Annotated[int, _option(MICROSCOPE)] = _field(
        "make images in a box this many times larger, then crop, as extraction from a "
        "micrograph does; 1 is periodic, as in RELION",
        1,
        ge=1,
        le=8,
    )

    b_factor: Annotated[str, _option(SPECIMEN)] = _field(
        "of the atoms: model, a number for all in Å², or scale:X", "model"
    )
    resolution: Annotated[float | None, _option(SPECIMEN)] = _field(
        "low-pass the map to this, Å", gt=0
    )
    symmetry: Annotated[str, _option(SPECIMEN)] = _field(
        "point group (C3, D2, T, O, I, ...) of which the atoms are one asymmetric "
        "unit; its copies are made about the file's origin, in RELION's axes",
        "C1",
    )
    assembly: Annotated[str | None, _option(SPECIMEN)] = _field(
        "biological assembly of the file to build, such as 1"
    )
    model: Annotated[int, _option(SPECIMEN)] = _field("model of the file", 1, ge=1)
    centre: Annotated[bool, _flag(SPECIMEN, "--no-centre")] = _field(
        "move the atoms' centre of mass to the middle of the box", True
    )
    map_angpix: Annotated[float | None, _option(SPECIMEN)] = _field(
        "voxel size of the map, Å, where its header is wrong", gt=0
    )

    source: Annotated[pathlib.Path | None, _option(SAMPLING, "--from")] = _field(
        "STAR file to take poses and optics from, row by row; options say only what "
        "it doesn't"
    )
    resample: Annotated[bool, _flag(SAMPLING, "--no-resample")] = _field(
        "draw rows of --from at random, with replacement", False
    )
    contrast: Annotated[Literal["relion", "white", "dark"], _option(SAMPLING)] = _field(
        "of protein in the images of --from; relion is white", "relion"
    )
    orientations: Annotated[str, _option(SAMPLING)] = _field(
        "uniform, preferred (views gather about the map's z axis), or a STAR file of "
        "angles to go through again and again",
        "uniform",
    )
    concentration: Annotated[float, _option(SAMPLING)] = _field(
        "of preferred views (kappa of von Mises and Fisher)", 10.0, gt=0
    )
    shift_sd: Annotated[float, _option(SAMPLING)] = _field(
        "standard deviation of the shift along x and y, Å", 0.0, ge=0
    )
    particles_per_micrograph: Annotated[int | None, _option(SAMPLING)] = _field(
        "draw defocus and astigmatism once for this many particles [default: for each]",
        gt=0,
    )
    height_spread: Annotated[float, _option(SAMPLING)] = _field(
        "thickness over which particles of a micrograph lie, Å, added to their defocus",
        0.0,
        ge=0,
    )

    snr: Annotated[float | None, _option(NOISE)] = _field(
        "variance of the noise-free images after the CTF over that of the noise; "
        "without it there is no noise",
        gt=0,
    )
    snr_mask: Annotated[Literal["box", "particle"], _option(NOISE)] = _field(
        "pixels of which the variance is meant", "box"
    )
    particle_diameter: Annotated[float | None, _option(NOISE)] = _field(
        "Å [default: from the structure]", gt=0
    )
    normalise: Annotated[bool, _flag(NOISE, "--no-normalise")] = _field(
        "scale noisy images so that the noise has sd 1; otherwise contrast I/I0 - 1",
        True,
    )

    batch_size: Annotated[int | None, _option(RUNNING)] = _field(
        "images at a time; doesn't change them [default: by memory]", gt=0
    )
    report: Annotated[bool, _flag(RUNNING, "--no-report")] = _field(
        "write report.html", True
    )
    overwrite: Annotated[bool, _flag(RUNNING, "--no-overwrite")] = _field(
        "replace the files of an earlier run in --out", False
    )
    dry_run: Annotated[bool, _flag(RUNNING, "--no-dry-run")] = _field(
        "say what would be made and what it takes, make nothing", False
    )
    x64: Annotated[bool, _flag(RUNNING, "--no-x64")] = _field(
        "compute in double precision", False
    )
    device: Annotated[str | None, _option(RUNNING)] = _field(
        "cpu, gpu, or the number of a GPU [default: what jax finds]"
    )
    quiet: Annotated[
        bool, Parameter(name=("--quiet", "-q"), group=RUNNING, negative=())
    ] = _field("no progress", False)
    print_json: Annotated[
        bool, Parameter(name="--json", group=RUNNING, negative=())
    ] = _field("print run.json on standard output", False)

    @field_validator("box")
    @classmethod
    def _even(cls, box: int | None) -> int | None:
        if box is not None and box % 2:
            raise ValueError(
                f"cannot make a RELION stack with --box {box} because RELION needs "
                f"even boxes: its programs put the centre of an odd image one pixel "
                f"apart; do use --box {box + 1}"
            )
        return box

    @field_validator("defocus")
    @classmethod
    def _ordered(cls, defocus: tuple[float, float]) -> tuple[float, float]:
        if defocus[0] > defocus[1]:
            raise ValueError(
                f"cannot draw a defocus from {defocus[0]:g} to {defocus[1]:g} because "
                f"the range is empty; do give the lower one first"
            )
        return defocus

    @field_validator("b_factor")
    @classmethod
    def _b_factor(cls, text: str) -> str:
        parse_b_factor(text)
        return text

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.resample and (self.source is None or self.n is None):
            raise ValueError(
                "cannot resample because --resample draws rows of a STAR file; do give "
                "--from FILE and --n as well"
            )
        if self.contrast != "relion" and self.source is None:
            raise ValueError(
                f"cannot use --contrast {self.contrast} because it says how the images "
                f"of --from are; do give --from FILE, or leave it out (images are "
                f"written with protein white)"
            )
        if self.concentration != 10.0 and self.orientations != "preferred":
            raise ValueError(
                f"cannot use --concentration with --orientations {self.orientations} "
                f"because it is that of preferred views; do give --orientations "
                f"preferred, or leave it out"
            )
        if self.snr_mask == "particle" and self.snr is None:
            raise ValueError(
                "cannot use --snr-mask because there is no noise without --snr; do "
                "give --snr too"
            )
        return self


def as_option(name: str) -> str:
    """Return a field as the command line names it.

    Example:
        >>> as_option("shift_sd")
        '--shift-sd'
    """
    return "--from" if name == "source" else f"--{name.replace('_', '-')}"


def options_used(recipe: Recipe) -> dict[str, Any]:
    """Return the options under the names that the command line gives them.

    What --from says of every particle is None: these options have no part in the run.

    Args:
        recipe: the parameters, resolved.
    """
    values = recipe.model_dump(mode="json", exclude=NOT_OF_THE_DATA)
    values["from"] = values.pop("source")
    if recipe.source is not None:
        values |= dict.fromkeys(SAID_BY_SOURCE)
        values["b_envelope"] = recipe.b_envelope or None
    return values


def parse_b_factor(text: str) -> tuple[str, float]:
    """Return ("model", 1), ("all", B in Å²) or ("scale", X).

    Args:
        text: model, a number, or scale:X.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> parse_b_factor("scale:0.5")
        ('scale', 0.5)
    """
    if text == "model":
        return "model", 1.0
    kind, number = ("scale", text[6:]) if text.startswith("scale:") else ("all", text)
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError(
            f"cannot use --b-factor {text} because it is neither model, nor a number "
            f"of at least 0, nor scale:X; do give one of these"
        )
    return kind, value
