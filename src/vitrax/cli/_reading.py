"""What options say of how files are read."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Any, Literal

from ._exit import UsageError
from ._options import split_pair


Mode0 = Literal["signed", "unsigned"]
NanPolicy = Literal["error", "zero", "mask"]

# What the options are for, in --help.
MODE0 = "what the bytes of a map of mode 0 are [default: as its header says or implies]"
NAN_POLICY = (
    "what becomes of values of a map that are NaN or infinite: error, zero, or mask, "
    "the mean of the others"
)
MAX_MEMORY = (
    "what the content of a packed file (.gz, .bz2) may take, such as 8GB or 512MB "
    "[default: 8GiB of maps and stacks, 512MiB of other files]"
)

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:([kmgt]?)(i?)b?)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


@dataclasses.dataclass(frozen=True)
class Reading:
    """How files are read, where the options say.

    Args:
        mode0: of maps of bytes, None to infer it.
        nan_policy: of maps.
        max_unpacked: bytes of a packed file, None for what its reader takes.
    """

    mode0: Mode0 | None = None
    nan_policy: NanPolicy = "error"
    max_unpacked: int | None = None

    @property
    def limit(self) -> dict[str, Any]:
        """The argument that readers of any file take, if it was given."""
        if self.max_unpacked is None:
            return {}
        return {"max_unpacked": self.max_unpacked}

    @property
    def of_header(self) -> dict[str, Any]:
        """The arguments that readers of an MRC file's header take."""
        return {"mode0": self.mode0, **self.limit}

    @property
    def of_map(self) -> dict[str, Any]:
        """The arguments that readers of an MRC file take."""
        return {"nan_policy": self.nan_policy, **self.of_header}


AS_THEY_SAY = Reading()


def reading(
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy | None = None,
    max_memory: str | None = None,
) -> Reading:
    """Return how files are read.

    Args:
        mode0: of --mode0.
        nan_policy: of --nan-policy.
        max_memory: of --max-memory.

    Raises:
        UsageError: if the last isn't a number of bytes.
    """
    try:
        limit = None if max_memory is None else parse_bytes(max_memory)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return Reading(mode0, nan_policy or "error", limit)


def places_of(project: pathlib.Path | None, path_map: Sequence[str]) -> dict[str, Any]:
    """Return where stacks are looked for, as readers of particles take it.

    Args:
        project: of --project.
        path_map: of --path-map.
    """
    return {"project": project, "path_map": dict(map(split_pair, path_map))}


def parse_bytes(text: str) -> int:
    """Return a number of bytes: kB, MB, GB are of 1000, KiB, MiB, GiB of 1024.

    Args:
        text: a number, and a unit where it isn't bytes.

    Raises:
        ValueError: if it is none, or 0.

    Example:
        >>> parse_bytes("8GB"), parse_bytes("512MiB"), parse_bytes("1000")
        (8000000000, 536870912, 1000)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or (found[3] and not found[2]):
        count = 0
    else:
        base = 1024 if found[3] else 1000
        count = int(float(found[1]) * base ** _POWERS[(found[2] or "").lower()])
    if not 0 < count < 2**63:
        raise ValueError(
            f"cannot use --max-memory {text} because it isn't a number of bytes; do "
            "write it as 8GB, 512MB or 512MiB"
        )
    return count
