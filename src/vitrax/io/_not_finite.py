"""What becomes of values that are NaN or infinite."""

import os
import warnings
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32

from .._files import InputError, InputWarning


# What becomes of them: an error, zeros, or the mean of the finite values.
NanPolicy = Literal["error", "zero", "mask"]
HOW_TO_SAY = "nan_policy= (--nan-policy zero or mask)"


def check_policy(nan_policy: NanPolicy) -> NanPolicy:
    """Return a policy.

    Raises:
        ValueError: if there is no such policy.
    """
    if nan_policy not in get_args(NanPolicy):
        raise ValueError(
            f"cannot read with nan_policy={nan_policy!r} because there is no such "
            f"policy; do give 'error', 'zero' or 'mask'"
        )
    return nan_policy


def fate(nan_policy: NanPolicy, whole: str) -> str | None:
    """Return what a policy makes of values that aren't finite, in words.

    Args:
        nan_policy: the policy.
        whole: what the mean is taken of, such as "its section".

    Returns:
        None where it is an error.
    """
    means = {"zero": "0", "mask": f"the mean of the others in {whole}"}
    return means.get(nan_policy)


def made_finite(
    values: Float32[np.ndarray, "..."],
    nan_policy: NanPolicy,
    path: str | os.PathLike,
    what: str,
) -> Float32[np.ndarray, "..."]:
    """Return values without NaN and infinities, as a policy says.

    Args:
        values: of one image or one map; they are changed in place.
        nan_policy: what becomes of those that aren't finite: "error" raises, "zero"
            makes them 0, "mask" gives them the mean of the others, as outside a mask.
        path: the file, for the message.
        what: what the values are: "voxels" or "pixels".

    Raises:
        InputError: with their number, if that is the policy or none is finite.
    """
    finite = np.isfinite(values)
    bad = values.size - int(np.count_nonzero(finite))
    if not bad:
        return values
    found = f"{bad} of its {values.size} {what} are NaN or infinite"
    if nan_policy == "error":
        raise InputError(
            f"cannot use {os.fspath(path)} because {found}; do repair it with the "
            f"program that wrote it, or say what becomes of them: {HOW_TO_SAY}"
        )
    if bad == values.size:
        raise InputError(
            f"cannot use {os.fspath(path)} because all its {what} are NaN or infinite; "
            "do repair it with the program that wrote it"
        )
    filling = 0.0 if nan_policy == "zero" else values[finite].mean(dtype=float)
    values[~finite] = filling
    words = "0" if nan_policy == "zero" else f"the mean of the others ({filling:.6g})"
    warnings.warn(
        f"{os.fspath(path)}: {found}; they were set to {words}",
        InputWarning,
        stacklevel=4,
    )
    return values
