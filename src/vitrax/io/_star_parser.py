"""The grammar of STAR files: blocks, loops, rows."""

import io
import re
from collections.abc import Mapping
from typing import IO

import numpy as np

from .._files import InputError
from ._star_numbers import MARGIN, Chunk, column_of
from ._star_table import TEXT, StarTable


# Some thousands of rows: few calls, and arrays that stay in the processor's cache.
_CHUNK = 2**22
_WORD = re.compile(
    rb"#.*|'(?:[^']|'(?=\S))*'(?=\s|$)|\"(?:[^\"]|\"(?=\S))*\"(?=\s|$)|\S+"
)
_MARKS = (b"'", b'"', b"#")
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")

_Part = np.ndarray | list[str]


class Lines:
    """The lines of a file, some megabytes of them in memory.

    Args:
        file: that can be sought in.

    Attributes:
        number: of the line given last, from 1.
    """

    def __init__(self, file: IO[bytes] | io.BytesIO):
        self._file = file
        self._held = file.read(_CHUNK)
        # Places are counted from the beginning of the file.
        self._first = 0
        self._next = self._last = 3 if self._held.startswith(b"\xef\xbb\xbf") else 0
        self.number = 0

    def next(self) -> bytes | None:
        """Return the next line, None at the end."""
        while not (stop := self._held.find(b"\n", self._next - self._first) + 1):
            if not self._read_more():
                stop = len(self._held)
                break
        line = self._held[self._next - self._first : stop]
        if not line:
            return None
        self._last, self._next = self._next, self._first + stop
        self.number += 1
        return line

    def put_back(self) -> None:
        """Have `next` give the line given last once more."""
        self._next = self._last
        self.number -= 1

    def block(self) -> bytes:
        """Return many whole lines without going past them; nothing at the end."""
        if self._first + len(self._held) - self._next < _CHUNK // 2:
            self._read_more()
        start = self._next - self._first
        return self._held[start : self._held.rfind(b"\n", start) + 1]

    def skip(self, block: bytes) -> None:
        """Go past what `block` gave.

        Args:
            block: the very bytes.
        """
        self._next += len(block)
        self._last = self._next
        self.number += block.count(b"\n")

    def place(self) -> tuple[int, int, int]:
        """Return where `next` reads, for `return_to`."""
        return self._next, self._last, self.number

    def return_to(self, place: tuple[int, int, int]) -> None:
        """Go back to a place.

        Args:
            place: from `place`.
        """
        self._next, self._last, self.number = place
        if self._last < self._first:
            self._file.seek(self._last)
            self._held, self._first = b"", self._last

    def _read_more(self) -> bool:
        more = self._file.read(_CHUNK)
        kept = self._last - self._first
        self._held = self._held[kept:] + more
        self._first += kept
        return bool(more)


class Parser:
    """Reads the tables of a file.

    Args:
        path: for messages.
        file: open, at its beginning.
    """

    def __init__(self, path: str, file: IO[bytes] | io.BytesIO):
        self._path = path
        self._lines = Lines(file)

    def tables(self) -> dict[str, StarTable]:
        """Return all tables by the names of their blocks.

        Raises:
            InputError: naming the line.
        """
        tables: dict[str, StarTable] = {}
        while (words := self._next_words()) is not None:
            name = words[0].decode(errors="replace")
            if not name.lower().startswith("data_") or len(words) > 1:
                raise self._error(
                    "there are values outside of a table"
                    if tables
                    else "no table begins",
                    "do check that it is a STAR file, and a data_ line begins each "
                    "table",
                )
            if name[5:] in tables:
                raise self._error(
                    f"block data_{name[5:]} comes twice", "do rename or remove one"
                )
            tables[name[5:]] = self._table()
        if not tables:
            raise InputError(
                f"cannot read {self._path} because it has no data_ block; it isn't a "
                "STAR file, or is cut short"
            )
        return tables

    def _table(self) -> StarTable:
        """Return the table that follows a data_ line."""
        singles: dict[str, np.ndarray] = {}
        while (words := self._next_words()) is not None:
            first = words[0].lower()
            if first == b"loop_" and len(words) == 1:
                if singles:
                    raise self._error(
                        "a second table is in one block", "do give it a data_ line"
                    )
                return StarTable(self._loop())
            if first.startswith(b"data_") and len(words) == 1:
                self._lines.put_back()
                break
            if not first.startswith(b"_") or len(words) != 2:
                raise self._error(
                    f"there {'is' if len(words) == 1 else 'are'} {len(words)} "
                    f"word{'s' * (len(words) != 1)} where a name and a value are "
                    "expected",
                    "do quote values that have blanks",
                )
            name = self._name(words[0], singles)
            singles[name] = joined([self._convert([words[1]])])
        return StarTable(singles, is_loop=False)

    def _loop(self) -> dict[str, np.ndarray]:
        """Return the columns of the loop that follows."""
        names: dict[str, None] = {}
        while (words := self._next_words()) is not None:
            is_row = len(words) > 1 and len(words) == len(names)
            if is_row or not words[0].startswith(b"_"):
                self._lines.put_back()
                break
            if len(words) > 1:
                raise self._error(
                    "the name of a column is followed by a value", "do remove the loop_"
                )
            names[self._name(words[0], names)] = None
        if not names:
            raise self._error("a loop_ has no columns", "do name them")
        start = self._lines.place()
        columns = self._columns(len(names), frozenset())
        mixed = {
            i for i, parts in enumerate(columns) if len(set(map(is_text, parts))) > 1
        }
        if mixed:
            # A later value is text, so the earlier numbers must keep their spelling.
            self._lines.return_to(start)
            columns = self._columns(len(names), frozenset(mixed))
        return {n: joined(parts) for n, parts in zip(names, columns, strict=True)}

    def _columns(self, count: int, texts: frozenset[int]) -> list[list[_Part]]:
        """Return the parts of each column of a loop, and go to its end."""
        parts: list[list[_Part]] = [[] for _ in range(count)]
        ended = False
        while not ended:
            columns = self._plain(count, texts)
            if columns is None:
                size = len(self._lines.block())
                columns, ended = self._careful(size, count, texts)
            for part, column in zip(parts, columns, strict=False):
                part.append(column)
        return parts

    def _plain(self, count: int, texts: frozenset[int]) -> list[_Part] | None:
        """Return the columns of the full, plain rows that follow, and go past them."""
        block = self._lines.block()
        marks = [place for mark in _MARKS if (place := block.find(mark)) >= 0]
        if marks:
            block = block[: block.rfind(b"\n", 0, min(marks)) + 1]
        if count < 3 or not block:
            return None
        chunk = Chunk(block)
        rows = chunk.rows_of(count)
        if not rows or not chunk.is_text():
            return None
        starts = np.ascontiguousarray(
            chunk.starts[: rows * count].reshape(rows, count).T
        )
        ends = np.ascontiguousarray(chunk.ends[: rows * count].reshape(rows, count).T)
        try:
            columns = [
                chunk.column(starts[i], ends[i], i in texts) for i in range(count)
            ]
        except UnicodeDecodeError:
            return None
        self._lines.skip(block[: block.find(b"\n", int(ends[-1, -1]) - MARGIN) + 1])
        return columns

    def _careful(
        self, size: int, count: int, texts: frozenset[int]
    ) -> tuple[list[_Part], bool]:
        """Return columns of the next bytes' rows, and whether the loop ends there."""
        rows: list[list[bytes]] = []
        ended, seen = False, 0
        while seen <= size and not ended:
            line = self._lines.next()
            if line is None:
                ended = True
                continue
            seen += len(line)
            words = self._words(line)
            if self._begins_something(words, count):
                self._lines.put_back()
                ended = True
            elif words:
                rows.append(self._checked(words, count))
        columns = [
            self._convert(list(column), i in texts)
            for i, column in enumerate(zip(*rows, strict=True))
        ]
        return columns, ended

    def _checked(self, words: list[bytes], count: int) -> list[bytes]:
        if len(words) != count:
            raise self._error(
                f"a row has {len(words)} value{'s' * (len(words) != 1)} where the "
                f"table has {count} column{'s' * (count != 1)}",
                "do check whether the file is cut short or a value holds blanks",
            )
        return words

    def _begins_something(self, words: list[bytes], count: int) -> bool:
        """Return whether a line ends the loop before it, and isn't a row of it."""
        first = words[0].lower() if words else b""
        if len(words) != 1:
            return len(words) == 2 and first.startswith(b"_")
        if first.startswith(b"data_") and count == 1:
            return self._is_followed_by_names()
        return first == b"loop_" or first.startswith((b"data_", b"_"))

    def _is_followed_by_names(self) -> bool:
        """Return whether the next line begins a table: `data_x` may be a value, too."""
        place = self._lines.place()
        words = self._next_words()
        self._lines.return_to(place)
        return words is not None and words[0].lower().startswith((b"loop_", b"_"))

    def _next_words(self) -> list[bytes] | None:
        """Return the words of the next line that has any, None at the end."""
        while (line := self._lines.next()) is not None:
            if words := self._words(line):
                return words
        return None

    def _words(self, line: bytes) -> list[bytes]:
        """Return the words of a line, quotes and comments removed."""
        if line.translate(None, _CONTROLS) != line:
            raise self._error(
                "it holds bytes that aren't text", "do check that it is a STAR file"
            )
        if not any(mark in line for mark in _MARKS):
            return line.split()
        words = []
        for word in _WORD.findall(line):
            if word.startswith(b"#"):
                break
            quoted = len(word) > 1 and word[:1] in b"'\"" and word[-1:] == word[:1]
            words.append(word[1:-1] if quoted else word)
        return words

    def _name(self, word: bytes, taken: Mapping[str, object]) -> str:
        """Return the name of a column without its underscore."""
        try:
            name = word[1:].decode()
        except UnicodeDecodeError as error:
            raise self._error("it isn't UTF-8", "do save it as UTF-8") from error
        if name.startswith("_") or "#" in name:
            raise self._error(
                "the name of a column holds # or begins with two underscores",
                "do correct it",
            )
        if name in taken or not name:
            raise self._error(
                f"column _{name} comes twice" if name else "a column has no name",
                "do rename or remove it",
            )
        return name

    def _convert(self, words: list[bytes], as_text: bool = False) -> _Part:
        try:
            return column_of(words, as_text)
        except UnicodeDecodeError as error:
            raise self._error("it isn't UTF-8", "do save it as UTF-8") from error

    def _error(self, because: str, advice: str) -> InputError:
        return InputError(
            f"cannot read {self._path} because at line {self._lines.number} {because}; "
            f"{advice}"
        )


def is_text(part: _Part) -> bool:
    """Return whether a part of a column is text.

    Args:
        part: numbers, bytes or a list of strings.
    """
    return isinstance(part, list) or part.dtype.kind == "S"


def joined(parts: list[_Part]) -> np.ndarray:
    """Return the parts of a column as one array, emptying the list on the way.

    Args:
        parts: all numbers, or all text.
    """
    if not any(map(is_text, parts)):
        return np.concatenate(parts) if parts else np.empty(0)
    column = np.empty(sum(map(len, parts)), TEXT)
    filled = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        column[filled : filled + len(part)] = part
        filled += len(part)
    return column
