"""Particles and their images in batches, read ahead of their use."""

import collections
import concurrent.futures
import dataclasses
import itertools
from collections.abc import Iterator

import jax.random as jr
import numpy as np
from jaxtyping import Float32, Int, PRNGKeyArray

from .._checks import check_key
from ..image import ParticleStack


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Some particles, and their images in memory.

    Attributes:
        particles: of one box and optics.
        images: of them, physical: protein dark.

    Example:
        >>> import jax, numpy as np
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 3)
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.zeros((3, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, vx.Lens(1e4), optics)
        >>> len(vx.datasets.Batch(stack, stack.images()))
        3
    """

    particles: ParticleStack
    images: Float32[np.ndarray, "particles y x"]

    def __len__(self) -> int:
        return len(self.particles)


def batches(
    stack: ParticleStack,
    size: int,
    *,
    key: PRNGKeyArray | None = None,
    prefetch: int = 2,
) -> Iterator[Batch]:
    """Yield all particles once, in batches whose images are read ahead.

    A batch is of one box and optics, so that each of these is compiled for once, or
    twice where its last batch is smaller. A thread reads the next batches while one is
    used, so `prefetch` + 1 of them are in memory. It changes neither their order nor
    their content, and ends with the iterator: when that is exhausted, closed or let go,
    after an error and after Ctrl-C.

    Args:
        stack: any particles.
        size: of a batch, at least 1.
        key: of the order, in which all particles are mixed; without it they are in that
            of the stack, bucket by bucket. For each epoch fold its number in.
        prefetch: batches read ahead; 0 reads each when it is asked for.

    Raises:
        ValueError: if `size` isn't positive, or `prefetch` is negative.
        InputError: when the batch is asked for whose images can't be read.

    Example:
        >>> import jax, numpy as np
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 5)
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.zeros((5, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, vx.Lens(1e4), optics)
        >>> key = jax.random.key(1)
        >>> [len(each) for each in vx.datasets.batches(stack, 2, key=key)]
        [2, 2, 1]
    """
    if size < 1:
        raise ValueError(
            f"cannot make batches of {size} particles because each holds some; do "
            "pass 1 or more"
        )
    if prefetch < 0:
        raise ValueError(
            f"cannot read {prefetch} batches ahead because it is negative; do pass 0 "
            "to read none ahead"
        )
    if key is not None:
        check_key("make batches", key)
    return _read_ahead(stack, _places(stack, size, key), prefetch)


def _places(
    stack: ParticleStack, size: int, key: PRNGKeyArray | None
) -> list[Int[np.ndarray, " batch"]]:
    """Return where in the stack the particles of each batch are."""
    count = len(stack)
    rank = np.arange(count)
    if key is not None and count:
        rank = np.asarray(jr.permutation(key, count))
    parts = []
    for bucket in stack.bucket_places():
        mixed = bucket[np.argsort(rank[bucket])]
        parts += [mixed[first : first + size] for first in range(0, len(mixed), size)]
    if key is not None:
        # Buckets take turns, each as often as it is large.
        parts.sort(key=lambda places: int(rank[places[0]]))
    return parts


def _read_ahead(
    stack: ParticleStack, places: list[np.ndarray], prefetch: int
) -> Iterator[Batch]:
    """Yield batches, the next ones being read by a thread meanwhile."""
    if not prefetch:
        for each in places:
            yield _read(stack, each)
        return
    waiting: collections.deque[concurrent.futures.Future[Batch]] = collections.deque()
    thread = concurrent.futures.ThreadPoolExecutor(1, "vitrax-batches")
    left = iter(places)
    try:
        for each in itertools.islice(left, prefetch):
            waiting.append(thread.submit(_read, stack, each))
        while waiting:
            batch = waiting.popleft().result()
            for each in itertools.islice(left, 1):
                waiting.append(thread.submit(_read, stack, each))
            yield batch
            # Not held while the next one is waited for.
            del batch
    finally:
        # What is being read ends first: no file is left open.
        thread.shutdown(wait=True, cancel_futures=True)


def _read(stack: ParticleStack, places: Int[np.ndarray, " batch"]) -> Batch:
    particles = stack[places]
    return Batch(particles, particles.images())
