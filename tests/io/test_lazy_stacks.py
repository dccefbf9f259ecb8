import builtins
import collections
import struct
import time
import tracemalloc

import jax
import mrcfile
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import (
    InputWarning,
    StackWriter,
    StarTable,
    read_particles,
    write_star,
)


STACKS, EACH, BOX = 12, 5, 8
COUNT = STACKS * EACH
IMAGES = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)
OPTICS = {
    "rlnOpticsGroup": [1],
    "rlnOpticsGroupName": ["one"],
    "rlnVoltage": [300.0],
    "rlnSphericalAberration": [2.7],
    "rlnAmplitudeContrast": [0.1],
    "rlnImagePixelSize": [1.5],
    "rlnImageSize": [BOX],
}


def write(path, names, **columns):
    particles = {"rlnImageName": names, "rlnOpticsGroup": np.ones(len(names), int)}
    tables = {"optics": StarTable(OPTICS), "particles": StarTable(particles | columns)}
    write_star(path, tables)
    return path


@pytest.fixture
def stack(tmp_path):
    """Give particles in many stacks, dark, in an order of their own."""
    for number in range(STACKS):
        with StackWriter(tmp_path / f"{number}.mrcs", (EACH, BOX, BOX), 1.5) as writer:
            writer.append(IMAGES[number * EACH : (number + 1) * EACH])
    mixed = np.random.default_rng(1).permutation(COUNT).tolist()
    names = [f"{i % EACH + 1}@{i // EACH}.mrcs" for i in mixed]
    path = write(tmp_path / "p.star", names, place=mixed)
    return read_particles(path, contrast="dark")


class Watch:
    """Counts what is opened, and how many of it at a time."""

    def __init__(self, monkeypatch):
        self.opened, self.places, self.now, self.most = [], [], 0, 0
        real = builtins.open

        def watched(path, *args, **more):
            file = real(path, *args, **more)
            if str(path).endswith(".mrcs"):
                self.opened.append(str(path).rpartition("/")[2])
                self.now += 1
                self.most = max(self.most, self.now)
                close, seek = file.close, file.seek

                def closed():
                    self.now -= not file.closed
                    close()

                def sought(place, *args):
                    self.places.append((self.opened[-1], place))
                    return seek(place, *args)

                return Handle(file, closed, sought)
            return file

        monkeypatch.setattr(builtins, "open", watched)


class Handle:
    def __init__(self, file, close, seek):
        self.file, self.close, self.seek = file, close, seek

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def test_choosing_opens_nothing(stack, monkeypatch):
    watch = Watch(monkeypatch)
    chosen = stack[10:][stack[10:].columns["place"] % 2 == 0][::2]
    list(stack.buckets())
    assert len(chosen) > 0
    assert watch.opened == []


def test_each_stack_is_opened_in_turn_and_read_in_its_order(stack, monkeypatch):
    watch = Watch(monkeypatch)
    rows = np.random.default_rng(2).permutation(COUNT)[:40]
    images = stack[rows].images()
    np.testing.assert_array_equal(images, IMAGES[stack.columns["place"][rows]])
    assert (watch.now, watch.most) == (0, 1)
    # Once for the header, once for the images; and no stack again after another.
    times = collections.Counter(watch.opened)
    assert set(times.values()) == {2}
    assert len(list(dict.fromkeys(watch.opened))) == sum(
        1 for a, b in zip([None, *watch.opened], watch.opened, strict=False) if a != b
    )
    for name in times:
        places = [place for opened, place in watch.places if opened == name]
        assert places == sorted(places)


def test_an_image_asked_for_twice_comes_twice(stack):
    rows = np.array([7, 3, 7, 7, 3])
    np.testing.assert_array_equal(
        stack[rows].images(), IMAGES[stack.columns["place"][rows]]
    )


def test_batches_of_many_stacks(stack):
    key = jax.random.key(0)
    found = list(vx.datasets.batches(stack, 16, key=key))
    assert [len(batch) for batch in found] == [16, 16, 16, 12]
    places = np.concatenate([batch.particles.columns["place"] for batch in found])
    assert sorted(places.tolist()) == list(range(COUNT))
    images = np.concatenate([batch.images for batch in found])
    np.testing.assert_array_equal(images, IMAGES[places])


def test_memory_is_that_of_the_batch(tmp_path):
    box, count = 64, 400
    path = tmp_path / "a.mrcs"
    sparse_stack(path, count, box)
    OPTICS_64 = OPTICS | {"rlnImageSize": [box]}
    particles = {
        "rlnImageName": [f"{i + 1}@a.mrcs" for i in range(count)],
        "rlnOpticsGroup": np.ones(count, int),
    }
    tables = {"optics": StarTable(OPTICS_64), "particles": StarTable(particles)}
    write_star(tmp_path / "p.star", tables)
    stack = read_particles(tmp_path / "p.star")
    size = 4 * box**2 * 16
    tracemalloc.start()
    for batch in vx.datasets.batches(stack, 16, key=jax.random.key(1), prefetch=2):
        assert batch.images.nbytes == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * size + 2e6 < 4 * box**2 * count


@pytest.mark.parametrize(
    ("dtype", "mode"),
    [("i1", 0), ("i2", 1), ("f4", 2), ("u2", 6), ("f2", 12), (">i2", 1)],
)
def test_numbers_of_every_kind(tmp_path, dtype, mode):
    values = np.random.default_rng(0).uniform(0, 100, (3, BOX, BOX)).astype(dtype)
    values[0, 0, 0] = 100 if dtype == "u2" else -100
    with mrcfile.new(tmp_path / "a.mrcs") as file:
        file.set_data(values)
        file.set_image_stack()
        file.voxel_size = 1.5
        assert int(file.header.mode) == mode
    path = write(tmp_path / "p.star", ["3@a.mrcs", "1@a.mrcs", "2@a.mrcs"])
    images = read_particles(path).images()
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, -values[[2, 0, 1]].astype(np.float32))


def test_half_bytes(tmp_path):
    values = np.random.default_rng(0).integers(0, 16, (2, BOX, BOX)).astype(np.uint8)
    sparse_stack(tmp_path / "a.mrcs", 2, BOX, mode=101)
    with open(tmp_path / "a.mrcs", "r+b") as file:
        file.seek(1024)
        file.write((values[..., ::2] | values[..., 1::2] << 4).tobytes())
    path = write(tmp_path / "p.star", ["2@a.mrcs", "1@a.mrcs"])
    images = read_particles(path, contrast="dark").images()
    np.testing.assert_array_equal(images, values[[1, 0]].astype(np.float32))


def sparse_stack(path, count, box, mode=2):
    """Write a stack of zeros that takes no room on the disk."""
    with StackWriter(path, (1, box, box), 1.5) as writer:
        writer.append(np.zeros((1, box, box)))
    size = count * box * box * 4 if mode == 2 else count * box * box // 2
    with open(path, "r+b") as file:
        file.seek(8)
        file.write(struct.pack("<ii", count, mode))
        file.truncate(1024 + size)


def test_many_particles_are_opened_at_once(tmp_path, monkeypatch):
    """200 000 take half a second, where the machine has nothing else to do."""
    count, stacks = 40_000, 80
    each = count // stacks
    (tmp_path / "Extract").mkdir()
    for number in range(stacks):
        sparse_stack(tmp_path / "Extract" / f"{number}.mrcs", each, BOX)
    names = [f"{i % each + 1:06d}@Extract/{i // each}.mrcs" for i in range(count)]
    rng = np.random.default_rng(0)
    columns = {f"rlnColumn{i}": np.round(rng.normal(size=count), 6) for i in range(22)}
    path = write(tmp_path / "p.star", names, **columns)
    watch = Watch(monkeypatch)
    started = time.perf_counter()
    stack = read_particles(path)
    chosen = stack[stack.columns["rlnColumn3"] > 0]
    assert time.perf_counter() - started < 2.0
    assert (len(stack), watch.opened) == (count, [])
    assert chosen[-7:].images().shape == (7, BOX, BOX)


def test_a_warning_of_a_stack_comes_from_the_thread(tmp_path):
    sparse_stack(tmp_path / "a.mrcs", 3, BOX)
    with open(tmp_path / "a.mrcs", "ab") as file:
        file.write(b"more")
    stack = read_particles(write(tmp_path / "p.star", ["1@a.mrcs", "2@a.mrcs"]))
    with pytest.warns(InputWarning, match="4 bytes follow the data"):
        list(vx.datasets.batches(stack, 1))
