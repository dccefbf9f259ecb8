"""Where in a model something is wrong."""

import dataclasses
import reprlib
from typing import Any, Literal, Self

from .._files import InputError


REWRITE = "write it again with vitrax.io.write_model"
MAX_DEPTH = 64


@dataclasses.dataclass(frozen=True)
class Place:
    """A value inside a model that is read or written.

    Attributes:
        action: what is done.
        file: the file or folder, for messages.
        path: to the value, such as `model.lens.defocus`.
        owner: class and field that hold it.
        depth: number of things around it.
    """

    action: Literal["read", "write"]
    file: str
    path: str = "model"
    owner: str = ""
    depth: int = 0

    def field(self, cls: str, name: str) -> Self:
        """Return the place of a field of the noun here."""
        return self._deeper(path=f"{self.path}.{name}", owner=f"{cls}.{name}")

    def item(self, index: int) -> Self:
        """Return the place of an item of what is here."""
        return self._deeper(path=f"{self.path}[{index}]")

    def key(self, index: int) -> Self:
        """Return the place of a key of the dict here."""
        return self._deeper(path=f"{self.path}.key[{index}]")

    def error(self, problem: str, advice: str) -> ValueError:
        """Return an error that says what is wrong here.

        Args:
            problem: to follow the name of the place.
            advice: to follow the word "do".
        """
        where = f"{self.owner} ({self.path})" if self.owner else self.path
        kind = InputError if self.action == "read" else ValueError
        return kind(
            f"cannot {self.action} {self.file} because {where} {problem}; do {advice}"
        )

    def _deeper(self, **changes: Any) -> Self:
        if self.depth >= MAX_DEPTH:
            raise self.error(
                f"is nested more than {MAX_DEPTH} deep", "put less into one another"
            )
        return dataclasses.replace(self, depth=self.depth + 1, **changes)


def shown(value: Any) -> str:
    """Return something of a file for a message: short, in ASCII."""
    text = reprlib.repr(value).encode("ascii", "backslashreplace").decode("ascii")
    return text if len(text) <= 80 else f"{text[:77]}..."
