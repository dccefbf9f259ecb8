"""Frames of EER: lists of electrons, unpacked to images."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped


# By compression in TIFF: how many bits a gap has; and of the place within a pixel.
EER = {65000: 8, 65001: 7, 65002: 7}
_PLACE = 2
_TAGS = (65007, 65008, 65009)


def eer_frame(
    data: bytes, shape: tuple[int, int], page: Any
) -> Shaped[np.ndarray, "y x"]:
    """Return where electrons were, on the physical pixels.

    A frame is a list of gaps between electrons, in pixels, each followed by the place
    of the electron within its pixel, until the gaps reach the end of the frame. The
    longest gap has no electron after it.

    Args:
        data: bytes of the frame.
        shape: (rows, columns).
        page: of the package that reads TIFF.

    Raises:
        ValueError: if the list doesn't end where the frame does.
    """
    if page.compression == 65000:
        return _whole_codes(data, shape)
    import imagecodecs

    gap, x, y = EER[int(page.compression)], _PLACE, _PLACE
    if page.compression == 65002:
        gap, x, y = (
            int(page.tags.valueof(tag, default))
            for tag, default in zip(_TAGS, (gap, x, y), strict=True)
        )
    # The decoder takes a list that ends early as a frame. Ones after its end are the
    # longest gaps, which go beyond the frame, and that is an error.
    missing = gap * shape[0] * shape[1] // (8 * (2**gap - 1)) + 16
    missing += (len(data) + missing) % 2
    return imagecodecs.eer_decode(data + b"\xff" * missing, shape, gap, x, y)


def _whole_codes(data: bytes, shape: tuple[int, int]) -> Bool[np.ndarray, "y x"]:
    """Return a frame of 12 bits for each gap, those without an electron too."""
    pixels = shape[0] * shape[1]
    triples = np.frombuffer(data + b"\xff" * (-len(data) % 3), np.uint8).reshape(-1, 3)
    first, second, third = triples.T
    gaps = np.stack([first, second >> 4 | (third & 15) << 4], axis=1).ravel()
    is_electron = gaps < 255
    after = np.cumsum(gaps.astype(np.int64) + is_electron)
    place = after - is_electron
    ends = np.flatnonzero(place >= pixels)
    if not len(ends) or place[ends[0]] != pixels:
        raise ValueError("the electrons don't end where the frame does")
    frame = np.zeros(shape, bool)
    frame.reshape(-1)[place[: ends[0]][is_electron[: ends[0]]]] = True
    return frame
