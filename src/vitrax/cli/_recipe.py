"""Everything that a simulated data set is made from, validated."""

import pathlib
from typing import Annotated, Literal, Self

from pydantic import model_validator

from ._options import (
    MICROSCOPE,
    NOISE,
    RUNNING,
    SAMPLING,
    SPECIMEN,
    field,
    flag,
    option,
)
from ._particle_options import ParticleOptions


class Recipe(ParticleOptions):
    """Parameters of `vitrax simulate`.

    Lengths in Å, angles in degrees, kV, mm.
    """

    ctf_pad: Annotated[int, option(MICROSCOPE)] = field(
        "make images in a box this many times larger, then crop, as extraction from a "
        "micrograph does; 1 is periodic, as in RELION",
        1,
        ge=1,
        le=8,
    )

    contrast: Annotated[Literal["white", "dark", "relion"] | None, option(SAMPLING)] = (
        field(
            "of protein in the images of --from; relion is white [default: as the "
            "format has it: white in RELION's, dark in cisTEM's, in CryoSPARC's as the "
            "file says]"
        )
    )

    solvent: Annotated[bool, flag(SPECIMEN, "--no-solvent")] = field(
        "take away the solvent that the atoms displace: contrast against ice; "
        "otherwise the molecule is in vacuum",
        False,
    )

    dose: Annotated[float | None, option(NOISE)] = field(
        "electrons per Å² that are counted, instead of --snr", gt=0
    )
    mtf: Annotated[pathlib.Path | None, option(NOISE)] = field(
        "STAR file of the camera's MTF, as RELION's; the image's pixels are taken for "
        "the camera's, and its noise for white"
    )
    snr: Annotated[float | None, option(NOISE)] = field(
        "variance of the noise-free images after the CTF over that of the noise; "
        "without it there is no noise",
        gt=0,
    )
    snr_mask: Annotated[Literal["box", "particle"], option(NOISE)] = field(
        "pixels of which the variance is meant", "box"
    )
    particle_diameter: Annotated[float | None, option(NOISE)] = field(
        "Å [default: from the structure]", gt=0
    )
    normalise: Annotated[bool, flag(NOISE, "--no-normalise")] = field(
        "scale noisy images so that the noise has sd 1; otherwise contrast I/I0 - 1",
        True,
    )

    report: Annotated[bool, flag(RUNNING, "--no-report")] = field(
        "write report.html", True
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.contrast not in (None, "relion") and self.source is None:
            raise ValueError(
                f"cannot use --contrast {self.contrast} because it says how the images "
                f"of --from are; do give --from FILE, or leave it out (images are "
                f"written with protein white)"
            )
        if self.dose is not None and self.snr is not None:
            raise ValueError(
                "cannot use --snr with --dose because the counted electrons are the "
                "noise; do give one of them"
            )
        if self.snr_mask == "particle" and self.snr is None:
            raise ValueError(
                "cannot use --snr-mask because there is no noise without --snr; do "
                "give --snr too"
            )
        return self

    @property
    def contrast_of_file(self) -> str | None:
        """Contrast of protein in the images of --from, None where the format says."""
        return "white" if self.contrast == "relion" else self.contrast

    @property
    def is_noisy(self) -> bool:
        """Whether the images have noise."""
        return self.snr is not None or self.dose is not None

    def input_files(self) -> dict[str, pathlib.Path]:
        """Return the files that are read, by the option that names them."""
        found = super().input_files()
        return found if self.mtf is None else found | {"mtf": self.mtf}
