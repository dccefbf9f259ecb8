"""Poses and optics from a real file of particles, and its images where they are."""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import io
from .._files import InputError
from ..image import ParticleStack
from ._draw import draw_rows, draw_subsets, no_images
from ._exit import UsageError
from ._options import as_option, split_pair
from ._particle_options import SAID_BY_SOURCE, ParticleOptions


# Columns of what isn't simulated, and what it is.
_NOT_SIMULATED = {
    "rlnMtfFileName": "the camera's MTF",
    "rlnCtfDataAreCtfPremultiplied": "images multiplied by their CTF",
}


# Options that say what a file may leave out, and where it would stand.
_OF_OPTICS = {
    "kv": "voltage",
    "cs": "spherical_aberration",
    "q0": "amplitude_contrast",
}

# Columns that a simulated stack keeps.
_KEPT = ("rlnMicrographName", "rlnRandomSubset", "rlnCoordinateX", "rlnCoordinateY")


@dataclasses.dataclass(frozen=True)
class Source:
    """What a file says of its particles.

    Args:
        stack: of the particles.
        notes: for the reader of the report.
    """

    stack: ParticleStack
    notes: tuple[str, ...]

    def sampling(self) -> dict[str, int | float]:
        """Return the one box and pixel size of the images, where there is one."""
        boxes, sizes = np.unique(self.stack.boxes), np.unique(self.stack.pixel_sizes)
        found: dict[str, int | float] = {}
        if len(boxes) == 1 and boxes[0] > 0:
            found["box"] = int(boxes[0])
        if len(sizes) == 1:
            found["angpix"] = float(sizes[0])
        return found

    def why_not(self, name: str) -> str:
        """Return why there is no one box or pixel size, naming the optics groups.

        Args:
            name: box or angpix.
        """
        if not len(self.stack):
            return "it has no particles"
        groups: dict[str, list[str]] = {}
        for i in np.unique(self.stack.groups):
            each = self.stack.optics[i]
            value = f"{each.pixel_size:g} Å" if name == "angpix" else f"{each.box}"
            groups.setdefault(value, []).append(each.name)
        unknown = groups.pop("None", None)
        if unknown:
            return (
                f"rlnImageSize isn't said of {', '.join(unknown)} and their stacks "
                f"aren't found"
            )
        listed = [f"{value} in {', '.join(each)}" for value, each in groups.items()]
        what = "boxes" if name == "box" else "pixel sizes"
        return f"the {what} of its optics groups differ: {'; '.join(listed)}"

    def images(self, rows: np.ndarray) -> np.ndarray | None:
        """Return some images with protein white; None where their files aren't there.

        Args:
            rows: of the file.
        """
        try:
            return -self.stack[rows].images()
        except InputError:
            return None


def read_source(
    recipe: ParticleOptions,
    contrast: str | None = None,
    *,
    needed: Sequence[str] = ("angles", "defocus"),
    lacking: Mapping[str, float | None] | None = None,
) -> Source:
    """Return the particles of the file of a recipe.

    Args:
        recipe: the parameters.
        contrast: of protein in the file's images, None where its format says.
        needed: what the file must say, of angles and defocus.
        lacking: values of angpix, kv, cs and q0 for a file that has none, where the
            recipe has none either.

    Raises:
        InputError: if the file lacks what is needed.
        UsageError: if options say what the file does.
    """
    assert recipe.source is not None
    given: dict[str, float | None] = dict(lacking or {})
    for name in ("angpix", "kv", "cs", "q0"):
        value = getattr(recipe, name)
        given[name] = given.get(name) if value is None else value
    with warnings.catch_warnings():
        # Source.notes says it, and what becomes of it.
        warnings.filterwarnings("ignore", ".*images were multiplied by their CTF")
        stack = io.read_particles(
            recipe.source,
            contrast=contrast,
            passthrough=tuple(recipe.passthrough),
            stack=recipe.stack,
            project=recipe.project,
            path_map=dict(map(split_pair, recipe.path_map)),
            strict_paths=recipe.strict_paths,
            # What contradicts the file is said below, in the words of options.
            defaults=_defaults(given),
            **recipe.reading.limit,
        )
    for name in needed:
        if getattr(stack, name) is None:
            reason = stack.missing.get(name, f"cannot simulate it without {name}")
            raise InputError(reason)
    _refuse_contradictions(recipe, stack)
    return Source(stack, _notes(recipe, stack))


def _defaults(given: Mapping[str, float | None]) -> dict[str, float]:
    """Return what options give, under the names that a reader has for them."""
    names = {"angpix": "pixel_size", **_OF_OPTICS}
    pairs = ((names[name], value) for name, value in given.items())
    return {name: value for name, value in pairs if value is not None}


def sampling_of_source(
    recipe: ParticleOptions, source: Source, *, or_else: Sequence[str] = ()
) -> dict[str, Any]:
    """Return box and pixel size of a file of particles.

    Args:
        recipe: the parameters.
        source: the file of the recipe.
        or_else: of box and angpix, what is known otherwise where the file is silent.

    Raises:
        UsageError: if the file has more than one of what the recipe doesn't give.
    """
    sampling = source.sampling()
    for name in ("box", "angpix"):
        if name in sampling or getattr(recipe, name) is not None:
            continue
        if name in or_else and not source.stack.boxes.any():
            continue
        raise UsageError(
            f"cannot take --{name} from {recipe.source} because "
            f"{source.why_not(name)}; do give --{name}"
        )
    return sampling


def _refuse_contradictions(recipe: ParticleOptions, stack: ParticleStack) -> None:
    """Raise if options were given for what the file says.

    A voltage that the file lacks was put into the stack when it was read, and so
    doesn't contradict it.
    """
    given = recipe.model_fields_set
    found = [as_option(name) for name in SAID_BY_SOURCE if name in given]
    for name, attribute in _OF_OPTICS.items():
        said = {getattr(group, attribute) for group in stack.optics}
        if getattr(recipe, name) is not None and said != {getattr(recipe, name)}:
            listed = ", ".join(f"{value:g}" for value in sorted(said))
            found.append(f"{as_option(name)} ({listed} in the file)")
    if recipe.b_envelope and stack.b_factors.any():
        found.append(f"{as_option('b_envelope')} (rlnCtfBfactor in the file)")
    if found:
        raise UsageError(
            f"cannot use {', '.join(found)} with {recipe.SOURCE_OPTION} "
            f"{recipe.source} because poses, defocus and optics are those of its rows; "
            f"do leave the options out, or change the file (for its angles alone, give "
            f"--orientations {recipe.source} instead of {recipe.SOURCE_OPTION})"
        )


def sourced_particles(recipe: ParticleOptions, source: Source) -> ParticleStack:
    """Return the particles of a recipe that takes them from a file.

    Args:
        recipe: the parameters, n resolved.
        source: of --from.

    Raises:
        UsageError: if more rows are asked for than there are.
    """
    count, n = len(source.stack), int(recipe.n or len(source.stack))
    if recipe.resample:
        rows = draw_rows(recipe.seed, n, count)
    elif n <= count:
        rows = np.arange(n)
    else:
        raise UsageError(
            f"cannot take {n} particles from {recipe.source} because it has {count}; "
            f"do pass --resample to draw rows with replacement, or a lower --n"
        )
    return _whole(recipe, source.stack)[rows]


def comparable(recipe: ParticleOptions, source: Source) -> str | None:
    """Return why images can't be compared with their simulations, None if they can.

    Args:
        recipe: the parameters, box and angpix resolved.
        source: of --from.
    """
    sampling = source.sampling()
    if sampling.get("box", recipe.box) != recipe.box:
        return "their box isn't the one that is simulated"
    if abs(sampling.get("angpix", 0.0) / float(recipe.angpix or 1) - 1) > 1e-3:
        return "their pixel size isn't the one that is simulated"
    if source.stack.premultiplied.any():
        return "some of them were multiplied by their CTF"
    if recipe.resample:
        return "--resample takes rows out of order"
    return None


def _whole(recipe: ParticleOptions, stack: ParticleStack) -> ParticleStack:
    """Return all particles of a file on the recipe's sampling."""
    kept = {name: stack.columns[name] for name in _KEPT if name in stack.columns}
    kept.setdefault("rlnRandomSubset", draw_subsets(recipe.seed, len(stack)))
    optics = tuple(
        dataclasses.replace(
            each,
            pixel_size=float(recipe.angpix or each.pixel_size),
            box=recipe.box,
            premultiplied=False,
        )
        for each in stack.optics
    )
    return dataclasses.replace(
        stack,
        reader=no_images,
        optics=optics,
        b_factors=stack.b_factors + recipe.b_envelope,
        columns=kept,
        optics_columns={},
        tables={},
    )


def _notes(recipe: ParticleOptions, stack: ParticleStack) -> tuple[str, ...]:
    """Return what of a file isn't simulated."""
    columns = {**stack.columns, **stack.optics_columns}
    found = dict.fromkeys(
        what
        for name, what in _NOT_SIMULATED.items()
        if name in columns and _says_something(columns[name])
    )
    if not found:
        return ()
    return (
        f"The file of {recipe.SOURCE_OPTION} has {', '.join(found)}, which isn't "
        f"simulated and isn't in the STAR file that is written.",
    )


def _says_something(column: np.ndarray) -> bool:
    """Return whether a column has text, or a number other than 0."""
    return any(str(value) not in ("0", "0.0", "") for value in column)
