r"""The columns of many rows of text at once, exactly as Python would read each value.

A number such as -123.456 is $\pm m / 10^d$ with integers $m < 2^{53}$ and $d \le 22$,
so one division of two exact doubles rounds it correctly (Clinger 1990). Eight digits at
a time become an integer by three multiplications of a 64-bit word. What doesn't have
that form is given to Python's own `int` and `float`.
"""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt64


# Blanks before and after a chunk, so that words of 8 bytes never reach outside.
MARGIN = 24
# Beyond this, words of a column are cut out one by one.
_MOST_LENGTHS = 24
_LARGEST_TABLE = 2**26
_ZEROS = np.uint64(0x3030303030303030)
_NUMERIC = b"0123456789+-.eE "
_LEADING_ZERO = re.compile(rb"(?:^| )[+-]?0\d")
_MINUS_ZERO = re.compile(rb"(?:^| )-0(?: |$)")


class Chunk:
    """Whole lines of a file with the places of the words in them.

    Args:
        data: bytes of whole lines.

    Attributes:
        starts: of each word.
        ends: of each word, one past its last byte.
    """

    def __init__(self, data: bytes):
        self._data = data
        self._padded = b" " * MARGIN + data + b" " * MARGIN
        self._bytes = np.frombuffer(self._padded, np.uint8)
        # Byte i begins word i, aligned or not.
        self._words = np.ndarray(
            (len(self._padded) - 8,), "<u8", self._padded, strides=(1,)
        )
        blank = self._bytes <= ord(" ")
        edges = np.flatnonzero(blank[1:] != blank[:-1])
        self.starts = edges[0::2] + 1
        self.ends = edges[1::2] + 1

    def is_text(self) -> bool:
        """Return whether there are no control characters but tabs and line ends."""
        codes = self._bytes
        odd = (codes < 32) & (codes != 9) & (codes != 10) & (codes != 13)
        return not odd.any()

    def rows_of(self, count: int) -> int:
        """Return how many lines have `count` words, before one that has more or fewer.

        Args:
            count: of words; lines without any don't count.
        """
        line_ends = np.flatnonzero(self._bytes == ord("\n"))
        words = np.diff(np.searchsorted(self.starts, line_ends), prepend=0)
        words = words[words > 0]
        others = np.flatnonzero(words != count)
        return int(others[0]) if len(others) else len(words)

    def column(
        self,
        starts: Int[np.ndarray, " rows"],
        ends: Int[np.ndarray, " rows"],
        as_text: bool,
    ) -> np.ndarray | list[str]:
        """Return words as int64, float64 or text, whichever holds all exactly.

        Text is a list of strings, or an array of bytes where it is ASCII.

        Args:
            starts: of the words.
            ends: of the words.
            as_text: whether text is asked for, whatever the words are.
        """
        if not as_text:
            numbers = self._fixed_point(starts, ends)
            if numbers is not None:
                return numbers
        first = self._padded[int(starts[0]) : int(ends[0])]
        as_text = as_text or _numbers_of([first]) is None
        if as_text and self._data.isascii():
            words = self._cut_out(starts, ends)
            if words is not None:
                return words
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return column_of([self._padded[a:b] for a, b in pairs], as_text)

    def _cut_out(
        self, starts: Int[np.ndarray, " rows"], ends: Int[np.ndarray, " rows"]
    ) -> np.ndarray | None:
        """Return words as bytes of a fixed width, None if they have many lengths."""
        lengths = ends - starts
        distinct = np.flatnonzero(np.bincount(lengths))
        if len(distinct) > _MOST_LENGTHS or len(starts) * distinct[-1] > _LARGEST_TABLE:
            return None
        words = np.empty(len(starts), f"S{distinct[-1]}")
        for length in distinct.tolist():
            rows = lengths == length
            places = (len(self._padded) - length,)
            every = np.ndarray(places, f"S{length}", self._padded, strides=(1,))
            words[rows] = every[starts[rows]]
        return words

    def _fixed_point(
        self, starts: Int[np.ndarray, " rows"], ends: Int[np.ndarray, " rows"]
    ) -> np.ndarray | None:
        """Return words such as -123.456, all with as many decimals; None otherwise."""
        negative = self._bytes[starts] == ord("-")
        any_negative = bool(negative.any())
        if any_negative:
            starts = starts + negative
        word = self._padded[int(starts[0]) : int(ends[0])]
        decimals = len(word) - 1 - word.find(b".") if b"." in word else None
        points = ends if decimals is None else ends - (decimals + 1)
        lengths = points - starts
        if lengths.min() < 1 or lengths.max() > 8:
            return None
        numbers = _last_digits(self._words[points - 8], lengths)
        if numbers is None:
            return None
        if decimals is None:
            padded = (self._bytes[starts] == ord("0")) & ((lengths > 1) | negative)
            if padded.any():
                return None
            numbers = numbers.astype(np.int64)
        else:
            numbers = self._with_decimals(numbers, points, ends, decimals)
        if numbers is not None and any_negative:
            np.negative(numbers, out=numbers, where=negative)
        return numbers

    def _with_decimals(
        self,
        whole: UInt64[np.ndarray, " rows"],
        points: Int[np.ndarray, " rows"],
        ends: Int[np.ndarray, " rows"],
        decimals: int,
    ) -> np.ndarray | None:
        """Return numbers of their whole parts and the digits after their points."""
        if decimals > 7 or (self._bytes[points] != ord(".")).any():
            return None
        if decimals == 0:
            return whole.astype(np.float64)
        fraction = _last_digits(self._words[ends - 8], decimals)
        if fraction is None:
            return None
        scale = 10**decimals
        return (whole * np.uint64(scale) + fraction).astype(np.float64) / scale


def _last_digits(
    words: UInt64[np.ndarray, " rows"], counts: Int[np.ndarray, " rows"] | int
) -> UInt64[np.ndarray, " rows"] | None:
    """Return the integers in the last `counts` (1 to 8) bytes, None if not digits."""
    kept = ~np.uint64(0) << np.asarray(64 - 8 * counts).astype(np.uint64)
    digits = (words & kept) | (_ZEROS & ~kept)
    # A byte is a digit if neither it nor it plus 6 leaves the range 0x30 to 0x3f.
    carried = digits + np.uint64(0x0606060606060606)
    outside = (digits ^ _ZEROS) | (carried ^ _ZEROS)
    if (outside & np.uint64(0xF0F0F0F0F0F0F0F0)).any():
        return None
    digits = digits - _ZEROS
    pairs = digits * np.uint64(10) + (digits >> np.uint64(8))
    every_fourth = np.uint64(0x000000FF000000FF)
    odd = (pairs & every_fourth) * np.uint64(0x000F424000000064)
    even = ((pairs >> np.uint64(16)) & every_fourth) * np.uint64(0x0000271000000001)
    return (odd + even) >> np.uint64(32)


def column_of(words: Sequence[bytes], as_text: bool = False) -> np.ndarray | list[str]:
    """Return words as int64, float64 or strings, whichever holds all exactly.

    Integers with leading zeros or beyond 64 bits stay text, which keeps them.

    Args:
        words: one per row, UTF-8.
        as_text: whether text is asked for, whatever the words are.

    Raises:
        UnicodeDecodeError: if a word isn't UTF-8.
    """
    if not as_text and (numbers := _numbers_of(words)) is not None:
        return numbers
    return b"\n".join(words).decode().split("\n")


def _numbers_of(words: Sequence[bytes]) -> np.ndarray | None:
    joined = b" ".join(words)
    try:
        if not joined.translate(None, b"0123456789+- "):
            if _LEADING_ZERO.search(joined):
                return None
            if not _MINUS_ZERO.search(joined):
                return np.fromiter(map(int, words), np.int64, len(words))
        elif joined.translate(None, _NUMERIC) and not _is_nan_or_number(words):
            return None
        return np.fromiter(map(float, words), np.float64, len(words))
    except (ValueError, OverflowError):
        return None


def _is_nan_or_number(words: Sequence[bytes]) -> bool:
    """Return whether words are numbers, nan or inf; Python takes 1_0 and infinity."""
    special = {b"nan", b"inf"}
    return all(
        not word.translate(None, _NUMERIC) or word.lower().lstrip(b"+-") in special
        for word in words
    )
