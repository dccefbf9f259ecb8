"""From a file to the map that is imaged."""

import dataclasses
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import datasets, io
from .._typing import default_float
from ..grid import Grid, apply_filter, low_pass
from ..physics import PENG_1996
from ..structure import Atoms, Gaussians, VoxelMap, render
from ._exit import UsageError
from ._map_resampling import resample_map
from ._recipe import Recipe, as_option, parse_b_factor
from ._symmetry import symmetric_copies


# Beyond the outermost atom, Å: the width of an atom with its B-factor.
MARGIN = 5.0
RESOLUTIONS = (3.0, 5.0)

_render = jax.jit(render)


@dataclasses.dataclass(frozen=True)
class Specimen:
    """What is imaged.

    Args:
        voxel_map: on the cube of the particle box.
        diameter: of the sphere about the origin that holds it, Å.
        amplitude_left: by cause, the fraction left at each of `RESOLUTIONS`.
        facts: of the specimen, for run.json and the report.
    """

    voxel_map: VoxelMap
    diameter: float
    amplitude_left: dict[str, tuple[float, ...]]
    facts: dict[str, Any]

    @property
    def nyquist(self) -> float:
        """Finest detail that it can hold, Å."""
        sizes = (self.voxel_map.voxel_size, self.facts.get("map_voxel_size", 0.0))
        return 2 * max(float(size) for size in sizes)

    def holds(self, resolution: float) -> bool:
        """Return whether a resolution, Å, isn't beyond Nyquist."""
        return resolution >= self.nyquist * (1 - 1e-6)


def is_map(path: pathlib.Path) -> bool:
    """Return whether a file's name says that it is a map, packed or not."""
    names = [suffix.lower() for suffix in path.suffixes]
    packed = bool(names) and names[-1] in (".gz", ".bz2")
    kinds = names[-2:-1] if packed else names[-1:]
    return kinds[:1] in ([".mrc"], [".map"], [".mrcs"], [".ccp4"], [".rec"])


def specimen_of_file(recipe: Recipe, box: int, pixel_size: float) -> Specimen:
    """Return the specimen of a recipe.

    Args:
        recipe: the parameters.
        box: voxels along each side.
        pixel_size: Å.
    """
    _refuse_misplaced(recipe)
    if is_packaged(recipe.structure):
        return specimen_of_atoms(datasets.apoferritin(), recipe, box, pixel_size)
    if is_map(recipe.structure):
        return specimen_of_map(recipe, box, pixel_size)
    atoms = io.read_atoms(
        recipe.structure, model=recipe.model, assembly=recipe.assembly
    )
    return specimen_of_atoms(atoms, recipe, box, pixel_size)


def _refuse_misplaced(recipe: Recipe) -> None:
    """Raise for a table instead of a structure, and options for another structure."""
    structure = recipe.structure
    if structure.suffix.lower() == ".star":
        raise UsageError(
            f"cannot simulate {structure} because it is a table of particles, not "
            f"atoms or a map; do give the structure there and the table after --from: "
            f"vitrax simulate STRUCTURE --from {structure}"
        )
    if recipe.map_angpix is not None and not is_map(structure):
        raise UsageError(
            f"cannot use --map-angpix because {structure} is atoms, not a map; do "
            f"leave it out (--angpix is the pixel size of the images)"
        )
    if is_packaged(structure) and (recipe.assembly is not None or recipe.model != 1):
        raise UsageError(
            "cannot apply --assembly or --model to apoferritin because what comes with "
            "vitrax is one whole shell; do leave them out"
        )


def is_packaged(path: pathlib.Path) -> bool:
    """Return whether this is the specimen that comes with vitrax, not a file."""
    return str(path) == "apoferritin" and not path.exists()


def specimen_of_atoms(
    atoms: Atoms, recipe: Recipe, box: int, pixel_size: float
) -> Specimen:
    """Return atoms, with the recipe's B-factors and symmetry, as a map in volts."""
    _check_asked(recipe, box, pixel_size, pixel_size)
    atoms = with_b_factors(symmetric_copies(atoms, recipe.symmetry), recipe.b_factor)
    centre = centre_of_mass(atoms) if recipe.centre else np.zeros(3)
    atoms = moved(atoms, -centre)
    reach = float(np.sqrt((np.asarray(atoms.positions) ** 2).sum(axis=1).max()))
    diameter = recipe.particle_diameter or 2 * (reach + MARGIN)
    _check_fits(2 * reach, box, pixel_size)
    gaussians = atoms.to_gaussians(PENG_1996)
    voxel_map = _render(gaussians, Grid((box, box, box), pixel_size))
    b_factors = np.asarray(atoms.b_factors)
    facts = {
        "kind": "atoms",
        "atoms": len(atoms),
        "median_b_factor": float(np.median(b_factors)),
        "largest_b_factor": float(np.max(b_factors)),
        "centre": [float(x) for x in centre],
        "map_unit": voxel_map.unit,
    }
    left = {
        "atoms' B-factors": wilson_amplitude(gaussians, b_factors),
        "averaging over voxels": voxel_amplitude(pixel_size),
    }
    return _finished(voxel_map, recipe, diameter, left, facts)


def specimen_of_map(recipe: Recipe, box: int, pixel_size: float) -> Specimen:
    """Return a map from a file, on the grid of the particle box."""
    of_atoms = {"b_factor": "model", "symmetry": "C1", "assembly": None, "model": 1}
    asked = [as_option(k) for k, v in of_atoms.items() if getattr(recipe, k) != v]
    if asked:
        raise UsageError(
            f"cannot apply {', '.join(asked)} to {recipe.structure} because it is a "
            f"map, not atoms; do leave out what is for atoms (--b-envelope and "
            f"--resolution work on maps)"
        )
    original = _map_of_file(recipe)
    old_size = float(original.voxel_size)
    _check_asked(recipe, box, pixel_size, max(pixel_size, old_size))
    values = np.asarray(original.values)
    reach = map_reach(values, old_size)
    _check_fits(2 * reach, box, pixel_size)
    resampled = resample_map(values, old_size, pixel_size, box)
    voxel_map = VoxelMap(
        jnp.asarray(resampled, default_float()), pixel_size, original.unit
    )
    facts = {
        "kind": "map",
        "map_shape": list(original.shape),
        "map_voxel_size": old_size,
        "map_unit": original.unit,
    }
    diameter = recipe.particle_diameter or min(2 * (reach + MARGIN), box * pixel_size)
    return _finished(voxel_map, recipe, diameter, {}, facts)


def map_header(recipe: Recipe) -> tuple[int, float]:
    """Return the longest side and the voxel size of the recipe's map, Å."""
    original = _map_of_file(recipe)
    return max(original.shape), float(original.voxel_size)


def _map_of_file(recipe: Recipe) -> VoxelMap:
    """Return the recipe's map; --angpix stands in for a voxel size that is missing."""
    voxel_size = recipe.map_angpix
    if voxel_size is None and 0.0 in io.read_header(recipe.structure).voxel_size:
        voxel_size = recipe.angpix
    return io.read_map(recipe.structure, voxel_size=voxel_size)


def with_b_factors(atoms: Atoms, text: str) -> Atoms:
    """Return atoms with the B-factors that --b-factor asks for."""
    kind, value = parse_b_factor(text)
    b_factors = value * (
        jnp.ones_like(atoms.b_factors) if kind == "all" else atoms.b_factors
    )
    return dataclasses.replace(atoms, b_factors=b_factors)


def centre_of_mass(atoms: Atoms) -> np.ndarray:
    """Return the mean position, weighted with atomic number and occupancy, Å."""
    numbers = np.frombuffer(atoms.elements, np.uint8).astype(float)
    weights = numbers * np.asarray(atoms.occupancies, float)
    positions = np.asarray(atoms.positions, float)
    return (weights @ positions) / max(weights.sum(), 1e-30)


def moved(atoms: Atoms, by: np.ndarray) -> Atoms:
    """Return atoms moved by (x, y, z), Å."""
    positions = atoms.positions + jnp.asarray(by, atoms.positions.dtype)[None]
    return dataclasses.replace(atoms, positions=positions)


def wilson_amplitude(gaussians: Gaussians, b_factors: np.ndarray) -> tuple[float, ...]:
    r"""Return the amplitude left by the B-factors of atoms at each of `RESOLUTIONS`.

    $$\sqrt{\sum_j f_j^2(k)\,e^{-B_j k^2/2} / \sum_j f_j^2(k)}$$

    Args:
        gaussians: of the atoms, B-factors included.
        b_factors: of the atoms, Å².
    """
    amplitudes = np.asarray(gaussians.amplitudes, float)
    variances = np.asarray(gaussians.variances, float)
    at_rest = variances - np.asarray(b_factors, float)[:, None] / (8 * np.pi**2)
    left = []
    for resolution in RESOLUTIONS:
        falloff = 2 * np.pi**2 / resolution**2
        moving = (amplitudes * np.exp(-falloff * variances)).sum(axis=1)
        still = (amplitudes * np.exp(-falloff * at_rest)).sum(axis=1)
        left.append(float(np.sqrt((moving**2).sum() / (still**2).sum())))
    return tuple(left)


def voxel_amplitude(voxel_size: float) -> tuple[float, ...]:
    r"""Return the amplitude left by averaging over voxels at each of `RESOLUTIONS`.

    $$\sqrt{\langle \prod_i \text{sinc}^2(k_i p) \rangle}$$ over all directions.

    Args:
        voxel_size: $p$, Å.
    """
    cosines, turns = (np.arange(2000) + 0.5) / 1000 - 1, np.arange(2000) * 2.399963
    sines = np.sqrt(1 - cosines**2)
    directions = np.stack([sines * np.cos(turns), sines * np.sin(turns), cosines])
    return tuple(
        float(np.sqrt((np.sinc(directions * voxel_size / d) ** 2).prod(axis=0).mean()))
        for d in RESOLUTIONS
    )


def map_reach(values: np.ndarray, voxel_size: float) -> float:
    """Return the radius about the origin that holds 99 % of a map's power, Å."""
    axes = [(np.arange(n) - n // 2) ** 2 for n in values.shape]
    radius = np.sqrt(
        axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
    )
    power = np.bincount(radius.astype(int).ravel(), (values.astype(float) ** 2).ravel())
    total = np.cumsum(power)
    return float((np.searchsorted(total, 0.99 * total[-1]) + 1) * voxel_size)


def _check_asked(
    recipe: Recipe, box: int, pixel_size: float, voxel_size: float
) -> None:
    """Raise if the diameter is beyond the box, or the resolution beyond Nyquist.

    Args:
        recipe: the parameters.
        box: pixels along a side.
        pixel_size: Å.
        voxel_size: of the coarser of the box and the map, Å.
    """
    side, diameter = box * pixel_size, recipe.particle_diameter
    if diameter is not None and diameter > side * (1 + 1e-6):
        needed = 2 * int(np.ceil(diameter / pixel_size / 2))
        raise UsageError(
            f"cannot use --particle-diameter {diameter:g} because the box is "
            f"{side:.4g} Å ({box} pixels of {pixel_size:.4g} Å); do give a lower one, "
            f"or --box {needed} or more"
        )
    if recipe.resolution is not None and recipe.resolution < 2 * voxel_size * (
        1 - 1e-6
    ):
        whose = "the map's voxels" if voxel_size > pixel_size else "the pixels"
        raise UsageError(
            f"cannot low-pass to --resolution {recipe.resolution:g} because nothing is "
            f"finer than {2 * voxel_size:.4g} Å, Nyquist of {whose} of "
            f"{voxel_size:.4g} Å; do leave it out, or ask for {2 * voxel_size:.4g} or "
            f"more"
        )


def _check_fits(diameter: float, box: int, pixel_size: float) -> None:
    if diameter > box * pixel_size:
        needed = 2 * int(np.ceil(diameter / pixel_size / 2))
        raise UsageError(
            f"cannot put the structure into the box because it is {diameter:.0f} Å "
            f"across and the box {box * pixel_size:.0f} Å; do use --box {needed} or "
            f"more, or a larger --angpix"
        )


def _finished(
    voxel_map: VoxelMap,
    recipe: Recipe,
    diameter: float,
    left: dict[str, tuple[float, ...]],
    facts: dict[str, Any],
) -> Specimen:
    """Return the specimen, low-passed where the recipe says so."""
    if recipe.resolution is not None:
        grid = voxel_map.grid
        values = apply_filter(voxel_map.values, low_pass(grid, recipe.resolution))
        voxel_map = dataclasses.replace(voxel_map, values=values)
        left["--resolution"] = tuple(
            float(resolution > recipe.resolution) for resolution in RESOLUTIONS
        )
    facts = {**facts, "particle_diameter": float(diameter)}
    return Specimen(voxel_map, float(diameter), left, facts)
