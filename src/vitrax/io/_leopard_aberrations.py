r"""Higher aberrations as Leopard-EM keeps them, and RELION's terms that equal them.

Leopard-EM (torch-ctf) has polynomials of the frequency $k$ in 1/Å at the azimuth
$\alpha$ from x towards y: Z31c is $k^3\cos\alpha$, Z33s $k^3\sin 3\alpha$, Z42c
$k^4\cos 2\alpha$, Z44s $k^4\sin 4\alpha$, Z60 $k^6$. Signs are RELION's: odd ones
multiply the image by $\exp(+i\phi)$, even ones are added to RELION's $\gamma$.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._files import InputError


# Each of theirs as (RELION's index, factor): k^3 cos a = (Z31 + 2 Z11) / 3, and so on.
_ODD = {
    "Z31c": ((4, 1 / 3), (1, 2 / 3)),
    "Z31s": ((3, 1 / 3), (0, 2 / 3)),
    "Z33c": ((5, 1.0),),
    "Z33s": ((2, 1.0),),
}
_EVEN = {
    "Z42c": ((7, 1 / 4), (3, 3 / 4)),
    "Z42s": ((5, 1 / 4), (1, 3 / 4)),
    "Z44c": ((8, 1.0),),
    "Z44s": ((4, 1.0),),
    "Z60": ((12, 1 / 20), (6, 1 / 4), (2, 9 / 20), (0, 1 / 4)),
}
_TERMS = {"odd_zernikes": (_ODD, 6), "even_zernikes": (_EVEN, 16)}


def relion_terms(text: str, column: str, source: str) -> tuple[float, ...]:
    """Return RELION's terms of Leopard-EM's, none for an empty text.

    Args:
        text: JSON, such as {"Z31c": 0.1}.
        column: odd_zernikes or even_zernikes.
        source: the file, for messages.

    Raises:
        InputError: if it isn't a mapping of known terms to finite numbers.
    """
    known, count = _TERMS[column]
    if not text.strip():
        return ()
    try:
        terms = json.loads(text)
        if not isinstance(terms, dict):
            raise TypeError("not a mapping")
        values = {name: float(value) for name, value in terms.items()}
        unknown = sorted(set(values) - set(known))
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise InputError(
            f"cannot use {column} of {source} because a value isn't JSON such as "
            f'{{"{next(iter(known))}": 0.1}} ({error}); do correct it'
        ) from error
    if unknown or not np.isfinite(list(values.values())).all():
        raise InputError(
            f"cannot use {column} of {source} because "
            f"{', '.join(unknown) or 'a value'} isn't known or finite; its terms are "
            f"{', '.join(known)}"
        )
    found = np.zeros(count)
    for name, value in values.items():
        for index, factor in known[name]:
            found[index] += factor * value
    return tuple(found.tolist()) if found.any() else ()


def leopard_terms(
    relion: tuple[float, ...], column: str
) -> tuple[dict[str, float], tuple[float, ...]]:
    """Return Leopard-EM's terms of RELION's, and what remains in RELION's.

    Args:
        relion: coefficients.
        column: odd_zernikes or even_zernikes.
    """
    known, count = _TERMS[column]
    rest = np.zeros(max(count, len(relion)))
    rest[: len(relion)] = relion
    terms = {}
    for name, parts in reversed(known.items()):
        index, factor = parts[0]
        value = rest[index] / factor
        if value:
            terms[name] = value
            for each, share in parts:
                rest[each] -= share * value
            rest[index] = 0.0
    # What is left of sums that cancel isn't a term.
    rest[np.abs(rest) < 1e-13 * np.abs(np.array(relion)).max(initial=0.0)] = 0.0
    remains = tuple(rest.tolist()) if rest.any() else ()
    return dict(reversed(terms.items())), remains


def relion_magnification(text: str, source: str) -> tuple[float, ...]:
    """Return RELION's matrix of Leopard-EM's, none for an empty text.

    Leopard-EM has the matrix of real space, in the order y, x: frequencies are
    multiplied by its inverse's transpose, and RELION's M is that, in the order x, y.

    Args:
        text: such as [1.0, 0.0, 0.0, 1.0].
        source: the file, for messages.

    Raises:
        InputError: if it isn't four numbers, or can't be inverted.
    """
    if not text.strip():
        return ()
    try:
        numbers = [float(each) for each in text.strip().strip("[]()").split(",")]
        matrix = np.reshape(numbers, (2, 2))
        inverse = _transposed_inverse(matrix)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise InputError(
            f"cannot use mag_matrix of {source} because {text[:60]!r} isn't four "
            "numbers of a matrix that can be inverted; do correct it"
        ) from error
    return tuple(inverse.reshape(-1).tolist())


def leopard_magnification(relion: Any) -> tuple[float, ...]:
    """Return Leopard-EM's matrix of RELION's.

    Args:
        relion: rlnMagMat00, 01, 10, 11.
    """
    matrix = np.reshape(relion, (2, 2))
    return tuple(_transposed_inverse(matrix).reshape(-1).tolist())


def _transposed_inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse's transpose with the axes swapped; finite."""
    if not np.isfinite(matrix).all():
        raise ValueError("not finite")
    found = np.linalg.inv(matrix).T[::-1, ::-1]
    if not np.isfinite(found).all() or not np.linalg.det(found):
        raise ValueError("not finite")
    return found + 0.0


def as_json(terms: Mapping[str, float]) -> str:
    """Return terms as Leopard-EM's CSV files have them, empty for none.

    Args:
        terms: by Leopard-EM's names.
    """
    return json.dumps(dict(terms)) if terms else ""
