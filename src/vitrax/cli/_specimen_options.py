"""Options that every command on a structure has: what it is, and how to run."""

import pathlib
from typing import Annotated, Any, ClassVar, Literal

from cyclopts import Parameter
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ._options import RUNNING, SPECIMEN, STACK, field, flag, option
from ._reading import MAX_MEMORY, MODE0, Mode0, NanPolicy, Reading, parse_bytes, reading


# Options that change how a command runs, not what it makes.
NOT_OF_THE_DATA = {"quiet", "print_json", "overwrite", "dry_run", "max_memory"}

# Options of how a map's file is read.
OF_MAPS = ("map_angpix", "map_volts", "mode0", "nan_policy")
# Of --model, what isn't a number.
ALL_MODELS = "all"
# Which atoms of a file are read, and what each option is where nobody gives it.
OF_A_FILE = {
    "assembly": None, "model": None, "altloc": "all", "select": None,
    "unknown": "error", "hydrogens": True, "waters": True,
}  # fmt: skip


class SpecimenOptions(BaseModel):
    """A structure, its sampling, and how to run.

    Lengths in Å, angles in degrees, kV, mm.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # How the command names the file of its particles, None where it takes none.
    SOURCE_OPTION: ClassVar[str | None] = None

    structure: Annotated[pathlib.Path, Parameter(group=STACK)] = Field(
        description="atoms (PDB, mmCIF, gzipped too), a map (MRC), or apoferritin, "
        "which comes with vitrax"
    )
    out: Annotated[pathlib.Path, option(STACK, "--out", "-o")] = Field(
        kw_only=True, description="folder to make; refused where it holds something"
    )
    box: Annotated[int | None, option(STACK)] = field("voxels along a side", ge=8)
    angpix: Annotated[float | None, option(STACK)] = field("voxel size, Å", gt=0)

    b_factor: Annotated[str, option(SPECIMEN)] = field(
        "of the atoms: model, a number for all in Å², or scale:X", "model"
    )
    resolution: Annotated[float | None, option(SPECIMEN)] = field(
        "low-pass the map to this, Å", gt=0
    )
    symmetry: Annotated[str, option(SPECIMEN)] = field(
        "point group (C3, D2, T, O, I, ...) of which the atoms are one asymmetric "
        "unit; its copies are made about the file's origin, in RELION's axes",
        "C1",
    )
    assembly: Annotated[str | None, option(SPECIMEN)] = field(
        "biological assembly of the file to build, such as 1"
    )
    model: Annotated[
        Annotated[int, Field(ge=1)] | Literal["all"] | None, option(SPECIMEN)
    ] = field(
        "model of the file, such as 2 of an NMR structure, or all: each particle is of "
        "one, drawn evenly, a volume is their mean [default: 1]"
    )
    altloc: Annotated[str, option(SPECIMEN)] = field(
        "alternate conformers: all, weighted by occupancy; or one for each residue, "
        "highest, first, or its letter",
        "all",
    )
    select: Annotated[str | None, option(SPECIMEN)] = field(
        "atoms to take, as gemmi writes it: //A/10-50 is chain A from 10 to 50"
    )
    unknown: Annotated[Literal["error", "skip", "carbon"], option(SPECIMEN)] = field(
        "what atoms of unknown element become", "error"
    )
    hydrogens: Annotated[bool, flag(SPECIMEN, "--no-hydrogens")] = field(
        "keep the hydrogens of the file", True
    )
    waters: Annotated[bool, flag(SPECIMEN, "--no-waters")] = field(
        "keep the water molecules of the file", True
    )
    centre: Annotated[bool | None, flag(SPECIMEN, "--no-centre")] = field(
        "move the centre of mass to the middle of the box [default: of atoms, not of "
        "a map]"
    )
    map_angpix: Annotated[float | None, option(SPECIMEN)] = field(
        "voxel size of the map, Å, where its header is wrong", gt=0
    )
    map_volts: Annotated[float | None, option(SPECIMEN)] = field(
        "volts per unit of the map's values, 1 for a map that vitrax volume made of "
        "atoms [default: the scale is arbitrary]",
        gt=0,
    )
    mode0: Annotated[Mode0 | None, option(SPECIMEN)] = field(MODE0)
    nan_policy: Annotated[NanPolicy, option(SPECIMEN)] = field(
        "what becomes of voxels that are NaN or infinite: error, zero, or mask, the "
        "mean of the others",
        "error",
    )

    max_memory: Annotated[str | None, option(RUNNING)] = field(MAX_MEMORY)
    overwrite: Annotated[bool, flag(RUNNING, "--no-overwrite")] = field(
        "replace the files of an earlier run in --out", False
    )
    dry_run: Annotated[bool, flag(RUNNING, "--no-dry-run")] = field(
        "say what would be made and what it takes, make nothing", False
    )
    x64: Annotated[bool, flag(RUNNING, "--no-x64")] = field(
        "compute in double precision", False
    )
    device: Annotated[str | None, option(RUNNING)] = field(
        "cpu, gpu, or the number of a GPU [default: what jax finds]"
    )
    quiet: Annotated[
        bool, Parameter(name=("--quiet", "-q"), group=RUNNING, negative=())
    ] = field("no progress", False)
    print_json: Annotated[
        bool, Parameter(name="--json", group=RUNNING, negative=())
    ] = field("print run.json on standard output", False)

    @field_validator("b_factor")
    @classmethod
    def _b_factor(cls, text: str) -> str:
        parse_b_factor(text)
        return text

    @field_validator("max_memory")
    @classmethod
    def _max_memory(cls, text: str | None) -> str | None:
        if text is not None:
            parse_bytes(text)
        return text

    @property
    def reading(self) -> Reading:
        """How files are read."""
        return reading(self.mode0, self.nan_policy, self.max_memory)

    def options_used(self) -> dict[str, Any]:
        """Return the options under the names that the command line gives them.

        Those that have no part in the run are None.
        """
        return self.model_dump(mode="json", exclude=NOT_OF_THE_DATA)

    def input_files(self) -> dict[str, pathlib.Path]:
        """Return the files that are read, by the option that names them."""
        return {} if is_packaged(self.structure) else {"structure": self.structure}


def is_packaged(path: pathlib.Path) -> bool:
    """Return whether this is the specimen that comes with vitrax, not a file."""
    return str(path) == "apoferritin" and not path.exists()


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
