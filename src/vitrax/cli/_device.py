"""The device and the precision that a command computes with."""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax

from ._exit import UsageError


@contextlib.contextmanager
def computing(device: str | None, *, x64: bool) -> Iterator[None]:
    """Compute on a device and in a precision for the length of a block.

    Args:
        device: "cpu", "gpu", the number of a GPU, or None for jax's own choice.
        x64: whether in double precision.

    Raises:
        UsageError: if there is no such device.
    """
    with jax.enable_x64(x64), jax.default_device(_chosen(device)):
        yield


def _chosen(device: str | None) -> Any:
    if device is None:
        return None
    platform, number = ("gpu", int(device)) if device.isdigit() else (device, 0)
    try:
        return jax.devices(platform)[number]
    except (RuntimeError, IndexError) as error:
        found = ", ".join(sorted({each.platform for each in jax.devices()}))
        raise UsageError(
            f"cannot compute on --device {device} because jax finds only {found}; do "
            f"leave it out, or install jax for that device"
        ) from error
