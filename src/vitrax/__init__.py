"""Cryo-electron microscopy in JAX: image formation, and inference with it.

Names are imported when they are first used (PEP 562): `vitrax --help` needs no jax.
"""

import importlib
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from . import (
        datasets as datasets,
        detector as detector,
        grid as grid,
        image as image,
        io as io,
        optics as optics,
        physics as physics,
        plot as plot,
        pose as pose,
        potential as potential,
        structure as structure,
        units as units,
        wave as wave,
    )
    from ._batching import batch_axes as batch_axes, map_batched as map_batched
    from ._checks import maybe_error_if as maybe_error_if
    from .detector import (
        Camera as Camera,
        ColouredNoise as ColouredNoise,
        PoissonNoise as PoissonNoise,
        WhiteNoise as WhiteNoise,
        expose as expose,
    )
    from .grid import Grid as Grid
    from .image import (
        Microscope as Microscope,
        ParticleStack as ParticleStack,
        scatter as scatter,
        simulate as simulate,
        simulate_micrograph as simulate_micrograph,
        simulate_movie as simulate_movie,
    )
    from .optics import Lens as Lens
    from .pose import Pose as Pose, Rotation as Rotation
    from .potential import project as project
    from .structure import (
        Atoms as Atoms,
        Ensemble as Ensemble,
        FourierMap as FourierMap,
        Gaussians as Gaussians,
        VoxelMap as VoxelMap,
        render as render,
    )


# One line per stage, in the order in which data flows.
_STAGES = {
    "_checks": ("maybe_error_if",),
    "_batching": ("batch_axes", "map_batched"),
    "grid": ("Grid",),
    "pose": ("Pose", "Rotation"),
    "structure": ("Atoms", "Ensemble", "FourierMap", "Gaussians", "VoxelMap", "render"),
    "potential": ("project",),
    "optics": ("Lens",),
    "detector": ("Camera", "ColouredNoise", "PoissonNoise", "WhiteNoise", "expose"),
    "image": (
        "Microscope",
        "ParticleStack",
        "scatter",
        "simulate",
        "simulate_micrograph",
        "simulate_movie",
    ),
}
_SUBPACKAGES = (
    "units",
    "physics",
    "grid",
    "pose",
    "structure",
    "potential",
    "wave",
    "optics",
    "detector",
    "image",
    "io",
    "datasets",
    "plot",
)
_HOME = {name: stage for stage, names in _STAGES.items() for name in names}
# The extra that brings a package which vitrax can do without.
_EXTRAS = {
    "matplotlib": "view",
    "jinja2": "view",
    "optax": "fit",
    "optimistix": "fit",
    "lineax": "fit",
    "blackjax": "sample",
    "numpyro": "sample",
    "torch": "torch",
}

__all__ = [*sorted(_HOME), *_SUBPACKAGES]  # noqa: PLE0604  # pyright: ignore
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(_imported(_HOME[name], name), name)
    if name in _SUBPACKAGES:
        return _imported(name, name)
    raise AttributeError(f"module 'vitrax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def _imported(module: str, name: str) -> Any:
    """Return a module of the package; say which extra to install if it can't load."""
    try:
        return importlib.import_module(f".{module}", __name__)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        raise ImportError(
            f"cannot import vitrax.{name} because {error.name} isn't installed; do "
            f"pip install 'vitrax[{extra}]'"
        ) from error
