"""Everything that a map is made from, validated."""

import pathlib
from typing import Annotated

from cyclopts import Parameter
from pydantic import Field, field_validator

from ._options import MAP, field, option
from ._specimen_options import SpecimenOptions


class VolumeRecipe(SpecimenOptions):
    """Parameters of `vitrax volume`.

    Lengths in Å, angles in degrees.
    """

    structure: Annotated[pathlib.Path, Parameter(group=MAP)] = Field(
        description="atoms (PDB, mmCIF, gzipped too), a map (MRC) to put on another "
        "grid, or apoferritin, which comes with vitrax"
    )
    out: Annotated[pathlib.Path, option(MAP, "--out", "-o")] = Field(
        kw_only=True,
        description="file to make, .mrc or .map; its record is beside it, .json",
    )
    box: Annotated[int | None, option(MAP)] = field(
        "voxels along a side [default: as in the map, or half as much again as the "
        "atoms need; even]",
        ge=8,
    )
    angpix: Annotated[float | None, option(MAP)] = field(
        "voxel size, Å [default: as in the map, 1.06 for atoms]", gt=0
    )

    @field_validator("out")
    @classmethod
    def _is_a_map(cls, out: pathlib.Path) -> pathlib.Path:
        if out.suffix.lower() not in (".mrc", ".map"):
            raise ValueError(
                f"cannot write a map to --out {out} because its name doesn't end in "
                f".mrc or .map, by which programs know maps; do use "
                f"--out {out.name or 'map'}.mrc"
            )
        return out

    @property
    def record(self) -> pathlib.Path:
        """The file beside the map that says how it was made."""
        return self.out.with_suffix(".json")
