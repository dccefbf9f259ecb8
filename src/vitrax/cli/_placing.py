"""From a file to a structure in its place about the origin."""

import dataclasses
import math
import pathlib

import jax.numpy as jnp
import numpy as np

from .. import datasets, io
from .._files import InputError
from ..structure import VOLT, Atoms, VoxelMap, centre_of_mass
from ._exit import UsageError
from ._options import as_option
from ._specimen_options import (
    ALL_MODELS,
    OF_A_FILE,
    SpecimenOptions,
    is_packaged,
    parse_b_factor,
)
from ._symmetry import symmetric_copies


# Beyond the outermost atom, Å: the width of an atom with its B-factor.
MARGIN = 5.0
# Side of a box that nobody chose, over the diameter of the atoms in it.
_ROOM = 1.5
# A map's mass is what is above its mean by this many standard deviations.
_ABOVE = 2.0


@dataclasses.dataclass(frozen=True)
class PlacedAtoms:
    """Atoms of a file, copied, blurred and moved as they will be imaged.

    Args:
        models: about the origin: one, or all of the file, moved as one.
        centre: coordinates (x, y, z) in the file of what is at the origin, Å.
        reach: distance of the outermost atom from the origin, Å.
    """

    models: tuple[Atoms, ...]
    centre: np.ndarray
    reach: float

    @property
    def atoms(self) -> Atoms:
        """Of the first model."""
        return self.models[0]

    @property
    def voxel_size(self) -> None:
        """Atoms have none."""

    @property
    def place(self) -> np.ndarray:
        """Coordinates (x, y, z) in the file of what is at the origin, Å."""
        return self.centre

    def roomy_box(self, pixel_size: float) -> int:
        """Return an even box that leaves room about the atoms.

        Args:
            pixel_size: Å.
        """
        return good_box(_ROOM * 2 * (self.reach + MARGIN) / pixel_size)


@dataclasses.dataclass(frozen=True)
class PlacedMap:
    """A map of a file.

    Args:
        values: [z, y, x].
        voxel_size: Å.
        unit: of the values.
        centre: (x, y, z) relative to voxel N // 2 of what will be at the origin, Å.
        place: coordinates (x, y, z) of the same point by the file's header, Å.
        reach: radius about it that holds 99 % of the map's power, Å.
    """

    values: np.ndarray
    voxel_size: float
    unit: str
    centre: np.ndarray
    place: np.ndarray
    reach: float

    def roomy_box(self, pixel_size: float) -> int:
        """Return an even box that holds the map's own.

        Args:
            pixel_size: Å.
        """
        side = math.ceil(max(self.values.shape) * self.voxel_size / pixel_size - 1e-3)
        return max(side + side % 2, 8)


def good_box(least: float) -> int:
    """Return the next even number without factors above 5, at least 16.

    Args:
        least: that it may be.

    Example:
        >>> good_box(195.2)
        200
    """
    box = max(2 * math.ceil(least / 2), 16)
    while not _is_smooth(box):
        box += 2
    return box


def _is_smooth(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1


def is_map(path: pathlib.Path) -> bool:
    """Return whether a file's name says that it is a map, packed or not."""
    names = [suffix.lower() for suffix in path.suffixes]
    packed = bool(names) and names[-1] in (".gz", ".bz2")
    kinds = names[-2:-1] if packed else names[-1:]
    return kinds[:1] in ([".mrc"], [".map"], [".mrcs"], [".ccp4"], [".rec"])


def shortest(size: float) -> float:
    """Return the number with the fewest digits that float32 holds as this one.

    Args:
        size: of a header, which has 4.4 as 4.400000095.

    Example:
        >>> shortest(4.400000095367432)
        4.4
    """
    return float(str(np.float32(size)))


def read_structure(recipe: SpecimenOptions) -> PlacedAtoms | PlacedMap:
    """Return the structure of a recipe.

    Args:
        recipe: the parameters.
    """
    _refuse_misplaced(recipe)
    if is_packaged(recipe.structure):
        return _placed_atoms([datasets.apoferritin()], recipe)
    if is_map(recipe.structure):
        return _placed_map(recipe)
    return _placed_atoms(_models_of_file(recipe), recipe)


def _models_of_file(recipe: SpecimenOptions) -> list[Atoms]:
    """Return the atoms that the recipe chooses of its file, of each model."""
    chosen = {name: getattr(recipe, name) for name in OF_A_FILE} | recipe.reading.limit
    try:
        if recipe.model != ALL_MODELS:
            return [io.read_atoms(recipe.structure, **chosen)]
        del chosen["model"]
        ensemble = io.read_ensemble(recipe.structure, **chosen)
        return [ensemble.state(number) for number in range(len(ensemble))]
    except InputError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from error


def _asked_of_a_file(recipe: SpecimenOptions) -> list[str]:
    """Return the options for atoms of a file that were given, as they are typed."""
    return [
        as_option(f"no_{name}" if default is True else name)
        for name, default in OF_A_FILE.items()
        if getattr(recipe, name) != default
    ]


def _is_table(path: pathlib.Path) -> bool:
    """Return whether a file is a table of particles, by its content if it has any."""
    try:
        kind = io.file_kind(path)
    except (InputError, OSError):
        return path.suffix.lower() in (".star", ".cs")
    return kind.has_particles or kind is io.FileKind.STAR


def _refuse_misplaced(recipe: SpecimenOptions) -> None:
    """Raise for a table instead of a structure, and options for another structure."""
    structure = recipe.structure
    if _is_table(structure):
        option = recipe.SOURCE_OPTION
        table = f", and the table after it: {option} {structure}" if option else ""
        raise UsageError(
            f"cannot use {structure} as a structure because it is a table of "
            f"particles, not atoms or a map; do give the structure there{table}"
        )
    if recipe.map_angpix is not None and not is_map(structure):
        raise UsageError(
            f"cannot use --map-angpix because {structure} is atoms, not a map; do "
            f"leave it out (--angpix is that of what is made)"
        )
    if recipe.map_volts is not None and not is_map(structure):
        raise UsageError(
            f"cannot use --map-volts because {structure} is atoms, not a map, and in "
            f"volts anyway; do leave it out"
        )
    of_maps = {"mode0": None, "nan_policy": "error"}
    asked = [as_option(k) for k, v in of_maps.items() if getattr(recipe, k) != v]
    if asked and not is_map(structure):
        raise UsageError(
            f"cannot use {', '.join(asked)} because {structure} is atoms, not a map; "
            f"do leave it out"
        )
    if is_packaged(structure) and (asked := _asked_of_a_file(recipe)):
        raise UsageError(
            f"cannot apply {', '.join(asked)} to apoferritin because what comes with "
            f"vitrax is one whole shell, not a file; do leave them out"
        )


def _placed_atoms(models: list[Atoms], recipe: SpecimenOptions) -> PlacedAtoms:
    """Return models moved as one, so that they lie on each other as in the file."""
    models = [
        with_b_factors(symmetric_copies(atoms, recipe.symmetry), recipe.b_factor)
        for atoms in models
    ]
    centre = np.zeros(3)
    if recipe.centre is not False:
        middles = [np.asarray(centre_of_mass(atoms), float) for atoms in models]
        centre = np.mean(middles, axis=0)
    models = [moved(atoms, -centre) for atoms in models]
    squares = [(np.asarray(each.positions) ** 2).sum(axis=1).max() for each in models]
    return PlacedAtoms(tuple(models), centre, float(np.sqrt(max(squares))))


def _placed_map(recipe: SpecimenOptions) -> PlacedMap:
    _refuse_options_of_atoms(recipe)
    original = _map_of_file(recipe)
    size = shortest(float(original.voxel_size))
    values, unit = np.asarray(original.values), original.unit
    if recipe.map_volts is not None:
        values, unit = values * np.float32(recipe.map_volts), VOLT
    centre = centre_of_map(values, size) if recipe.centre else np.zeros(3)
    middle = size * np.array([n // 2 for n in values.shape[::-1]])
    header = io.read_header(recipe.structure, **recipe.reading.of_header)
    place = np.array(header.first_voxel(size)) + middle + centre
    reach = map_reach(values, size, centre)
    return PlacedMap(values, size, unit, centre, place, reach)


def _refuse_options_of_atoms(recipe: SpecimenOptions) -> None:
    """Raise for options that only atoms have."""
    of_atoms = {"b_factor": "model", "symmetry": "C1"}
    asked = [as_option(k) for k, v in of_atoms.items() if getattr(recipe, k) != v]
    asked += _asked_of_a_file(recipe)
    if asked:
        raise UsageError(
            f"cannot apply {', '.join(asked)} to {recipe.structure} because it is a "
            f"map, not atoms; do leave out what is for atoms (--resolution works on "
            f"maps)"
        )


def _map_of_file(recipe: SpecimenOptions) -> VoxelMap:
    """Return the recipe's map; --angpix stands in for a voxel size that is missing."""
    path, voxel_size = recipe.structure, recipe.map_angpix
    header = io.read_header(path, **recipe.reading.of_header)
    if voxel_size is None and 0.0 in header.voxel_size:
        voxel_size = recipe.angpix
    return io.read_map(path, voxel_size=voxel_size, **recipe.reading.of_map)


def with_b_factors(atoms: Atoms, text: str) -> Atoms:
    """Return atoms with the B-factors that --b-factor asks for."""
    kind, value = parse_b_factor(text)
    b_factors = value * (
        jnp.ones_like(atoms.b_factors) if kind == "all" else atoms.b_factors
    )
    return dataclasses.replace(atoms, b_factors=b_factors)


def moved(atoms: Atoms, by: np.ndarray) -> Atoms:
    """Return atoms moved by (x, y, z), Å."""
    positions = atoms.positions + jnp.asarray(by, atoms.positions.dtype)[None]
    return dataclasses.replace(atoms, positions=positions)


def centre_of_map(values: np.ndarray, voxel_size: float) -> np.ndarray:
    """Return the centre of a map's mass relative to voxel N // 2, (x, y, z) in Å.

    Its mass is what stands out: values less their mean and two standard deviations,
    where that is positive.

    Args:
        values: [z, y, x].
        voxel_size: Å.

    Raises:
        UsageError: if nothing stands out.
    """
    mass = np.maximum(values - (values.mean() + _ABOVE * values.std()), 0.0)
    total = float(mass.sum(dtype=float))
    if not total > 0:
        raise UsageError(
            "cannot --centre the map because none of its voxels stands out by two "
            "standard deviations; do leave --centre out"
        )
    found = []
    for axis in (2, 1, 0):
        others = tuple(other for other in range(3) if other != axis)
        along = mass.sum(axis=others, dtype=float)
        count = len(along)
        found.append(float((np.arange(count) - count // 2) @ along) / total)
    return voxel_size * np.array(found)


def map_reach(values: np.ndarray, voxel_size: float, centre: np.ndarray) -> float:
    """Return the radius about a point that holds 99 % of a map's power, Å.

    Args:
        values: [z, y, x].
        voxel_size: Å.
        centre: (x, y, z) relative to voxel N // 2, Å.
    """
    offsets = centre[::-1] / voxel_size
    axes = [
        (np.arange(n) - n // 2 - offset) ** 2
        for n, offset in zip(values.shape, offsets, strict=True)
    ]
    radius = np.sqrt(
        axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
    )
    power = np.bincount(radius.astype(int).ravel(), (values.astype(float) ** 2).ravel())
    total = np.cumsum(power)
    return float((np.searchsorted(total, 0.99 * total[-1]) + 1) * voxel_size)
