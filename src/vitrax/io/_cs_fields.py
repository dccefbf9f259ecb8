"""Fields of a CryoSPARC data set, taken only if they are what they must be."""

from collections.abc import Mapping

import numpy as np

from .._files import InputError
from ._columns import rows_in_words
from ._cs_file import read_cs
from ._microscope_numbers import check_microscope
from ._particle_source import HOW_TO_GIVE, ParticleSource
from ._star_table import TEXT


Fields = Mapping[str, np.ndarray]

# What the caller may give in the place of fields.
_GIVEN = {
    "blob/psize_A": "rlnImagePixelSize",
    "ctf/accel_kv": "rlnVoltage",
    "ctf/cs_mm": "rlnSphericalAberration",
    "ctf/amp_contrast": "rlnAmplitudeContrast",
}


def joined_fields(source: ParticleSource) -> dict[str, np.ndarray]:
    """Return the fields of a data set and of its passthrough files.

    Rows are those of the first file, in its order; further files add the fields that it
    hasn't, from the rows of the same uid.

    Args:
        source: the files.

    Raises:
        InputError: if a file lacks some of the particles.
    """
    fields = read_cs(source.path, max_unpacked=source.max_unpacked)
    for path in source.passthrough:
        more = read_cs(path, max_unpacked=source.max_unpacked)
        places = _places(uids(fields, source.name), uids(more, str(path)), str(path))
        fields |= {
            name: values[places] for name, values in more.items() if name not in fields
        }
    return fields


def uids(fields: Fields, where: str) -> np.ndarray:
    """Return the numbers of particles.

    Args:
        fields: of a data set.
        where: it comes from, for the message.

    Raises:
        InputError: if there are none.
    """
    values = fields.get("uid")
    if values is None or values.dtype.kind not in "iu" or values.ndim != 1:
        raise InputError(
            f"cannot join {where} to others because it has no uid of each particle; do "
            "name the data set of the particles first"
        )
    return values.astype(np.uint64)


def numbers(
    fields: Fields, name: str, source: str, width: int = 1, default: float | None = None
) -> np.ndarray:
    """Return a field as float64, `[rows]`, or `[rows, width]` if there are more.

    Single precision becomes the decimal number with the fewest digits that rounds to
    it, such as 2.7 mm.

    Args:
        fields: of a data set.
        name: of the field.
        source: the file, for messages.
        width: of each row.
        default: where there is no such field; by default that is an error.

    Raises:
        InputError: if it isn't there, has another width, or isn't finite.
    """
    if name not in fields:
        if default is None:
            raise InputError(lacks(name, source))
        shape = (count_of(fields), width) if width > 1 else (count_of(fields),)
        return np.full(shape, default)
    values = fields[name]
    wanted = (width,) if width > 1 else ()
    if values.dtype.kind not in "biuf" or values.shape[1:] != wanted:
        raise InputError(
            f"cannot use {name} of {source} because it isn't {width} "
            f"number{'s' if width > 1 else ''} per particle; do correct it"
        )
    bad = np.asarray(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
    if bad.any():
        raise InputError(
            f"cannot use {name} of {source} because it is NaN or infinite in "
            f"{rows_in_words(bad)}; do correct or remove these rows"
        )
    return shortest(values) + _beyond_single(fields, name, values.shape)


def beyond_single(name: str) -> str:
    """Return the field of ours that holds what single precision cuts off another one.

    Args:
        name: of the other field.
    """
    return f"vitrax/{name.replace('/', '.')}"


def given_or(
    fields: Fields, name: str, source: ParticleSource, *, less: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return a field, or what the caller gives where the file has none.

    Args:
        fields: of a data set.
        name: of the field.
        source: the file, and what the caller says about it.
        less: what is to be taken off the file's numbers.

    Raises:
        InputError: saying how to give it, if neither has it; if they differ.
    """
    default = source.given.get(_GIVEN[name])
    if name not in fields and default is None and count_of(fields):
        raise InputError(
            f"{lacks(name, source.name)}, or give {HOW_TO_GIVE[_GIVEN[name]]}"
        )
    values = numbers(fields, name, source.name, default=default or 0.0) - less
    if name in fields:
        check_microscope(values, _GIVEN[name], name, source.name)
        source.check_stated(_GIVEN[name], values, name)
    return values


def texts(fields: Fields, name: str, source: str) -> np.ndarray:
    """Return a field of text.

    Args:
        fields: of a data set.
        name: of the field, which is there.
        source: the file, for messages.

    Raises:
        InputError: if it is something else.
    """
    values = fields[name]
    if values.dtype != TEXT or values.ndim != 1:
        raise InputError(
            f"cannot use {name} of {source} because it isn't text; do correct it"
        )
    return values


def lacks(name: str, source: str) -> str:
    """Return the message of a field that isn't there.

    Args:
        name: of the field.
        source: the file.
    """
    return (
        f"cannot read {source} because it has no field {name}; do read it with the "
        "file of the same particles that has it, as passthrough= (--passthrough)"
    )


def count_of(fields: Fields) -> int:
    """Return the number of rows."""
    return len(next(iter(fields.values()))) if fields else 0


def _places(wanted: np.ndarray, held: np.ndarray, where: str) -> np.ndarray:
    """Return where each uid is among others."""
    order = np.argsort(held, kind="stable")
    ordered = held[order]
    again = int((ordered[1:] == ordered[:-1]).sum())
    if again:
        raise InputError(
            f"cannot join {where} because {again} of its uids come twice, so that it "
            "isn't clear which row is meant; do remove the duplicates"
        )
    at = np.searchsorted(ordered, wanted)
    found = at < len(ordered)
    found[found] = ordered[at[found]] == wanted[found]
    if not found.all():
        missing = int((~found).sum())
        raise InputError(
            f"cannot join {where} because it lacks the uids of {missing} of "
            f"{len(wanted)} particles ({rows_in_words(~found)} of the first file); do "
            "name the passthrough file of the same job"
        )
    return order[at]


def _beyond_single(fields: Fields, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return what is to be added to a field, mostly zero."""
    rest = fields.get(beyond_single(name))
    if rest is None or rest.shape != shape or rest.dtype.kind != "f":
        return np.zeros(shape)
    return np.where(np.isfinite(rest), rest, 0.0).astype(np.float64)


def shortest(values: np.ndarray) -> np.ndarray:
    """Return float32 as the shortest decimals that round to it, others as float64.

    Args:
        values: numbers.
    """
    if values.dtype != np.float32:
        return values.astype(np.float64)
    distinct, inverse = np.unique(values, return_inverse=True)
    return distinct.astype("U").astype(np.float64)[inverse].reshape(values.shape)
