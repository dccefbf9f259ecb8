"""The command `vitrax demo`: apoferritin, which comes with vitrax."""

import pathlib

from ._recipe import Recipe
from ._simulate import simulate


def demo(folder: pathlib.Path, *, overwrite: bool = False, quiet: bool = False) -> None:
    """Simulate the packaged specimen into a folder.

    Args:
        folder: to make.
        overwrite: whether to replace the files of an earlier run.
        quiet: whether to say nothing.
    """
    recipe = Recipe(
        structure=pathlib.Path("apoferritin"),
        out=folder,
        n=400,
        box=192,
        angpix=1.5,
        defocus=(5000.0, 10000.0),
        astigmatism=200.0,
        shift_sd=3.0,
        b_envelope=40.0,
        snr=0.1,
        particles_per_micrograph=50,
        height_spread=300.0,
        overwrite=overwrite,
        quiet=quiet,
    )
    simulate(recipe)
