"""Blocks that LZ4 and Snappy packed, unpacked in bounded memory.

Plain Python: columns of numbers are nearly all literals, copied as wholes.
"""

from collections.abc import Callable


# No block of either format unpacks to more than this many times its length.
MAX_RATIO = 256


class PackingError(ValueError):
    """A block that isn't what it says."""


class _Output:
    """Bytes that grow by literals and by copies of what they hold, up to a size."""

    def __init__(self, size: int):
        self.data = bytearray()
        self._size = size

    def add(self, literal: bytes, length: int) -> None:
        """Append bytes of which there must be as many as `length`."""
        if len(literal) != length:
            raise PackingError("it is cut short")
        self._make_room(length)
        self.data += literal

    def copy(self, offset: int, length: int) -> None:
        """Append `length` bytes that begin `offset` before the end, perhaps beyond."""
        if not 0 < offset <= len(self.data):
            raise PackingError("it refers to what comes before its beginning")
        self._make_room(length)
        pattern = self.data[len(self.data) - offset :][:length]
        whole, rest = divmod(length, len(pattern))
        self.data += pattern * whole + pattern[:rest]

    def _make_room(self, length: int) -> None:
        if len(self.data) + length > self._size:
            raise PackingError(f"it holds more than {self._size} bytes")


def unpack_lz4(block: bytes, size: int) -> bytes:
    """Return the content of an LZ4 block.

    Args:
        block: without a frame.
        size: of the content, bytes.

    Raises:
        PackingError: if it is damaged, or of another size.

    References:
        Collet, LZ4 block format description (lz4.org).
    """
    output, at = _Output(size), 0
    while True:
        token, at = _byte(block, at)
        length, at = _long_length(block, at, token >> 4)
        output.add(block[at : at + length], length)
        at += length
        if at == len(block):
            return _whole(output, size)
        offset = int.from_bytes(block[at : at + 2], "little")
        length, at = _long_length(block, at + 2, token & 15)
        output.copy(offset, length + 4)


def unpack_snappy(block: bytes, size: int) -> bytes:
    """Return the content of a Snappy block.

    Args:
        block: without a frame.
        size: of the content, bytes.

    Raises:
        PackingError: if it is damaged, or of another size.

    References:
        Google, Snappy compressed format description (2011).
    """
    output, at = _Output(size), 0
    promised, shift, more = 0, 0, True
    while more and shift < 35:
        byte, at = _byte(block, at)
        promised, shift, more = promised | (byte & 127) << shift, shift + 7, byte > 127
    if promised != size:
        raise PackingError(f"it promises {promised} bytes, not {size}")
    while at < len(block):
        tag, at = _byte(block, at)
        kind, rest = tag & 3, tag >> 2
        if kind == 0:
            wide = max(rest - 59, 0)
            length = int.from_bytes(block[at : at + wide], "little") if wide else rest
            at += wide
            output.add(block[at : at + length + 1], length + 1)
            at += length + 1
        elif kind == 1:
            low, at = _byte(block, at)
            output.copy((tag >> 5) << 8 | low, (rest & 7) + 4)
        else:
            wide = 2 if kind == 2 else 4
            output.copy(int.from_bytes(block[at : at + wide], "little"), rest + 1)
            at += wide
    return _whole(output, size)


# By the names that headers use.
UNPACKERS: dict[str, Callable[[bytes, int], bytes]] = {
    "lz4": unpack_lz4,
    "snappy": unpack_snappy,
}


def _byte(block: bytes, at: int) -> tuple[int, int]:
    """Return a byte, and where the next one is."""
    if at >= len(block):
        raise PackingError("it is cut short")
    return block[at], at + 1


def _long_length(block: bytes, at: int, nibble: int) -> tuple[int, int]:
    """Return a length of LZ4, which goes on in bytes after 15, and where it ends."""
    if nibble < 15:
        return nibble, at
    end = at
    while end < len(block) and block[end] == 255:
        end += 1
    last, after = _byte(block, end)
    return 15 + 255 * (end - at) + last, after


def _whole(output: _Output, size: int) -> bytes:
    if len(output.data) != size:
        raise PackingError(f"it holds {len(output.data)} bytes, not {size}")
    return bytes(output.data)
