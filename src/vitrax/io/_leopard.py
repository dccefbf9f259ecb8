"""Particles as Leopard-EM's tables of template matches describe them."""

import re
import warnings
from typing import Any

import numpy as np

from .._files import InputError, InputWarning
from .._yaml import LARGEST_YAML, parse_yaml
from ..image import ParticleStack
from ._columns import lacks, number, rows_in_words, text_column
from ._contents import read_whole
from ._csv_table import read_csv
from ._foreign_columns import unpacked
from ._leopard_aberrations import relion_magnification, relion_terms
from ._micrograph_images import MicrographImages
from ._microscope_numbers import check_microscope
from ._optics_of_particles import grouped_optics, named_groups
from ._particle_source import HOW_TO_GIVE, ParticleSource
from ._star_table import TEXT, StarTable


MICROGRAPH = "micrograph_path"
# Ours, of micrographs that were inverted: 1 in all rows.
IS_WHITE = "protein_is_white"
# The fields of an optics group, their columns here, and RELION's names of them.
OF_GROUPS = {
    "pixel_size": ("pixel_size", "rlnImagePixelSize"),
    "voltage": ("voltage", "rlnVoltage"),
    "spherical_aberration": ("spherical_aberration", "rlnSphericalAberration"),
    "amplitude_contrast": ("amplitude_contrast_ratio", "rlnAmplitudeContrast"),
}
# How Leopard-EM's configurations call the table of particles in them.
_STACKS = ("particle_stack", "particle_stack_constrained", "particle_stack_reference")
_YAML = re.compile(
    r"^\s*(?:df_path|particle_stack\w*|match_template_result)\s*:", re.MULTILINE
)
_FARTHEST = 10**7


def is_leopard_csv(start: bytes) -> bool:
    """Return whether a file that begins so is a table of Leopard-EM, by its names.

    Args:
        start: of the file.
    """
    text = start.decode("utf-8", "ignore").removeprefix("\ufeff").lstrip()
    names = {word.strip().strip('"') for word in text.partition("\n")[0].split(",")}
    return {"phi", "theta", "psi"} <= names or {"pos_x", "pos_y"} <= names


def is_leopard_yaml(start: bytes) -> bool:
    """Return whether a file that begins so is a configuration of Leopard-EM.

    Args:
        start: of the file.
    """
    text = start.decode("utf-8", "ignore")
    return "\ndata_" not in f"\n{text}" and bool(_YAML.search(text))


def read_leopard_yaml(source: ParticleSource) -> ParticleStack:
    """Return the particles of the table that a configuration of Leopard-EM names.

    Args:
        source: the configuration, and what the caller says about it. Its table is
            looked for as stacks are; its extracted_box_size is the box, unless given.

    Raises:
        InputError: if it isn't plain YAML or names no table, or more than one.
    """
    content = parse_yaml(read_whole(source.path, LARGEST_YAML), source.name)
    if not isinstance(content, dict):
        raise InputError(
            f"cannot read {source.name} because it isn't a mapping; do check that it "
            "is a configuration of Leopard-EM"
        )
    held = [content[name] for name in _STACKS if name in content]
    stacks = held or [content]
    if len(stacks) > 1:
        raise InputError(
            f"cannot choose between the particle stacks of {source.name} because it "
            f"has {len(stacks)}; do read the CSV file that you mean"
        )
    stack = stacks[0]
    path = stack.get("df_path") if isinstance(stack, dict) else None
    if not isinstance(path, str) or not path:
        raise InputError(
            f"cannot read particles of {source.name} because it has no df_path, the "
            "table of particles; a configuration of match_template names none: do read "
            "the CSV file that came out of it"
        )
    box = source.box or _box(stack.get("extracted_box_size"), source.name)
    size = _box(stack.get("original_template_size"), source.name)
    found = source.search.find(path)
    table = read_csv(found, max_unpacked=source.max_unpacked)
    return read_leopard(source, table, box=box, template=size)


def read_leopard(
    source: ParticleSource,
    table: StarTable,
    *,
    box: int | None = None,
    template: int | None = None,
) -> ParticleStack:
    """Return the particles of a table of Leopard-EM.

    phi, theta and psi are RELION's rot, tilt and psi; refined values go before others,
    where all are finite. The relative defocus is added to that of the micrograph.
    Images are cut out of the micrographs when they are asked for, with the particle
    (pos_x_img, pos_y_img) at pixel box // 2; protein is dark, as in micrographs, and
    what lies beyond the edge is the micrograph's mean.

    Args:
        source: the file, and what the caller says about it.
        table: that it holds.
        box: of the images, pixels.
        template: edge of the template, pixels, for tables without pos_x_img.

    Raises:
        InputError: naming column, rows and file, for what is missing or cannot be.
    """
    name = source.name
    if not table.rows:
        raise InputError(
            f"cannot read particles of {name} because its table has no rows; do check "
            "that it is whole"
        )
    box = source.box or box
    columns, of_groups = unpacked(table, name)
    centres, residual = _centres(table, template, name)
    optics, groups = _optics(table, source, box)
    firsts = np.unique(groups, return_index=True)[1]
    optics_columns = {each: values[firsts] for each, values in of_groups.items()}
    sizes = np.array([group.pixel_size for group in optics])[groups]
    missing: dict[str, str] = {}
    micrographs = _micrographs(table, name)
    stacks = {each: place for place, each in enumerate(dict.fromkeys(micrographs))}
    origins = [number(table, f"rlnOrigin{axis}Angst", name, 0.0) for axis in "XY"]
    canonical = {
        "rlnMicrographName": np.array(micrographs, TEXT),
        "rlnCoordinateX": centres[:, 0],
        "rlnCoordinateY": centres[:, 1],
    }
    return ParticleStack(
        reader=MicrographImages(
            search=source.search,
            micrographs=tuple(stacks),
            micrograph_of=np.array([stacks[m] for m in micrographs], np.int64),
            centres=centres,
            sign=_sign(table, source),
            box=box,
        ),
        rows=np.arange(table.rows),
        optics=named_groups(optics, optics_columns),
        groups=groups,
        angles=_best(table, ("phi", "theta", "psi"), "angles", name, missing),
        shifts=residual * sizes[:, None] - np.stack(origins, -1),
        defocus=_defocus(table, name, missing),
        phase_shifts=number(table, "phase_shift", name, 0.0),
        b_factors=number(table, "ctf_B_factor", name, 0.0),
        scales=number(table, "rlnCtfScalefactor", name, 1.0),
        columns={**columns, **canonical},
        optics_columns=optics_columns,
        missing=missing
        | {"box": f"the box of the images of {name} isn't known; do give it as box="},
    )


def _micrographs(table: StarTable, source: str) -> list[str]:
    names = text_column(table, MICROGRAPH, source).tolist()
    wrong = np.array([not each for each in names], bool)
    if wrong.any():
        raise InputError(
            f"cannot use {MICROGRAPH} of {source} because it is empty in "
            f"{rows_in_words(wrong)}; do name the micrograph"
        )
    return names


def _sign(table: StarTable, source: ParticleSource) -> int:
    """Return 1 if protein is dark in the micrographs, as it is unless a column says."""
    said = number(table, IS_WHITE, source.name, 0.0)
    if source.contrast is None and (said != said[0]).any():
        raise InputError(
            f"cannot use {IS_WHITE} of {source.name} because it differs from row to "
            "row; do pass contrast= (--contrast), or read the rows apart"
        )
    return source.sign("white" if said[0] else "dark")


def _centres(
    table: StarTable, template: int | None, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels (x, y) nearest to the particles, and what is left, pixels."""
    exact = []
    for axis in "xy":
        column = f"pos_{axis}_img"
        corner = f"pos_{axis}"
        if column not in table and corner in table and template:
            exact.append(_best_one(table, corner, source) + template // 2)
        else:
            exact.append(_best_one(table, column, source))
    places = np.stack(exact, -1)
    beyond = np.abs(places).max(axis=1) > _FARTHEST
    if beyond.any():
        raise InputError(
            f"cannot use the positions of {source} because they are beyond any "
            f"micrograph in {rows_in_words(beyond)}; do correct them"
        )
    nearest = np.floor(places + 0.5)
    return nearest.astype(np.int64), places - nearest


def _best_one(table: StarTable, column: str, source: str) -> np.ndarray:
    values = _best(table, (column,), column, source, {})
    if values is None:
        raise InputError(lacks(table, [column], source))
    return values[:, 0]


def _best(
    table: StarTable,
    names: tuple[str, ...],
    what: str,
    source: str,
    missing: dict[str, str],
) -> np.ndarray | None:
    """Return refined columns where there are any and all are finite, else the first."""
    refined = tuple(f"refined_{name}" for name in names)
    if all(name in table for name in refined):
        columns = [table[name] for name in refined]
        if all(c.dtype.kind in "if" and np.isfinite(c).all() for c in columns):
            return np.stack(columns, -1).astype(np.float64)
        if all(name in table for name in names):
            warnings.warn(
                f"{source}: refined {what} aren't all numbers, so those of the search "
                "are taken, as Leopard-EM does",
                InputWarning,
                stacklevel=2,
            )
    absent = [name for name in names if name not in table]
    if absent:
        missing[what] = lacks(table, absent, source)
        return None
    return np.stack([number(table, name, source) for name in names], -1)


def _defocus(
    table: StarTable, source: str, missing: dict[str, str]
) -> np.ndarray | None:
    """Return mean, U - V and angle of each particle, None where the file has none."""
    names = ("defocus_u", "defocus_v", "astigmatism_angle")
    absent = [name for name in names if name not in table]
    if absent:
        missing["defocus"] = lacks(table, absent, source)
        return None
    u, v, angle = (number(table, name, source) for name in names)
    relative = _best(table, ("relative_defocus",), "defocus", source, {})
    mean = (u + v) / 2 + (0.0 if relative is None else relative[:, 0])
    if (u < v).any():
        warnings.warn(
            f"{source}: defocus_u is less than defocus_v in {rows_in_words(u < v)}; it "
            "is taken to be at astigmatism_angle nevertheless, where Leopard-EM takes "
            "the larger one",
            InputWarning,
            stacklevel=3,
        )
    return np.stack([mean, u - v, angle], axis=-1)


def _optics(
    table: StarTable,
    source: ParticleSource,
    box: int | None,
) -> tuple[Any, np.ndarray]:
    """Return the optics groups, and which each particle is in."""
    name = source.name
    values = {
        field: _of_microscope(table, *labels, source)
        for field, labels in OF_GROUPS.items()
    }
    values["box"] = np.full(table.rows, float(box or 0))
    tilts = [number(table, f"rlnBeamTilt{axis}", name, 0.0) for axis in "XY"]
    values["beam_tilt"] = np.stack(tilts, -1)
    values |= _aberrations(table, name)
    numbers = None
    if "rlnOpticsGroup" in table:
        numbers = number(table, "rlnOpticsGroup", name)
    return grouped_optics(values, name, numbers)


def _of_microscope(
    table: StarTable, column: str, relion: str, source: ParticleSource
) -> np.ndarray:
    """Return a column, or what the caller gives instead."""
    given = source.given.get(relion)
    if column not in table and given is None:
        raise InputError(
            f"{lacks(table, [column], source.name)}, or give {HOW_TO_GIVE[relion]}"
        )
    if column not in table:
        return np.full(table.rows, given)
    found = _best(table, (column,), column, source.name, {})
    if found is None:
        return np.full(table.rows, given)
    refined = f"refined_{column}"
    name = f"{column} or {refined}" if refined in table else column
    check_microscope(found[:, 0], relion, name, source.name)
    source.check_stated(relion, found[:, 0], name)
    return found[:, 0]


def _aberrations(table: StarTable, source: str) -> dict[str, np.ndarray]:
    """Return Zernike terms and magnification of each particle, those that some has."""
    found: dict[str, np.ndarray] = {}
    for column, residual, field in (
        ("odd_zernikes", "rlnOddZernike", "odd_zernike"),
        ("even_zernikes", "rlnEvenZernike", "even_zernike"),
    ):
        rows = _of_texts(
            table, column, lambda text, c=column: relion_terms(text, c, source)
        )
        rest = _of_texts(
            table, residual, lambda text, c=residual: _rest(text, c, source)
        )
        longest = max((len(r) for r in (*rows, *rest)), default=0)
        if longest:
            sums = np.zeros((table.rows, longest))
            for each in (rows, rest):
                for row, terms in enumerate(each):
                    sums[row, : len(terms)] += terms
            found[field] = sums
    matrices = _of_texts(
        table, "mag_matrix", lambda text: relion_magnification(text, source)
    )
    if any(matrices):
        found["magnification"] = np.array(
            [each or (1.0, 0.0, 0.0, 1.0) for each in matrices]
        )
    return found


def _of_texts(table: StarTable, column: str, of_text: Any) -> list[tuple[float, ...]]:
    """Return what each value of a column of texts means, each kind looked at once."""
    if column not in table or table[column].dtype.kind != "T":
        if column in table and not np.isnan(table[column].astype(np.float64)).all():
            return [of_text(str(value)) for value in table[column].tolist()]
        return [()] * table.rows
    texts = table[column].tolist()
    meanings = {text: of_text(text) for text in dict.fromkeys(texts)}
    return [meanings[text] for text in texts]


def _rest(text: str, column: str, source: str) -> tuple[float, ...]:
    """Return the terms that Leopard-EM has no names for."""
    try:
        numbers = tuple(
            float(each) for each in text.strip().strip("[]").split(",") if each.strip()
        )
        if len(numbers) > 1000 or not np.isfinite(numbers).all():
            raise ValueError("not finite")
    except ValueError as error:
        raise InputError(
            f"cannot use {column} of {source} because {text[:60]!r} isn't a list of "
            "numbers; do correct it"
        ) from error
    return numbers


def _box(value: Any, source: str) -> int | None:
    """Return the one edge of a square box in a configuration."""
    if value is None:
        return None
    edges = value if isinstance(value, list) else [value]
    are_sizes = all(isinstance(e, int) and 0 < e < 2**16 for e in edges)
    if not edges or not are_sizes or len(set(edges)) != 1 or len(edges) > 2:
        raise InputError(
            f"cannot use the box {str(value)[:60]} of {source} because boxes are "
            "square and whole numbers of pixels; do write [edge, edge]"
        )
    return edges[0]
