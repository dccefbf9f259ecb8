"""The types that CryoSPARC's fields have, and how other columns get them."""

import numpy as np

from ._star_table import TEXT


# Last parts of names of fields that hold integers.
_LONG = ("uid", "import_sig")
_SHORT = (
    "idx",
    "shape",
    "split",
    "class",
    "group_id",
    "is_background",
    "micrograph_shape",
    "template_idx",
)
# A file's own fields have their own precision.
_OURS = "vitrax/"
# Beginnings of CryoSPARC's groups of fields; those of others keep their types.
_GROUPS = (
    "alignments",
    "background",
    "blob",
    "components",
    "ctf",
    "filament",
    "gain",
    "location",
    "map",
    "mask",
    "micrograph",
    "ml_properties",
    "movie",
    "mscope_params",
    "pick_stats",
    "quality_stats",
    "rigid_motion",
    "spline_motion",
    "sym_expand",
    "template",
    "volume",
)


def is_own(name: str) -> bool:
    """Return whether a column is a field of CryoSPARC's data sets, by its name."""
    return name == "uid" or ("/" in name and not name.startswith(_OURS))


def as_field(name: str, values: np.ndarray) -> np.ndarray:
    """Return a column in the type that CryoSPARC gives the field.

    Columns that come from a text file are 64 bits wide or text; those that have another
    type already keep it, as those of other programs do.

    Args:
        name: of the field.
        values: of the column.
    """
    if values.dtype.kind == "U":
        values = values.astype(TEXT)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    if not is_own(name):
        return values
    last = name.rpartition("/")[2]
    if last.endswith(_LONG):
        return as_unsigned(values)
    if values.dtype not in (np.int64, np.float64) or not name.startswith(_GROUPS):
        return values
    wanted = np.uint32 if last.endswith(_SHORT) else np.float32
    return _narrowed(values, wanted)


def _narrowed(values: np.ndarray, wanted: type[np.number]) -> np.ndarray:
    """Return values in a type, or as they are if that would change what they say."""
    with np.errstate(all="ignore"):
        made = values.astype(wanted)
    if values.dtype == np.float64 and wanted is np.float32:
        return made if (np.isfinite(made) == np.isfinite(values)).all() else values
    return made if (made.astype(values.dtype) == values).all() else values


def as_unsigned(values: np.ndarray) -> np.ndarray:
    """Return unsigned integers of 64 bits.

    Args:
        values: integers, or the text of such.
    """
    if values.dtype.kind == "T":
        words = values.tolist()
        numbers = [int(word) % 2**64 if word.isdecimal() else 0 for word in words]
        return np.array(numbers, np.uint64)
    if values.dtype.kind == "f":
        values = values.astype(np.int64)
    return values.astype(np.uint64)
