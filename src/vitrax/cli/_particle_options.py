"""Options that every command on particles has: poses, shifts and optics."""

import os
import pathlib
from typing import Annotated, Any, ClassVar, Self

from pydantic import field_validator, model_validator

from ._options import (
    MICROSCOPE,
    RUNNING,
    SAMPLING,
    STACK,
    as_option,
    field,
    flag,
    option,
)
from ._specimen_options import SpecimenOptions


# What --n, --box, ... are where neither the user nor a file gives them.
DEFAULTS = {"n": 1000, "box": 256, "angpix": 1.06, "kv": 300.0, "cs": 2.7, "q0": 0.07}

# Orientations that are drawn, not read from a file.
RANDOM = ("uniform", "preferred")

# What a file of particles says of every one, so that these can't be given with it.
SAID_BY_SOURCE = (
    "phase_shift", "defocus", "astigmatism", "orientations", "concentration",
    "shift_sd", "shift_max", "particles_per_micrograph", "height_spread",
)  # fmt: skip

# How the images of such a file are found, and what belongs to it.
OF_ITS_STACKS = ("project", "path_map", "strict_paths", "passthrough", "stack")

# What it may say, too.
SAYABLE_BY_SOURCE = (*SAID_BY_SOURCE, "kv", "cs", "q0", "b_envelope")


class ParticleOptions(SpecimenOptions):
    """A structure and the particles of it."""

    SOURCE_OPTION: ClassVar[str | None] = "--from"

    n: Annotated[int | None, option(STACK)] = field(
        "number of particles [default: 1000, or all of the particles' file]", gt=0
    )
    box: Annotated[int | None, option(STACK)] = field(
        "pixels along a side, even; goes before that of the particles' file [default: "
        "256, or as there]",
        ge=8,
    )
    angpix: Annotated[float | None, option(STACK)] = field(
        "pixel size, Å; goes before that of the particles' file [default: 1.06, or as "
        "there or in the map]",
        gt=0,
    )
    seed: Annotated[int, option(STACK)] = field(
        "of every random draw", 0, ge=0, lt=2**63
    )

    kv: Annotated[float | None, option(MICROSCOPE)] = field(
        "voltage, kV [default: 300, or as in the particles' file]", ge=10, le=3000
    )
    cs: Annotated[float | None, option(MICROSCOPE)] = field(
        "spherical aberration, mm [default: 2.7, or as in the particles' file]",
        ge=-100,
        le=100,
    )
    q0: Annotated[float | None, option(MICROSCOPE)] = field(
        "amplitude contrast [default: 0.07, or as in the particles' file]", ge=0, le=1
    )
    phase_shift: Annotated[float, option(MICROSCOPE)] = field(
        "of a phase plate, degrees", 0.0
    )
    defocus: Annotated[tuple[float, float], option(MICROSCOPE)] = field(
        "lowest and highest defocus, Å, positive underfocus", (8000.0, 20000.0)
    )
    astigmatism: Annotated[float, option(MICROSCOPE)] = field(
        "largest defocus U - V, Å; drawn from 0 to this, at any angle", 0.0, ge=0
    )
    b_envelope: Annotated[float, option(MICROSCOPE)] = field(
        "B-factor of the envelope, Å², written as rlnCtfBfactor", 0.0
    )

    source: Annotated[pathlib.Path | None, option(SAMPLING, "--from")] = field(
        "particles' file of RELION, cisTEM, CryoSPARC (.cs), Leopard-EM (.csv) or "
        "EMAN2 to take poses and optics from, row by row; options say only what it "
        "doesn't"
    )
    project: Annotated[pathlib.Path | None, option(SAMPLING)] = field(
        "folder to which that file's names of stacks are relative, where it is "
        "neither the current one nor that of the file"
    )
    path_map: Annotated[list[str], option(SAMPLING)] = field(
        "OLD=NEW, a beginning of names of stacks and what to put in its place; may be "
        "given again",
        [],
    )
    strict_paths: Annotated[bool, flag(SAMPLING, "--no-strict-paths")] = field(
        "refuse stacks outside of the current folder, --project and the folder of "
        "that file",
        False,
    )
    passthrough: Annotated[list[pathlib.Path], option(SAMPLING)] = field(
        "further .cs file about the same particles; may be given again", []
    )
    stack: Annotated[pathlib.Path | None, option(SAMPLING)] = field(
        "the images of that file, where it doesn't name them, as cisTEM's doesn't, or "
        "their one stack has moved"
    )
    resample: Annotated[bool, flag(SAMPLING, "--no-resample")] = field(
        "draw particles of that file at random, with replacement", False
    )
    orientations: Annotated[str, option(SAMPLING)] = field(
        "uniform, preferred (views gather about the map's z axis), or a particles' "
        "file of angles to go through again and again",
        "uniform",
    )
    concentration: Annotated[float, option(SAMPLING)] = field(
        "of preferred views (kappa of von Mises and Fisher)", 10.0, gt=0
    )
    shift_sd: Annotated[float, option(SAMPLING)] = field(
        "standard deviation of the shift along x and y, Å", 0.0, ge=0
    )
    shift_max: Annotated[float, option(SAMPLING)] = field(
        "largest shift along x and along y, Å, drawn evenly from minus this to this, "
        "instead of --shift-sd",
        0.0,
        ge=0,
    )
    particles_per_micrograph: Annotated[int | None, option(SAMPLING)] = field(
        "draw defocus and astigmatism once for this many particles [default: for each]",
        gt=0,
    )
    height_spread: Annotated[float, option(SAMPLING)] = field(
        "thickness over which particles of a micrograph lie, Å, added to their defocus",
        0.0,
        ge=0,
    )

    batch_size: Annotated[int | None, option(RUNNING)] = field(
        "images at a time; doesn't change them [default: by memory]", gt=0
    )

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

    @field_validator("path_map")
    @classmethod
    def _maps(cls, pairs: list[str]) -> list[str]:
        wrong = [
            pair for pair in pairs if not pair.partition("=")[0] or "=" not in pair
        ]
        if wrong:
            raise ValueError(
                f"cannot use --path-map {wrong[0]} because it isn't OLD=NEW; do write "
                f"it so, such as --path-map /old/disk=/new/disk"
            )
        return pairs

    @model_validator(mode="after")
    def _looks_for_stacks_of_a_file(self) -> Self:
        given = [name for name in OF_ITS_STACKS if getattr(self, name)]
        if given and self.source is None:
            raise ValueError(
                f"cannot use {as_option(given[0])} because it says where the stacks of "
                f"a particles' file are, or what belongs to it; do give "
                f"{self.SOURCE_OPTION} FILE as well"
            )
        return self

    @model_validator(mode="after")
    def _has_what_is_sampled(self) -> Self:
        if self.resample and (self.source is None or self.n is None):
            raise ValueError(
                f"cannot resample because --resample draws particles of a file; do "
                f"give {self.SOURCE_OPTION} FILE and --n as well"
            )
        if self.concentration != 10.0 and self.orientations != "preferred":
            raise ValueError(
                f"cannot use --concentration with --orientations {self.orientations} "
                f"because it is that of preferred views; do give --orientations "
                f"preferred, or leave it out"
            )
        if self.shift_sd and self.shift_max:
            raise ValueError(
                f"cannot use --shift-max {self.shift_max:g} with --shift-sd "
                f"{self.shift_sd:g} because shifts are drawn either evenly or by a "
                f"normal law; do give one of them"
            )
        return self

    def options_used(self) -> dict[str, Any]:
        """Return the options under the names that the command line gives them.

        What the file of --from says of every particle is None: these options have no
        part in the run.
        """
        values = super().options_used()
        values[str(self.SOURCE_OPTION).removeprefix("--")] = values.pop("source")
        for name in ("project", "stack"):
            if (path := getattr(self, name)) is not None:
                values[name] = os.path.abspath(path)
        values["passthrough"] = [os.path.abspath(path) for path in self.passthrough]
        if self.source is not None:
            values |= dict.fromkeys(SAID_BY_SOURCE)
            values["b_envelope"] = self.b_envelope or None
        return values

    def input_files(self) -> dict[str, pathlib.Path]:
        """Return the files that are read, by the option that names them."""
        found = super().input_files()
        if self.source is not None:
            found[str(self.SOURCE_OPTION).removeprefix("--")] = self.source
            for place, path in enumerate(self.passthrough):
                found[f"passthrough {place + 1}"] = path
        elif self.orientations not in RANDOM:
            found["orientations"] = pathlib.Path(self.orientations)
        return found
