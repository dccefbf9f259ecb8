"""From a structure to the map that is imaged."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._typing import default_float
from ..grid import Grid, apply_filter, low_pass
from ..physics import PENG_1996, atomic_numbers
from ..structure import (
    ARBITRARY,
    Atoms,
    Gaussians,
    VoxelMap,
    in_solvent,
    render,
    with_mean_hydrogens,
)
from ._exit import ResourceError, UsageError
from ._map_resampling import resample_map
from ._needs import as_bytes, total_memory
from ._placing import MARGIN, PlacedAtoms, PlacedMap


RESOLUTIONS = (3.0, 5.0)

_render = jax.jit(render)


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked of a map.

    Args:
        box: voxels along each side.
        pixel_size: Å.
        resolution: to low-pass it to, Å, if any.
        diameter: of the particle, Å, where the user says so.
        solvent: whether the solvent is taken away that atoms displace.
        states: whether the map of each model is wanted, not their mean alone.
    """

    box: int
    pixel_size: float
    resolution: float | None = None
    diameter: float | None = None
    solvent: bool = False
    states: bool = False


@dataclasses.dataclass(frozen=True)
class Specimen:
    """What is imaged.

    Args:
        voxel_map: on the cube of the particle box.
        diameter: of the sphere about the origin that holds it, Å.
        amplitude_left: by cause, the fraction left at each of `RESOLUTIONS`.
        facts: of the specimen, for run.json and the report.
        states: the map of each model, where there are several and they are wanted;
            `voxel_map` is their mean.
    """

    voxel_map: VoxelMap
    diameter: float
    amplitude_left: dict[str, tuple[float, ...]]
    facts: dict[str, Any]
    states: tuple[VoxelMap, ...] = ()

    @property
    def maps(self) -> tuple[VoxelMap, ...]:
        """What particles are images of: the map, or that of each model."""
        return self.states or (self.voxel_map,)

    @property
    def nyquist(self) -> float:
        """Finest detail that it can hold, Å."""
        sizes = (self.voxel_map.voxel_size, self.facts.get("map_voxel_size", 0.0))
        return 2 * max(float(size) for size in sizes)

    def holds(self, resolution: float) -> bool:
        """Return whether a resolution, Å, isn't beyond Nyquist."""
        return resolution >= self.nyquist * (1 - 1e-6)

    def shares_left(
        self, more: dict[str, tuple[float, ...]] | None = None
    ) -> dict[str, dict[str, float | None]]:
        """Return what is left of the amplitude, by cause; None beyond Nyquist.

        Args:
            more: causes that aren't the specimen's.
        """
        causes = self.amplitude_left | (more or {})
        return {
            f"at {d:g} Å": {
                cause: left[i] if self.holds(d) else None
                for cause, left in causes.items()
            }
            for i, d in enumerate(RESOLUTIONS)
        }


def state_names(specimen: Specimen) -> list[str]:
    """Return the names of the files of each model's map, by their rlnClassNumber."""
    return [
        f"map_class{number:03d}.mrc" for number in range(1, len(specimen.states) + 1)
    ]


def notes_on_models(specimen: Specimen) -> list[str]:
    """Return what particles of several models are."""
    if not specimen.states:
        return []
    return [
        f"Each particle is of one of the {len(specimen.states)} models of the file, "
        f"drawn evenly: rlnClassNumber is the number of its model."
    ]


def in_words(unit: str) -> str:
    """Return a unit as it follows a quantity.

    Example:
        >>> in_words("V"), in_words("arbitrary")
        ('in V', 'of arbitrary scale')
    """
    return f"of {unit} scale" if unit.startswith(ARBITRARY) else f"in {unit}"


def specimen_of(structure: PlacedAtoms | PlacedMap, asked: Asked) -> Specimen:
    """Return a structure on the grid that is asked for.

    Args:
        structure: in its place.
        asked: the grid, and what else.
    """
    if isinstance(structure, PlacedMap):
        return _specimen_of_map(structure, asked)
    return _specimen_of_atoms(structure, asked)


def _specimen_of_atoms(placed: PlacedAtoms, asked: Asked) -> Specimen:
    """Return atoms as a map in volts."""
    _check_asked(asked, asked.pixel_size)
    _check_fits(2 * placed.reach, asked)
    diameter = asked.diameter or 2 * (placed.reach + MARGIN)
    voxel_map, states, surroundings = _maps_of_models(placed.models, asked)
    b_factors = np.concatenate([each.b_factors for each in placed.models])
    models = {"models": len(placed.models)} if len(placed.models) > 1 else {}
    facts = {
        "kind": "atoms",
        "atoms": len(placed.atoms),
        **models,
        "median_b_factor": float(np.median(b_factors)),
        "largest_b_factor": float(np.max(b_factors)),
        "centre": [float(x) for x in placed.centre],
        "map_unit": voxel_map.unit,
        **surroundings,
    }
    left = {
        "atoms' B-factors": _amplitude_of_models(placed.models),
        "averaging over voxels": voxel_amplitude(asked.pixel_size),
    }
    specimen = _finished(voxel_map, asked, diameter, left, facts)
    states = tuple(_low_passed(each, asked.resolution) for each in states)
    return dataclasses.replace(specimen, states=states)


def _maps_of_models(
    models: tuple[Atoms, ...], asked: Asked
) -> tuple[VoxelMap, tuple[VoxelMap, ...], dict[str, Any]]:
    """Return the mean map of models, those of each if wanted, and what is about them.

    Models are rendered one by one: their mean takes no more memory than one.
    """
    if asked.states:
        _check_memory(len(models), asked.box)
    first, facts = _map_of_atoms(models[0], asked)
    if len(models) == 1:
        return first, (), facts
    total, states = first.values, [first]
    for atoms in models[1:]:
        each, _ = _map_of_atoms(atoms, asked)
        total = total + each.values
        states += [each] if asked.states else []
    mean = dataclasses.replace(first, values=total / len(models))
    return mean, tuple(states) if asked.states else (), facts


def _check_memory(models: int, box: int) -> None:
    """Raise if memory can't hold the maps of all models and their transforms."""
    # A transform is padded by half, of complex numbers for half the frequencies.
    needed, memory = models * 4 * box**3 * (1 + 1.5**3), total_memory()
    if models > 1 and memory is not None and needed > memory:
        raise ResourceError(
            f"cannot keep the maps of {models} models because about "
            f"{as_bytes(needed)} of memory are needed and the machine has "
            f"{as_bytes(memory)}; do lower --box, or choose one with --model"
        )


def _map_of_atoms(atoms: Atoms, asked: Asked) -> tuple[VoxelMap, dict[str, Any]]:
    """Return the map of one model, and what is about it."""
    shown, facts = atoms.to_gaussians(PENG_1996), {"surroundings": "vacuum"}
    if asked.solvent:
        shown, facts = _in_solvent(atoms)
    return _render(shown, Grid((asked.box,) * 3, asked.pixel_size)), facts


def _amplitude_of_models(models: tuple[Atoms, ...]) -> tuple[float, ...]:
    """Return the amplitude left by B-factors, the mean over models."""
    left = [
        wilson_amplitude(atoms.to_gaussians(PENG_1996), np.asarray(atoms.b_factors))
        for atoms in models
    ]
    return tuple(float(x) for x in np.mean(left, axis=0))


def _in_solvent(atoms: Atoms) -> tuple[Gaussians, dict[str, Any]]:
    """Return atoms less the solvent that they displace, and what was done."""
    facts = {"surroundings": "solvent", "hydrogens": "of the model"}
    if atomic_numbers("H") not in atoms.elements:
        atoms = with_mean_hydrogens(atoms)
        facts["hydrogens"] = "mean of proteins"
    return in_solvent(atoms, table=PENG_1996), facts


def _specimen_of_map(placed: PlacedMap, asked: Asked) -> Specimen:
    """Return a map on another grid."""
    box, pixel_size = asked.box, asked.pixel_size
    if asked.solvent:
        raise UsageError(
            "cannot take the displaced solvent away with --solvent because the "
            "structure is a map, not atoms; do pass --no-solvent (a map from images is "
            "against its solvent already)"
        )
    _check_asked(asked, max(pixel_size, placed.voxel_size))
    # Its own box holds whatever is in the map.
    own = max(placed.values.shape) * placed.voxel_size
    _check_fits(min(2 * placed.reach, own * (1 - 1e-3)), asked)
    resampled = resample_map(
        placed.values, placed.voxel_size, pixel_size, box, placed.centre
    )
    voxel_map = VoxelMap(
        jnp.asarray(resampled, default_float()), pixel_size, placed.unit
    )
    facts = {
        "kind": "map",
        "map_shape": list(placed.values.shape),
        "map_voxel_size": placed.voxel_size,
        "map_unit": placed.unit,
        "centre": [float(x) for x in placed.centre],
    }
    diameter = asked.diameter or min(2 * (placed.reach + MARGIN), box * pixel_size)
    return _finished(voxel_map, asked, diameter, {}, facts)


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


def _check_asked(asked: Asked, voxel_size: float) -> None:
    """Raise if the diameter is beyond the box, or the resolution beyond Nyquist.

    Args:
        asked: the grid, and what else.
        voxel_size: of the coarser of the grid and the map, Å.
    """
    box, pixel_size = asked.box, asked.pixel_size
    side, diameter = box * pixel_size, asked.diameter
    if diameter is not None and diameter > side * (1 + 1e-6):
        needed = 2 * int(np.ceil(diameter / pixel_size / 2))
        raise UsageError(
            f"cannot use --particle-diameter {diameter:g} because the box is "
            f"{side:.4g} Å ({box} pixels of {pixel_size:.4g} Å); do give a lower one, "
            f"or --box {needed} or more"
        )
    if asked.resolution is not None and asked.resolution < 2 * voxel_size * (1 - 1e-6):
        whose = "the map's voxels" if voxel_size > pixel_size else "the pixels"
        raise UsageError(
            f"cannot low-pass to --resolution {asked.resolution:g} because nothing is "
            f"finer than {2 * voxel_size:.4g} Å, Nyquist of {whose} of "
            f"{voxel_size:.4g} Å; do leave it out, or ask for {2 * voxel_size:.4g} or "
            f"more"
        )


def _check_fits(diameter: float, asked: Asked) -> None:
    box, pixel_size = asked.box, asked.pixel_size
    if diameter > box * pixel_size:
        needed = 2 * int(np.ceil(diameter / pixel_size / 2))
        raise UsageError(
            f"cannot put the structure into the box because it is {diameter:.0f} Å "
            f"across and the box {box * pixel_size:.0f} Å; do use --box {needed} or "
            f"more, or a larger --angpix"
        )


def _finished(
    voxel_map: VoxelMap,
    asked: Asked,
    diameter: float,
    left: dict[str, tuple[float, ...]],
    facts: dict[str, Any],
) -> Specimen:
    """Return the specimen, low-passed where that is asked for."""
    if asked.resolution is not None:
        voxel_map = _low_passed(voxel_map, asked.resolution)
        left["--resolution"] = tuple(
            float(resolution > asked.resolution) for resolution in RESOLUTIONS
        )
    facts = {**facts, "particle_diameter": float(diameter)}
    return Specimen(voxel_map, float(diameter), left, facts)


def _low_passed(voxel_map: VoxelMap, resolution: float | None) -> VoxelMap:
    if resolution is None:
        return voxel_map
    values = apply_filter(voxel_map.values, low_pass(voxel_map.grid, resolution))
    return dataclasses.replace(voxel_map, values=values)
