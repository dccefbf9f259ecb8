"""Damaged files of all formats: each ends in an `InputError` or in a valid object.

Run as a program it takes many: `python tests/io/mutations.py 20000`. It prints what
became of the files of each seed, and keeps those that did anything else.
"""

import bz2
import collections
import contextlib
import dataclasses
import gzip
import pathlib
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator

import jax
import numpy as np

import vitrax as vx
from vitrax import io


SECONDS = 10
MEMORY = 2 * 2**30


@dataclasses.dataclass(frozen=True)
class Seed:
    """A sound file, and what is done with it."""

    path: pathlib.Path
    use: Callable[[pathlib.Path], object]


class TooSlowError(Exception):
    """A file kept its reader busy for too long."""


def use_map(path):
    voxels = io.read_map(path, voxel_size=2.0)
    assert np.isfinite(np.asarray(voxels.values)).all()


def use_stack(path):
    stack = io.read_stack(path)
    assert np.isfinite(stack[: min(len(stack), 4)]).all()


def use_movie(path):
    movie = io.read_movie(path)
    assert np.isfinite(movie.sum_of(slice(0, 3))).all()


def use_atoms(path):
    atoms = io.read_atoms(path)
    for leaf in jax.tree.leaves(atoms):
        assert np.isfinite(np.asarray(leaf)).all()


def use_particles(path):
    stack = io.read_particles(
        path,
        defaults={
            "pixel_size": 1.0,
            "voltage": 300.0,
            "spherical_aberration": 2.7,
            "amplitude_contrast": 0.1,
        },
        box=8 if path.suffix in (".csv", ".yaml") else None,
    )
    for numbers in (stack.angles, stack.shifts, stack.defocus, stack.scales):
        assert numbers is None or np.isfinite(numbers).all()
    # The table is what was damaged, and may now name images that aren't there.
    with contextlib.suppress(io.InputError):
        for bucket in stack.buckets():
            bucket[:2].images()


def look_for(problems):
    """Return what lists a file's problems, which may be anything but an error."""
    return lambda path: [problem.what for problem in problems(path)]


def small_stack(path, count=4, box=8):
    with io.StackWriter(path, (count, box, box), 1.5) as writer:
        writer.append(np.random.default_rng(0).normal(size=(count, box, box)))
    return path


def some_particles(folder):
    """Return four particles with aberrations, and their images on the disk."""
    poses = vx.Pose.uniform(jax.random.key(0), 4)
    optics = vx.image.OpticsGroup(
        1.5,
        300.0,
        box=8,
        beam_tilt=(0.2, -0.1),
        odd_zernike=(0.0, 0.0, 1.5),
        magnification=(1.01, 0.0, 0.002, 0.99),
    )
    lens = vx.Lens(
        defocus=1.2e4,
        astigmatism=300.0,
        beam_tilt=(0.2, -0.1),
        odd_zernike=(0.0, 0.0, 1.5),
        magnification=((1.01, 0.0), (0.002, 0.99)),
    )
    images = np.random.default_rng(0).normal(size=(4, 8, 8))
    columns = {
        "rlnMicrographName": np.array(["m.mrc"] * 4),
        "rlnCoordinateX": np.array([20.0, 30.0, 40.0, 31.0]),
        "rlnCoordinateY": np.array([22.0, 31.0, 28.0, 40.0]),
    }
    stack = vx.ParticleStack.from_arrays(images, poses, lens, optics, columns)
    io.write_particles(folder / "relion.star", stack)
    with io.StackWriter(folder / "m.mrc", (1, 64, 64), 1.5) as writer:
        writer.append(np.random.default_rng(1).normal(size=(1, 64, 64)))
    return io.read_particles(folder / "relion.star")


def seeds(folder, shared=None):
    """Return sound files of all formats, written into a folder, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    found = dict(_written(folder))
    if shared is not None:
        for name, use in REAL.items():
            found[f"real {name}"] = Seed(shared / name, use)
    return found


REAL = {
    "maps/EMD-3197.map": use_map,
    "relion/rln_proj_64_centered.mrcs": use_stack,
    "relion/relion31.star": use_particles,
    "relion/relion5.star": use_particles,
    "relion/relion31.6opticsgroups.star": use_particles,
    "relion/sample_particles_relion30.star": use_particles,
    "cryosparc/empiar_10076_7.cs": use_particles,
    "cryosparc/empiar-11377-passthrough-5particles.cs": use_particles,
    "structures/1uao.pdb": use_atoms,
    "detectors/mtf_de20_300kV.star": io.read_mtf,
}


def _written(folder) -> Iterator[tuple[str, Seed]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        particles = some_particles(folder)
        layouts = {
            "relion 5": ("relion5.star", io.Relion("5.0")),
            "cisTEM": ("cistem.star", io.CisTEM()),
            "CryoSPARC": ("cryosparc.cs", io.CryoSPARC()),
            "Leopard-EM": ("leopard.csv", io.LeopardEM()),
            "EMAN2": ("eman.lst", io.EMAN2()),
        }
        for name, (file, layout) in layouts.items():
            io.write_particle_table(folder / file, particles, layout=layout)
            yield name, Seed(folder / file, use_particles)
    yield "relion 3.1", Seed(folder / "relion.star", use_particles)
    checks = {
        "relion.star": io.star_problems,
        "cistem.star": io.cistem_problems,
        "cryosparc.cs": io.cs_problems,
        "leopard.csv": io.leopard_problems,
        "eman.lst": io.eman_problems,
    }
    for file, problems in checks.items():
        yield f"check {file}", Seed(folder / file, look_for(problems))
    yield from _arrays(folder)
    yield from _atoms(folder)
    yield from _models(folder)
    yield from _binaries(folder)


def _binaries(folder) -> Iterator[tuple[str, Seed]]:
    """Yield what the tests of single formats put together byte by byte."""
    import test_cistem
    import test_cs_file

    path = folder / "stream.cs"
    path.write_bytes(test_cs_file.as_stream())
    yield "CSDAT", Seed(path, io.read_cs)
    path = folder / "packed.cs"
    path.write_bytes(test_cs_file.as_stream("lz4", test_cs_file.literals))
    yield "CSDAT packed", Seed(path, io.read_cs)
    path = folder / "a.cistem"
    path.write_bytes(test_cistem.binary(test_cistem.COLUMNS, 2))
    yield "cisTEM binary", Seed(path, use_particles)
    with contextlib.suppress(ImportError):
        import eman_files
        import test_eman

        rows = [test_eman.header(number, ptcl_repr=1) for number in range(4)]
        path = eman_files.write_hdf(folder / "a.hdf", test_eman.IMAGES, rows)
        yield "EMAN2 HDF5", Seed(path, use_particles)
        yield "check EMAN2 HDF5", Seed(path, look_for(io.eman_problems))
        path = eman_files.write_hdf(folder / "b.hdf", test_eman.IMAGES, rows, 12)
        yield "EMAN2 HDF5 packed", Seed(path, use_particles)
        path = eman_files.write_list(folder / "a.lst", test_eman.entries())
        yield "EMAN2 list", Seed(path, use_particles)
    with contextlib.suppress(ImportError):
        import imagecodecs  # noqa: F401
        import test_movies

        frames = np.random.default_rng(1).random((4, 48, 64)) < 0.004
        test_movies.write_eer(folder / "a.eer", frames.astype(np.uint8))
        yield "EER", Seed(folder / "a.eer", use_movie)


def _arrays(folder) -> Iterator[tuple[str, Seed]]:
    stack = small_stack(folder / "a.mrcs")
    yield "stack", Seed(stack, use_stack)
    yield "check stack", Seed(stack, look_for(io.mrc_problems))
    values = np.random.default_rng(0).normal(size=(6, 6, 6))
    io.write_map(folder / "a.map", vx.VoxelMap(values, 2.0))
    content = (folder / "a.map").read_bytes()
    yield "map", Seed(folder / "a.map", use_map)
    for name, pack in {"gz": gzip.compress, "bz2": bz2.compress}.items():
        (folder / f"a.map.{name}").write_bytes(pack(content))
        yield f"map {name}", Seed(folder / f"a.map.{name}", use_map)
    np.savez(folder / "a.npz", a=values, b=np.arange(3))
    yield "npz", Seed(folder / "a.npz", vx.io.npz_problems)
    with contextlib.suppress(ImportError):
        import tifffile

        frames = np.random.default_rng(0).poisson(3.0, (3, 12, 16)).astype(np.uint8)
        for pack in ("none", "lzw", "deflate"):
            path = folder / f"{pack}.tif"
            packing = None if pack == "none" else pack
            tifffile.imwrite(
                path, frames, compression=packing, photometric="minisblack"
            )
            yield f"tiff {pack}", Seed(path, use_movie)


def _atoms(folder) -> Iterator[tuple[str, Seed]]:
    elements = bytes([6, 7, 8, 16] * 5)
    positions = np.random.default_rng(0).normal(size=(20, 3)) * 10
    atoms = vx.Atoms(positions, elements, np.full(20, 30.0), np.ones(20))
    for suffix in ("pdb", "cif"):
        path = folder / f"a.{suffix}"
        io.write_atoms(path, atoms)
        yield suffix, Seed(path, use_atoms)
        yield f"check {suffix}", Seed(path, look_for(io.atom_problems))
        (folder / f"a.{suffix}.gz").write_bytes(gzip.compress(path.read_bytes()))
        yield f"{suffix}.gz", Seed(folder / f"a.{suffix}.gz", use_atoms)


def _models(folder) -> Iterator[tuple[str, Seed]]:
    lens = vx.Lens(defocus=1.2e4, beam_tilt=(0.3, -0.2))
    scope = vx.Microscope(vx.Grid(16, 1.5), 300.0, lens)
    io.write_model(folder / "scope.json", [scope, vx.WhiteNoise(variance=1.0)])
    yield "model", Seed(folder / "scope.json", io.read_model)
    blob = vx.Gaussians(np.ones((30, 3)), np.ones((30, 2)), np.ones((30, 2)))
    io.write_model(folder / "blob.json", blob)
    yield "model with arrays", Seed(folder / "blob.json", io.read_model)


def mutated(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Return content with bytes flipped, cut off, repeated, or of another file."""
    data = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        size = max(len(data), 1)
        place = int(rng.integers(size)) if rng.random() < 0.6 else _early(size, rng)
        kind = rng.choice(6, p=[0.25, 0.1, 0.15, 0.15, 0.15, 0.2])
        if kind == 0:
            for at in rng.integers(
                place, min(size, place + 64), int(rng.integers(1, 9))
            ):
                if at < len(data):
                    data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            count = int(rng.integers(1, 5))
            data[place : place + count] = rng.bytes(count)
        elif kind == 5:
            # Letters and digits for others, which leave a text a text.
            data[place : place + 1] = bytes([rng.choice(list(b"0123456789.-+eEa "))])
        elif kind == 3:
            other = others[int(rng.integers(len(others)))]
            start = int(rng.integers(max(len(other), 1)))
            data[place : place + 40] = other[start : start + int(rng.integers(1, 80))]
        else:
            length = int(rng.integers(1, 200))
            data[place:place] = data[place : place + length]
    return bytes(data)


def _early(size: int, rng: np.random.Generator) -> int:
    """Return a place near the beginning, where headers are."""
    return min(int(rng.exponential(150.0)), size - 1)


def outcome(seed: Seed, path: pathlib.Path) -> str:
    """Return what became of a damaged file: "valid", "refused", or an error's name."""

    def too_slow(*_):
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", io.InputWarning)
            with contextlib.suppress(io.InputError):
                io.file_kind(path)
            seed.use(path)
    except io.InputError:
        return "refused"
    except MemoryError:
        return "MemoryError"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    else:
        return "valid"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(count, folder, shared=None, start=0):
    """Yield (name of seed, outcome, seconds, damaged file) of some mutations."""
    sound = seeds(folder / "seeds", shared)
    names = list(sound)
    for name, seed in sound.items():
        assert outcome(seed, seed.path) == "valid", name
    contents = [sound[name].path.read_bytes() for name in names]
    work = folder / "work"
    work.mkdir(exist_ok=True)
    for name in ("a.mrcs", "relion.mrcs", "m.mrc", "a.hdf"):
        if (folder / "seeds" / name).exists():
            shutil.copy(folder / "seeds" / name, work / name)
    for number in range(start, start + count):
        rng = np.random.default_rng(number)
        name = names[number % len(names)]
        seed = sound[name]
        path = work / f"damaged{''.join(seed.path.suffixes)}"
        path.write_bytes(mutated(contents[number % len(names)], contents, rng))
        began = time.perf_counter()
        yield name, outcome(seed, path), time.perf_counter() - began, path


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    shared = pathlib.Path(__file__).parents[3] / "shared" / "data"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vitrax-mutations-"))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + 2 * MEMORY, used + 2 * MEMORY))
    table = collections.defaultdict(collections.Counter)
    slowest, kept = 0.0, 0
    known = shared if shared.is_dir() else None
    for name, what, seconds, path in run(count, folder, known, start):
        is_crash = what not in ("valid", "refused")
        table[name]["crash" if is_crash else what] += 1
        slowest = max(slowest, seconds)
        if is_crash:
            kept += 1
            shutil.copy(path, folder / f"crash{kept}-{path.name}")
            print(f"crash {kept} of {name}: {what}", flush=True)
    for name, counts in sorted(table.items()):
        print(f"{name:45} {dict(counts)}")
    total = sum(table.values(), collections.Counter())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{count} mutations of {len(table)} seeds: {dict(total)}; slowest {slowest:.2f}"
    )
    print(f"s; {peak:.2f} GiB at most; crashers in {folder}")


if __name__ == "__main__":
    main()
