import gc
import subprocess
import sys
import threading
import time

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.datasets import batches
from vitrax.image import OpticsGroup


COUNT = 23
KEY = jax.random.key(3)
GROUPS = (
    OpticsGroup(pixel_size=1.5, voltage=300.0, box=8),
    OpticsGroup(pixel_size=3.0, voltage=300.0, box=4),
    OpticsGroup(pixel_size=1.5, voltage=300.0, box=8, name="same as the first"),
)


class Reader:
    """Gives images full of their row numbers, slowly; some rows can't be read."""

    def __init__(self, bad=(), pause=0.0):
        self.bad, self.pause = set(bad), pause
        self.calls, self.threads = [], set()

    def __call__(self, rows):
        time.sleep(self.pause)
        self.calls.append(rows.tolist())
        self.threads.add(threading.current_thread().name)
        if self.bad & set(rows.tolist()):
            raise vx.io.InputError(f"cannot read {rows.tolist()}")
        box = 4 if rows[0] % 3 == 1 else 8
        return np.broadcast_to(rows[:, None, None], (len(rows), box, box))


def make_stack(reader):
    zeros = np.zeros(COUNT)
    return vx.ParticleStack(
        reader=reader,
        rows=np.arange(COUNT),
        optics=GROUPS,
        groups=np.arange(COUNT) % 3,
        angles=np.zeros((COUNT, 3)),
        shifts=np.zeros((COUNT, 2)),
        defocus=np.zeros((COUNT, 3)),
        phase_shifts=zeros,
        b_factors=zeros,
        scales=zeros + 1,
        columns={"name": np.arange(COUNT)},
    )


def rows_of(found):
    return [batch.particles.rows.tolist() for batch in found]


def no_threads():
    return not [t for t in threading.enumerate() if t.name.startswith("vitrax")]


@pytest.mark.parametrize("key", [None, KEY], ids=["in order", "mixed"])
def test_every_particle_comes_once_with_its_image(key):
    found = list(batches(make_stack(Reader()), 4, key=key))
    assert sorted(row for rows in rows_of(found) for row in rows) == list(range(COUNT))
    for batch in found:
        assert len(batch) <= 4
        rows = batch.particles.rows
        np.testing.assert_array_equal(batch.images[:, 0, 0], rows)
        assert batch.images.dtype == np.float32
        assert batch.particles.columns["name"].tolist() == rows.tolist()
        assert batch.images.shape[1:] == batch.particles.grid.shape
        assert len({row % 3 == 1 for row in rows.tolist()}) == 1
    assert no_threads()


def test_without_a_key_the_order_is_that_of_the_buckets():
    stack = make_stack(Reader())
    expected = [
        batch.rows.tolist() for bucket in stack.buckets() for batch in bucket.batches(4)
    ]
    assert rows_of(batches(stack, 4)) == expected


@pytest.mark.parametrize("key", [None, KEY], ids=["in order", "mixed"])
def test_prefetching_changes_nothing(key):
    stack = make_stack(Reader())
    expected = rows_of(batches(stack, 3, key=key, prefetch=0))
    for prefetch in (1, 2, 50):
        assert rows_of(batches(stack, 3, key=key, prefetch=prefetch)) == expected


def test_the_key_decides_the_order():
    stack = make_stack(Reader())
    first = rows_of(batches(stack, 4, key=KEY))
    assert rows_of(batches(stack, 4, key=KEY)) == first
    other = rows_of(batches(stack, 4, key=jax.random.fold_in(KEY, 1)))
    assert other != first
    assert rows_of(batches(stack, 4, key=jax.random.key_data(KEY))) == first
    boxes = [len({r % 3 == 1 for r in rows}) for rows in first]
    assert set(boxes) == {1}
    # Buckets take turns: the smaller one doesn't come first or last as a whole.
    small = [rows[0] % 3 == 1 for rows in first]
    assert small not in (sorted(small), sorted(small, reverse=True))


def test_at_most_so_many_are_read_ahead():
    for prefetch in (0, 1, 3):
        reader = Reader()
        iterator = batches(make_stack(reader), 2, prefetch=prefetch)
        assert not reader.calls
        next(iterator)
        deadline = time.monotonic() + 5
        while len(reader.calls) < prefetch + 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(reader.calls) == prefetch + 1
        assert ("MainThread" in reader.threads) == (prefetch == 0)
        iterator.close()
        assert no_threads()


@pytest.mark.parametrize("prefetch", [0, 3])
def test_an_error_comes_in_its_turn(prefetch):
    stack = make_stack(Reader(bad=[5]))
    found = []
    with pytest.raises(vx.io.InputError, match="cannot read"):
        iterate(batches(stack[:9], 2, prefetch=prefetch), found)
    assert rows_of(found) == [[0, 2]]
    assert no_threads()


def iterate(iterator, found):
    for batch in iterator:
        found.append(batch)


def test_closing_and_letting_go_end_the_thread():
    reader = Reader(pause=0.02)
    iterator = batches(make_stack(reader), 1, prefetch=2)
    next(iterator)
    iterator.close()
    assert no_threads()
    assert len(reader.calls) < 6
    iterator = batches(make_stack(reader), 1, prefetch=2)
    next(iterator)
    del iterator
    gc.collect()
    assert no_threads()


def test_ctrl_c_ends_at_once():
    code = """
import os, signal, sys, threading, time
sys.path[:0] = [{here!r}]
# A shell's background jobs ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
import test_particle_batches as t
from vitrax.datasets import batches
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    for batch in batches(t.make_stack(t.Reader(pause=0.1)), 1, prefetch=2):
        pass
except KeyboardInterrupt:
    print("stopped", t.no_threads())
"""
    here = str(__import__("pathlib").Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", code.format(here=here)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "stopped True\n", done.stderr


def test_what_cannot_be_is_refused_at_the_call(unchecked):
    stack = make_stack(Reader())
    with pytest.raises(ValueError, match=r"batches of 0 particles .* pass 1 or more"):
        batches(stack, 0)
    with pytest.raises(ValueError, match="-1 batches ahead"):
        batches(stack, 2, prefetch=-1)
    with pytest.raises(TypeError, match=r"key is 7, not a random key; do pass"):
        batches(stack, 2, key=7)


def test_no_particles_no_batches():
    stack = make_stack(Reader())[:0]
    assert list(batches(stack, 2)) == list(batches(stack, 2, key=KEY)) == []
