"""What `vitrax convert` is told, validated."""

import pathlib
from typing import Annotated, Literal

from cyclopts import Parameter
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ._options import CONVERSION, RUNNING, SAID, field, flag, option, split_pair
from ._reading import (
    MAX_MEMORY,
    MODE0,
    NAN_POLICY,
    Mode0,
    NanPolicy,
    Reading,
    parse_bytes,
    reading,
)


Format = Literal["relion", "relion5", "cistem", "cryosparc", "leopard", "eman2"]
Contrast = Literal["white", "dark"]


class ConvertRecipe(BaseModel):
    """Parameters of `vitrax convert`.

    Lengths in Å, kV, mm.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[pathlib.Path, Parameter(group=CONVERSION)] = Field(
        description="particles (RELION's or cisTEM's STAR, CryoSPARC's .cs, "
        "Leopard-EM's CSV, EMAN2's HDF5 and .lst), a map, or atoms; its content "
        "decides which"
    )
    out: Annotated[pathlib.Path, Parameter(group=CONVERSION)] = Field(
        description="file to make"
    )
    to: Annotated[Format | None, option(CONVERSION)] = field(
        "format of particles [default: by the suffix: .star is RELION 3.1, .cs "
        "CryoSPARC, .csv Leopard-EM, .lst EMAN2]"
    )
    copy_images: Annotated[bool, flag(CONVERSION, "--no-copy-images")] = field(
        "write the images too, in a stack beside the table; otherwise the table names "
        "the stacks where they are",
        False,
    )
    output_contrast: Annotated[Contrast | None, option(CONVERSION)] = field(
        "of protein in the copied images [default: as the program has it]"
    )
    contrast: Annotated[Contrast | None, option(SAID)] = field(
        "of protein in the images there are [default: as the format has it]"
    )
    passthrough: Annotated[tuple[pathlib.Path, ...], option(SAID)] = field(
        "further .cs files about the same particles; may be given more than once", ()
    )
    stack: Annotated[pathlib.Path | None, option(SAID)] = field(
        "the images, where the file doesn't name them or their one stack has moved"
    )
    project: Annotated[pathlib.Path | None, option(SAID)] = field(
        "folder to which names of stacks are relative, in the new file too [default: "
        "the current one, then that of the file]"
    )
    path_map: Annotated[tuple[str, ...], option(SAID)] = field(
        "OLD=NEW, a beginning of names of stacks and what to put in its place; may be "
        "given again",
        (),
    )
    strict_paths: Annotated[bool, flag(SAID, "--no-strict-paths")] = field(
        "refuse stacks outside of these folders", False
    )
    angpix: Annotated[float | None, option(SAID, "--angpix", "--map-angpix")] = field(
        "pixel size where the file has none, Å; of a map, also where it is wrong", gt=0
    )
    kv: Annotated[float | None, option(SAID)] = field(
        "voltage where the file has none", gt=0
    )
    cs: Annotated[float | None, option(SAID)] = field(
        "spherical aberration where the file has none, mm", ge=-100, le=100
    )
    q0: Annotated[float | None, option(SAID)] = field(
        "amplitude contrast where the file has none", ge=0, le=1
    )
    mode0: Annotated[Mode0 | None, option(SAID)] = field(MODE0)
    nan_policy: Annotated[NanPolicy, option(SAID)] = field(NAN_POLICY, "error")
    max_memory: Annotated[str | None, option(RUNNING)] = field(MAX_MEMORY)
    overwrite: Annotated[bool, flag(RUNNING, "--no-overwrite")] = field(
        "replace --out and what belongs to it", False
    )
    print_json: Annotated[bool, option(RUNNING, "--json")] = field(
        "print what was written as JSON", False
    )
    quiet: Annotated[bool, flag(RUNNING, "--no-quiet")] = field("say nothing", False)

    @property
    def paths(self) -> dict[str, str]:
        """Old to new beginnings of names of stacks."""
        return dict(split_pair(pair) for pair in self.path_map)

    @property
    def reading(self) -> Reading:
        """How files are read."""
        return reading(self.mode0, self.nan_policy, self.max_memory)

    @field_validator("max_memory")
    @classmethod
    def _max_memory(cls, text: str | None) -> str | None:
        if text is not None:
            parse_bytes(text)
        return text

    @field_validator("path_map")
    @classmethod
    def _maps(cls, pairs: tuple[str, ...]) -> tuple[str, ...]:
        for pair in pairs:
            split_pair(pair)
        return pairs
