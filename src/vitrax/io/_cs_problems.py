"""What is wrong with a CryoSPARC data set, for `vitrax check`."""

import os
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from .._files import InputError
from ._columns import rows_in_words
from ._contents import Path
from ._cs_file import read_cs
from ._mrc import read_header
from ._problem import Problem
from ._stack_search import HOW_TO_FIND, StackSearch
from ._star_table import TEXT


# Fields that particles need, and what they are for.
_WANTED = {
    "blob/path": "images aren't",
    "blob/psize_A": "pixel size isn't",
    "ctf/accel_kv": "voltage isn't",
    "ctf/df1_A": "defocus isn't",
    "alignments3D/pose": "poses aren't",
}
_JOIN = "read it with the passthrough file that has it (--passthrough)"


def cs_problems(
    path: Path,
    *,
    project: Path | None = None,
    path_map: Mapping[str, str] | None = None,
    max_unpacked: int | None = None,
) -> list[Problem]:
    """Return what is wrong or odd in a CryoSPARC data set; nothing in a good one.

    Stacks that it names are looked for; no pixels are read.

    Args:
        path: a .cs file.
        project: as in `read_particles`.
        path_map: as in `read_particles`.
        max_unpacked: as in `read_particles`.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.cs"
        >>> with open(path, "wb") as file:
        ...     np.save(file, np.zeros(3, [("uid", "u8"), ("blob/sign", "f4")]))
        >>> vx.io.cs_problems(path)[0].where
        'field uid'
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fields = read_cs(path, max_unpacked=max_unpacked)
        except InputError as error:
            return [Problem.of_message(str(error), path)]
    said = f"{os.fspath(path)}: "
    found = [
        Problem("file", str(each.message).removeprefix(said), "cut them off", False)
        for each in caught
    ]
    count = len(next(iter(fields.values()))) if fields else 0
    if not count:
        return [*found, Problem("file", "it has no rows", "name another file", False)]
    found += _of_uids(fields)
    found += [
        Problem(f"field {name}", f"there is none: the {use} known", _JOIN, False)
        for name, use in _WANTED.items()
        if name not in fields
    ]
    found += _of_numbers(fields)
    found += _of_blob(fields)
    search = StackSearch.of(path, project, path_map)
    return [*found, *_of_stacks(fields, search)]


def _of_uids(fields: dict[str, np.ndarray]) -> Iterator[Problem]:
    uids = fields.get("uid")
    if uids is None:
        remedy = "save it again with CryoSPARC"
        yield Problem(
            "field uid", "there is none, so that nothing joins", remedy, False
        )
        return
    _, places, counts = np.unique(uids, return_inverse=True, return_counts=True)
    again = counts[places.reshape(-1)] > 1
    if again.any():
        what = f"{rows_in_words(again)} share their uids"
        yield Problem("field uid", what, "remove the duplicates in CryoSPARC", False)


def _of_numbers(fields: dict[str, np.ndarray]) -> Iterator[Problem]:
    for name, values in fields.items():
        if values.dtype.kind != "f":
            continue
        bad = np.asarray(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
        if bad.any():
            what = f"it is NaN or infinite in {rows_in_words(bad)}"
            yield Problem(f"field {name}", what, "remove these rows", False)


def _of_blob(fields: dict[str, np.ndarray]) -> Iterator[Problem]:
    signs = fields.get("blob/sign")
    if signs is not None and not np.isin(signs, (-1.0, 1.0)).all():
        what = "it is neither -1 (protein dark) nor 1 (white) everywhere"
        yield Problem("field blob/sign", what, "give --contrast", False)
    shapes = fields.get("blob/shape")
    if shapes is not None and shapes.ndim == 2 and (shapes[:, :1] != shapes).any():
        what = "images aren't square, so that these aren't particles"
        yield Problem("field blob/shape", what, "name a set of particles", False)
    sizes = fields.get("blob/psize_A")
    if sizes is not None and not (sizes > 0).all():
        yield Problem("field blob/psize_A", "it isn't positive", "give --angpix", False)


def _of_stacks(fields: dict[str, np.ndarray], search: StackSearch) -> Iterator[Problem]:
    """Yield what is wrong with the stacks, as far as they are found."""
    names, indices = fields.get("blob/path"), fields.get("blob/idx")
    if names is None or names.dtype != TEXT:
        return
    numbered = {name: place for place, name in enumerate(dict.fromkeys(names.tolist()))}
    stack_of = np.array([numbered[name] for name in names.tolist()], np.int64)
    lost = [name for name in numbered if not search.is_there(name)]
    if lost:
        what, where = search.lost_in_words(lost, len(numbered))
        yield Problem("field blob/path", what, f"{HOW_TO_FIND}; {where}", False)
    for name in [name for name in numbered if name not in lost]:
        where = f"stack {name}"
        try:
            held = read_header(search.find(name)).shape[0]
        except InputError as error:
            yield Problem(where, str(error), "fetch it again", False)
            continue
        rows = stack_of == numbered[name]
        if indices is not None and (beyond := rows & (indices >= held)).any():
            what = f"it holds {held} images, fewer than {rows_in_words(beyond)} ask for"
            yield Problem(where, what, "check that it is the right one", False)
