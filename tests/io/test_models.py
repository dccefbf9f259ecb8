"""Nouns as JSON and arrays: every bit there and back, and every lie refused."""

import dataclasses
import enum
import json
import math
import os
import random
import struct
import subprocess
import sys
import typing
import warnings
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from jaxtyping import Array, Float, Int, PyTree

import vitrax as vx
from test_architecture import is_abstract, module_classes
from vitrax import detector, optics, potential, structure, wave
from vitrax.io import (
    InputError,
    InputWarning,
    read_model,
    register_model,
    write_model,
)
from vitrax.io._model_registry import VERSIONS


pytestmark = pytest.mark.float32

DOUBLE = jax.config.read("jax_enable_x64")
DTYPES = [jnp.float32, jnp.float64] if DOUBLE else [jnp.float32]


def numbers(*shape, seed=0):
    """Return numbers that no rounding leaves alone."""
    values = np.random.default_rng(seed).normal(size=shape)
    return jnp.asarray(np.abs(values) + 0.1, jnp.float64 if DOUBLE else jnp.float32)


def spectrum(*shape):
    return jax.lax.complex(numbers(*shape), numbers(*shape, seed=1))


def gaussians(seed=0):
    return vx.Gaussians(*(numbers(9, n, seed=seed + n) for n in (3, 2, 2)))


def atoms():
    return vx.Atoms(numbers(7, 3), [6, 7, 8, 1, 16, 15, 79], numbers(7), numbers(7))


def voxels():
    return vx.VoxelMap(numbers(4, 4, 4), 1.1, "V")


def grid():
    return vx.Grid((4, 6), 1.1)


def full_lens():
    return vx.Lens(
        12_345.6,
        100.1,
        30.3,
        2.7,
        0.07,
        10.1,
        20.2,
        beam_tilt=(0.3, -0.2),
        odd_zernike=(0.0, 0.1),
        even_zernike=(0.2,),
        magnification=((1.01, 0.0), (-0.0, 0.99)),
        chromatic_aberration=2.0,
        energy_spread=0.9,
        convergence=0.1,
        aperture=4.0,
        damping=optics.Drift((1.1, 2.2)),
    )


def factor():
    return structure.StructureFactor(0.05, 0.4, [1.2, 0.8], [0.27, 0.45], [0.03, 0.05])


def ice_field():
    return structure.IceField(numbers(4, 6), grid())


def few_rows(table):
    return dataclasses.replace(table, rows=table.rows[:4])


CASES = {
    "vitrax.detector.Camera": lambda: vx.Camera(
        detector.GaussianTransfer(0.8), detector.PixelTransfer(), 2.2, 1.1
    ),
    "vitrax.detector.ColouredNoise": lambda: vx.ColouredNoise(numbers(4, 3)),
    "vitrax.detector.CountingNoise": detector.CountingNoise,
    "vitrax.detector.GaussianTransfer": lambda: detector.GaussianTransfer(0.8),
    "vitrax.detector.IdealTransfer": detector.IdealTransfer,
    "vitrax.detector.LorentzianTransfer": lambda: detector.LorentzianTransfer(
        [0.6, 0.3], [10.1, 4.4], 0.1
    ),
    "vitrax.detector.MeasuredTransfer": lambda: detector.MeasuredTransfer(
        np.linspace(0, 0.5, 20), numbers(20)
    ),
    "vitrax.detector.PixelTransfer": detector.PixelTransfer,
    "vitrax.detector.PoissonNoise": vx.PoissonNoise,
    "vitrax.detector.ProductTransfer": lambda: detector.ProductTransfer(
        detector.PixelTransfer(), detector.GaussianTransfer(0.8)
    ),
    "vitrax.detector.WhiteNoise": lambda: vx.WhiteNoise(1.1),
    "vitrax.grid.Grid": lambda: vx.Grid((4, 5, 6), 1.1),
    "vitrax.grid.RadialProfile": lambda: vx.grid.RadialProfile(numbers(5), numbers(5)),
    "vitrax.image.Microscope": lambda: vx.Microscope(
        grid(), 300.0, full_lens(), 2, wave.StrongPhase(), vx.physics.RELION
    ),
    "vitrax.image.OpticsGroup": lambda: vx.image.OpticsGroup(
        1.06, 300.0, box=64, beam_tilt=(0.1, 0.2), magnification=(1.0, 0.0, -0.0, 1.1)
    ),
    "vitrax.optics.Drift": lambda: optics.Drift((1.1, 2.2)),
    "vitrax.optics.Lens": full_lens,
    "vitrax.optics.ThickSpecimen": lambda: optics.ThickSpecimen(300.3),
    "vitrax.physics.Constants": lambda: vx.physics.CISTEM,
    "vitrax.physics.ScatteringFactors": lambda: few_rows(vx.physics.PENG_1996),
    "vitrax.physics.ScatteringFormula": lambda: few_rows(
        vx.physics.KIRKLAND_2020_FORMULA
    ),
    "vitrax.pose.Pose": lambda: vx.Pose(
        vx.Rotation(numbers(4)), numbers(2), 10.1, numbers(2, 2)
    ),
    "vitrax.pose.Rotation": lambda: vx.Rotation(numbers(4)),
    "vitrax.potential.CopySum": lambda: potential.CopySum(potential.DirectSum(), 3),
    "vitrax.potential.DirectSum": potential.DirectSum,
    "vitrax.potential.FourierSlice": potential.FourierSlice,
    "vitrax.potential.GaussianSlabs": potential.GaussianSlabs,
    "vitrax.potential.IceAdded": lambda: potential.IceAdded(potential.RaySum()),
    "vitrax.potential.NonUniformFFT": lambda: potential.NonUniformFFT(9),
    "vitrax.potential.RaySum": potential.RaySum,
    "vitrax.potential.SeparableGaussians": potential.SeparableGaussians,
    "vitrax.potential.VoxelSlabs": potential.VoxelSlabs,
    "vitrax.potential.WindowedSlabs": lambda: potential.WindowedSlabs(10, 6),
    "vitrax.structure.Assembly": lambda: structure.Assembly(
        gaussians(), *structure.helical_operators(1.5, 50.0, 5)
    ),
    "vitrax.structure.Atoms": atoms,
    "vitrax.structure.DisplacedVolumes": lambda: structure.FRASER_1978,
    "vitrax.structure.Ensemble": lambda: vx.Ensemble.from_structures(
        [gaussians(0), gaussians(9)], [0.3, 0.7]
    ),
    "vitrax.structure.FourierMap": lambda: vx.FourierMap.from_map(voxels()),
    "vitrax.structure.Gaussians": gaussians,
    "vitrax.structure.Ice": lambda: structure.Ice(300.0, 0.03, 1.1, factor()),
    "vitrax.structure.IceField": ice_field,
    "vitrax.structure.InIce": lambda: structure.InIce(atoms(), ice_field()),
    "vitrax.structure.Path": lambda: structure.Path(atoms(), numbers(2, 7, 3)),
    "vitrax.structure.SliceKernel": lambda: structure.SliceKernel(4, 1.5),
    "vitrax.structure.StructureFactor": factor,
    "vitrax.structure.Trilinear": lambda: structure.Trilinear(4),
    "vitrax.structure.VoxelMap": voxels,
    "vitrax.wave.AngularSpectrum": wave.AngularSpectrum,
    "vitrax.wave.Beam": lambda: wave.Beam(300.0, 0.07),
    "vitrax.wave.EwaldSphere": wave.EwaldSphere,
    "vitrax.wave.Fresnel": wave.Fresnel,
    "vitrax.wave.LinearContrast": lambda: wave.LinearContrast(
        spectrum(4, 4), grid(), jnp.asarray(1.5)
    ),
    "vitrax.wave.Multislice": lambda: wave.Multislice(
        10.1, 3, potential.WindowedSlabs(), wave.AngularSpectrum(), 0.6
    ),
    "vitrax.wave.StrongPhase": lambda: wave.StrongPhase(potential.RaySum()),
    "vitrax.wave.Wave": lambda: wave.Wave(spectrum(4, 6), grid()),
    "vitrax.wave.WeakPhase": lambda: wave.WeakPhase(potential.FourierSlice()),
}


def bits(x):
    return struct.pack(">d", x)


def assert_same(one, other, where="model"):
    """Raise if two things differ in a bit, in a type, or in an order."""
    assert type(one) is type(other), where
    if isinstance(one, jax.Array | np.ndarray | np.generic):
        assert (one.dtype, one.shape) == (other.dtype, other.shape), where
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes(), where
    elif isinstance(one, tuple | list):
        assert len(one) == len(other), where
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{where}[{i}]")
    elif isinstance(one, dict):
        assert_same(list(one.items()), list(other.items()), where)
    elif isinstance(one, float):
        assert bits(one) == bits(other), where
    elif isinstance(one, complex):
        assert_same((one.real, one.imag), (other.real, other.imag), where)
    elif dataclasses.is_dataclass(one):
        assert vars(one).keys() == vars(other).keys(), where
        for field in dataclasses.fields(one):
            pair = getattr(one, field.name), getattr(other, field.name)
            assert_same(*pair, f"{where}.{field.name}")
    else:
        assert one == other, where


def there_and_back(folder, noun):
    """Return what is read of a noun from one file, after a comparison with a folder."""
    write_model(folder / "one.json", noun)
    write_model(folder / "two", noun)
    one, two = read_model(folder / "one.json"), read_model(folder / "two")
    assert_same(one, two)
    return one


def test_every_noun_has_a_case():
    from vitrax.io._model_registry import _VALUES

    classes = [cls for cls in module_classes() if not is_abstract(cls)]
    public = {f"{cls.__module__.rsplit('.', 1)[0]}.{cls.__name__}" for cls in classes}
    assert public | set(_VALUES) == set(CASES)
    for name, case in CASES.items():
        assert type(case()).__name__ == name.rpartition(".")[2]


@pytest.mark.parametrize("name", CASES)
def test_every_noun_comes_back_bit_by_bit(tmp_path, name):
    noun = CASES[name]()
    for dtype in DTYPES:
        given = vx._batching.cast_floats(noun, dtype)
        assert_same(there_and_back(tmp_path, given), given)


def test_what_is_read_is_what_was_written_to_jax_too(tmp_path):
    scope = CASES["vitrax.image.Microscope"]()
    back = there_and_back(tmp_path, scope)
    assert jax.tree.structure(back) == jax.tree.structure(scope)
    assert hash(jax.tree.structure(back)) == hash(jax.tree.structure(scope))
    traces = []
    ctf = jax.jit(lambda scope: traces.append(1) or scope.ctf())
    np.testing.assert_array_equal(ctf(scope), ctf(back))
    assert len(traces) == 1


def test_the_same_noun_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_model(tmp_path / name, CASES["vitrax.structure.FourierMap"]())
        write_model(tmp_path / f"{name}.json", full_lens())
    for file in ("model.json", "arrays.safetensors"):
        one, two = ((tmp_path / name / file).read_bytes() for name in ("one", "two"))
        assert one == two
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_short_arrays_are_numbers_to_read(tmp_path):
    path = tmp_path / "lens.json"
    write_model(path, vx._batching.cast_floats(full_lens(), jnp.float32))
    text = path.read_text()
    assert '"spherical_aberration": {"array": 2.7, "dtype": "float32"}' in text
    assert max(map(len, text.splitlines())) <= 88
    path.write_text(text.replace("12345.6", "13000"))
    assert float(read_model(path).defocus) == 13_000.0


def test_other_programs_read_the_arrays(tmp_path):
    ready = CASES["vitrax.structure.FourierMap"]()
    write_model(tmp_path / "map", ready)
    tensors = safetensors.numpy.load_file(tmp_path / "map" / "arrays.safetensors")
    pairs = tensors["coefficients"]
    np.testing.assert_array_equal(
        pairs[..., 0] + 1j * pairs[..., 1], ready.coefficients
    )


ODD = [math.nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1, 1.0, 1e300]
PAYLOAD = struct.unpack(">d", bytes.fromhex("7ff8dead0000beef"))[0]


def test_numbers_keep_their_bits(tmp_path):
    values = [*ODD, PAYLOAD]
    given = {
        "static": tuple(values),
        "complex": [complex(PAYLOAD, -0.0), complex(-0.0, 1.5)],
        "double": np.array(values),
        "pairs": np.array([complex(x, -x) for x in values]),
        "single": jnp.asarray(np.array([0x7FC0BEEF, 0xFFC00001], "u4").view("f4")),
        "half": jnp.asarray(values[:-2], jnp.float16),
        "brain": jnp.asarray(values, jnp.bfloat16),
        "zero": jnp.asarray(-0.0, jnp.float32),
        "whole": [np.array([2**64 - 1], np.uint64), np.int8(-3), 10**40, -7],
        "empty": [jnp.zeros((0, 3), jnp.float32), np.zeros((2, 0), np.int16)],
        "truth": [True, np.bool_(False), jnp.asarray([[True], [False]])],
    }
    assert_same(there_and_back(tmp_path, given), given)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(typing.NamedTuple):
    y: int
    x: int


@dataclasses.dataclass(frozen=True)
class Label:
    text: str
    sizes: tuple[Size, ...] = ()


class Kernel:
    def __init__(self, order=1):
        self.order = int(order)

    def __eq__(self, other):
        return type(other) is Kernel and other.order == self.order

    def __hash__(self):
        return hash(self.order)


def squared(x):
    return x * x


class Ball(eqx.Module):
    radius: Float[Array, ""]
    shells: list[Float[Array, " _"]]
    inside: dict[str, PyTree] | None
    colour: Colour = eqx.field(static=True)
    label: Label = eqx.field(static=True)
    table: np.ndarray
    dtype: np.dtype = eqx.field(static=True)
    kernel: Kernel = eqx.field(static=True)
    growth: Callable[[Array], Array] = eqx.field(static=True)
    orders: Int[Array, " n"] | None = None
    anything: typing.Any = eqx.field(static=True, default=None)


for thing in (Colour, Size, Label, Ball, squared):
    register_model(thing)
register_model(Kernel, fields=["order"])


def ball(**changes):
    fields = {
        "radius": jnp.asarray(1.5, jnp.float32),
        "shells": [numbers(3), numbers(20)],
        "inside": {"a": vx.Grid(4, 1.0), "b": (None, [1, 2.0])},
        "colour": Colour.BLUE,
        "label": Label("ü\ud800", (Size(1, 2),)),
        "table": np.arange(30, dtype=np.int16).reshape(5, 6),
        "dtype": np.dtype("float32"),
        "kernel": Kernel(3),
        "growth": squared,
        "anything": {(1, "a"): b"\x00\xff", (-0.0, "b"): 1 + 2j},
    }
    return Ball(**{**fields, **changes})


def test_classes_of_users_come_back(tmp_path):
    noun = ball(orders=jnp.asarray([1, 2], jnp.int32))
    back = there_and_back(tmp_path, noun)
    assert_same(back, noun)
    assert back.growth is squared
    assert back.colour is Colour.BLUE


def test_a_decorated_class_has_the_name_it_asks_for(tmp_path):
    @register_model(name="mylab.Gap")
    class Gap(eqx.Module):
        width: float = eqx.field(static=True)

    write_model(tmp_path / "slit.json", Gap(0.1))
    assert '"mylab.Gap"' in (tmp_path / "slit.json").read_text()
    assert read_model(tmp_path / "slit.json").width == 0.1
    with pytest.raises(ValueError, match=r"name mylab\.Gap is that of"):
        register_model(Ball, name="mylab.Gap")
    with pytest.raises(ValueError, match="is a name of vitrax"):
        register_model(Ball, name="vitrax.optics.Ball")
    with pytest.raises(ValueError, match="no name at the top of a module"):
        register_model(lambda x: x)
    with pytest.raises(ValueError, match=r"which arguments make it: fields="):
        register_model(type("Plain", (), {}))


def test_a_class_that_is_defined_once_more_takes_the_place_of_the_first(tmp_path):
    def define():
        @register_model
        class Notebook(eqx.Module):
            x: float = eqx.field(static=True)

        return Notebook

    first, second = define(), define()
    write_model(tmp_path / "n.json", second(1.0))
    assert type(read_model(tmp_path / "n.json")) is second
    with pytest.raises(ValueError, match="isn't registered"):
        write_model(tmp_path / "n.json", first(1.0))


def test_neither_converters_nor_init_run(tmp_path):
    calls = []

    def converter(x):
        calls.append(x)
        return x * 2

    @register_model(name="mylab.Doubled")
    class Doubled(eqx.Module):
        x: float = eqx.field(static=True, converter=converter)

        def __init__(self, x):
            calls.append("init")
            self.x = x

    noun = Doubled(1.5)
    calls.clear()
    assert there_and_back(tmp_path, noun).x == 3.0
    assert not calls


def test_batches_come_back_as_they_are(tmp_path):
    key = jax.random.key(0)
    poses = vx.Pose.uniform(key, 30)
    nested = jax.tree.map(lambda x: x[None], poses)
    many = jax.tree.map(lambda x: jnp.stack([x] * 20), atoms())
    several = jax.tree.map(
        lambda x: jnp.stack([x] * 2), CASES["vitrax.structure.Ensemble"]()
    )
    none = vx.Pose.uniform(key, 0)
    lenses = jax.vmap(vx.Lens)(jnp.arange(1.0, 20.0))
    scope = eqx.tree_at(lambda s: s.lens, CASES["vitrax.image.Microscope"](), lenses)
    given = [poses, nested, many, several, none, scope]
    assert_same(there_and_back(tmp_path, given), given)


def test_an_array_in_two_places_is_written_once(tmp_path):
    shared = numbers(1000)
    write_model(tmp_path / "m", [shared, (shared,)])
    tensors = safetensors.numpy.load_file(tmp_path / "m" / "arrays.safetensors")
    assert set(tensors) == {"[0]"}
    one, (two,) = read_model(tmp_path / "m")
    assert one is two


def test_neither_writing_nor_reading_compiles(tmp_path, caplog):
    many = jax.tree.map(lambda x: jnp.stack([x] * 21), gaussians())
    with jax.log_compiles():
        write_model(tmp_path / "many", many)
        back = read_model(tmp_path / "many")
        assert "Compiling" not in caplog.text
        jax.jit(lambda x: x + 1)(back.positions)
        assert "Compiling" in caplog.text


# Of the first version of the format, when the lens had no aperture or convergence.
OLD = """{
 "format": "vitrax model",
 "version": 1,
 "vitrax": "0.1.0",
 "model": {
  "class": "vitrax.image.Microscope",
  "fields": {
   "grid": {
    "class": "vitrax.grid.Grid",
    "fields": {
     "shape": {"tuple": [8, 6]},
     "pixel_size": {"array": 1.06, "dtype": "float32"}
    }
   },
   "voltage": {"array": 300.0, "dtype": "float32"},
   "lens": {
    "class": "vitrax.optics.Lens",
    "fields": {
     "defocus": {
      "array": "lens.defocus",
      "dtype": "float32",
      "shape": [17],
      "crc32": "dfc9c3dc",
      "batch": 1
     },
     "astigmatism": {"array": 100.0, "dtype": "float32"},
     "astigmatism_angle": {"array": -0.0, "dtype": "float32"},
     "spherical_aberration": {"array": 2.7, "dtype": "float32"},
     "amplitude_contrast": {"array": 0.07, "dtype": "float32"},
     "phase_shift": {"array": 0.0, "dtype": "float32"},
     "b_factor": {"array": 20.0, "dtype": "float32"},
     "beam_tilt": {"array": [0.3, -0.2], "dtype": "float32"},
     "odd_zernike": null,
     "even_zernike": null,
     "magnification": null,
     "chromatic_aberration": null,
     "energy_spread": null,
     "damping": {
      "class": "vitrax.optics.ThickSpecimen",
      "fields": {"thickness": {"array": 300.0, "dtype": "float32"}}
     }
    }
   },
   "padding": 2,
   "scattering": {"class": "vitrax.wave.WeakPhase", "fields": {"projector": null}},
   "constants": {
    "class": "vitrax.physics.Constants",
    "fields": {
     "name": "CODATA 2018",
     "wavelength_scale": 12.264259661581491,
     "relativistic_correction": 9.784755917869367e-07
    }
   }
  }
 },
 "arrays": {
  "lens.defocus": "DEFOCUS"
 }
}
"""


# 1000, 2000, ... 17 000 in float32.
OLD = OLD.replace(
    "DEFOCUS",
    "AAB6RAAA+kQAgDtFAAB6RQBAnEUAgLtFAMDaRQAA+kUAoA"
    "xGAEAcRgDgK0YAgDtGACBLRgDAWkYAYGpGAAB6RgDQhEY=",
)


LATER_IN_LENSES = {"convergence": 2, "aperture": 3}


def test_a_file_of_an_older_library_is_read(tmp_path, monkeypatch):
    monkeypatch.setitem(VERSIONS, "vitrax.optics.Lens", (3, LATER_IN_LENSES))
    path = tmp_path / "old.json"
    path.write_text(OLD)
    with pytest.warns(InputWarning, match=r"Lens\.convergence = None.*aperture = None"):
        scope = read_model(path)
    assert scope.lens.defocus.tolist() == [1000.0 * n for n in range(1, 18)]
    assert math.copysign(1.0, scope.lens.astigmatism_angle) == -1.0
    assert (scope.grid.shape, scope.padding) == ((8, 6), 2)
    assert scope.constants == vx.physics.CODATA
    assert scope.lens.aperture is None
    assert isinstance(scope.lens.damping, optics.ThickSpecimen)


def written(folder, change, noun):
    """Return a file of a noun whose JSON was changed."""
    path = folder / "changed.json"
    write_model(path, noun, overwrite=True)
    document = json.loads(path.read_text())
    replaced = change(document)
    path.write_text(replaced if isinstance(replaced, str) else json.dumps(document))
    return path


def setting(*keys):
    """Return a change of the place that keys but the last lead to."""
    *way, last, value = keys

    def change(document):
        for key in way:
            document = document[key]
        document[last] = value

    return change


def without(*keys):
    """Return a change that takes away the place that keys lead to."""
    *way, last = keys

    def change(document):
        for key in way:
            document = document[key]
        del document[last]

    return change


def of_model(*keys):
    return setting("model", "fields", *keys)


def poses():
    return vx.Pose.uniform(jax.random.key(0), 30)


def doubled(key):
    """Return a change that puts a key of the file twice."""

    def change(document):
        text = json.dumps(document)
        return text.replace(f'"{key}": ', f'"{key}": 1, "{key}": ', 1)

    return change


def replaced(old, new):
    def change(document):
        text = json.dumps(document)
        assert old in text
        return text.replace(old, new, 1)

    return change


def array(content, dtype="float32", **more):
    return {"array": content, "dtype": dtype, **more}


QUATERNION = ("rotation", "fields", "quaternion")

REFUSED = {
    "another format": (setting("format", "other"), full_lens, "it isn't a model"),
    "newer": (
        lambda d: d.update(version=3, vitrax="3.1"),
        full_lens,
        r"vitrax '3\.1' wrote it in version 3 .* upgrade vitrax",
    ),
    "version": (setting("version", "1"), full_lens, "its version is '1'"),
    "truth as version": (setting("version", True), full_lens, "its version is True"),
    "no arrays": (without("arrays"), full_lens, "'arrays' is missing"),
    "more": (setting("more", 1), full_lens, "'more' is missing in it, unknown"),
    "path of arrays": (
        setting("arrays", "../../etc/passwd"),
        full_lens,
        r"neither in it nor in arrays\.safetensors",
    ),
    "unknown class": (
        setting("model", "class", "os.system"),
        full_lens,
        r"model is of the class 'os\.system', which isn't registered; do import",
    ),
    "class of a file": (
        setting("model", "class", "vitrax.optics._lens.Lens"),
        full_lens,
        "isn't registered",
    ),
    "function as class": (
        setting("model", "class", "vitrax.optics.transfer"),
        full_lens,
        "isn't registered",
    ),
    "abstract class": (
        setting("model", "class", "vitrax.optics.AbstractEnvelope"),
        full_lens,
        "isn't registered",
    ),
    "class that isn't text": (
        setting("model", "class", [1]),
        full_lens,
        "of the class",
    ),
    "object that isn't one": (
        of_model("growth", {"object": "os.system"}),
        ball,
        r"Ball\.growth \(model\.growth\) is of the object 'os\.system'",
    ),
    "class as object": (
        of_model("growth", {"object": "vitrax.optics.Lens"}),
        ball,
        "isn't registered",
    ),
    "missing field": (
        without("model", "fields", "defocus"),
        full_lens,
        r"vitrax\.optics\.Lens\.defocus \(model\.defocus\) is missing; do",
    ),
    "missing argument": (
        without("model", "fields", "name"),
        lambda: vx.physics.CODATA,
        r"Constants\.name \(model\.name\) is missing",
    ),
    "unknown field": (
        of_model("spin", 1),
        full_lens,
        r"model has the unknown field 'spin', which vitrax\.optics\.Lens hasn't",
    ),
    "field by place": (
        setting("model", "fields", []),
        full_lens,
        r"no fields of vitrax\.optics\.Lens by name",
    ),
    "field twice": (
        doubled("astigmatism"),
        full_lens,
        r"vitrax\.optics\.Lens\.astigmatism \(model\.astigmatism\) stands twice",
    ),
    "class twice": (doubled("class"), full_lens, "model has 'class' twice"),
    "arrays twice": (doubled("arrays"), full_lens, "there twice"),
    "key twice": (
        of_model("anything", "dict", [[1, 1], [1, 2]]),
        ball,
        "is the key of two values",
    ),
    "list as key": (
        of_model("anything", "dict", [[[1], 1]]),
        ball,
        "is no key: unhashable",
    ),
    "rank": (
        of_model("defocus", array([1.0])),
        full_lens,
        r"Lens\.defocus \(model\.defocus\) has shape \(1,\) where Float\[Array, ''\]",
    ),
    "rank of a batch": (
        of_model("shift", "batch", 2),
        poses,
        r"Pose\.shift \(model\.shift\) has shape \(\) where .*, after 2 axes",
    ),
    "batch that isn't told": (
        without("model", "fields", "shift", "batch"),
        poses,
        r"Pose\.shift .* has shape \(30, 2\) where Float\[Array, '2'\] belongs",
    ),
    "batch of nothing": (of_model("shift", "batch", 0), poses, "0 axes of a batch"),
    "batch of anything": (
        of_model("inside", "dict", 0, 1, array([1.0], batch=1)),
        ball,
        "without the axes of a batch that it claims",
    ),
    "fixed size": (
        of_model("shift", array([1.0, 2.0, 3.0])),
        lambda: vx.Pose.identity(),
        r"has shape \(3,\) where Float\[Array, '2'\]",
    ),
    "dtype": (
        of_model("defocus", array(1, "int32")),
        full_lens,
        r"has dtype int32 where Float\[Array, ''\] belongs",
    ),
    "unknown dtype": (
        of_model("defocus", array(1.0, "float128")),
        full_lens,
        "numbers of dtype 'float128'",
    ),
    "unknown dtype of an array": (
        of_model("positions", "dtype", "object"),
        gaussians,
        "has dtype 'object', which models don't",
    ),
    "array of numpy": (
        of_model("defocus", {"numpy": 1.0, "dtype": "float32"}),
        full_lens,
        "is an array of numpy where one of jax belongs",
    ),
    "number for an array": (
        of_model("defocus", 1.0),
        full_lens,
        r"Lens\.defocus \(model\.defocus\) is 1\.0 where Float\[Array, ''\] belongs",
    ),
    "text for an array": (of_model("defocus", "1.0"), full_lens, "is '1.0' where"),
    "None for an array": (of_model("defocus", None), full_lens, "is None where"),
    "array for a number": (
        of_model("padding", array(1, "int32")),
        CASES["vitrax.image.Microscope"],
        r"Microscope\.padding \(model\.padding\) is an array where int belongs",
    ),
    "another noun": (
        lambda d: d["model"]["fields"].update(lens=d["model"]["fields"]["grid"]),
        CASES["vitrax.image.Microscope"],
        r"Microscope\.lens \(model\.lens\) is a vitrax\.grid\.Grid where Lens belongs",
    ),
    "list for a tuple": (
        of_model("shape", [8, 8]),
        grid,
        r"Grid\.shape \(model\.shape\) is \[8, 8\] where tuple\[int, \.\.\.\] belongs",
    ),
    "text in a tuple": (
        of_model("shape", {"tuple": [8, "8"]}),
        grid,
        r"Grid\.shape \(model\.shape\[1\]\) is '8' where int belongs",
    ),
    "a shape that is none": (
        of_model("shape", {"tuple": [8, -8]}),
        grid,
        r"model isn't a vitrax\.grid\.Grid \(cannot make a grid of shape",
    ),
    "a padding that is none": (
        of_model("padding", 0),
        CASES["vitrax.image.Microscope"],
        "cannot pad the box 0 times",
    ),
    "truth for a padding": (
        of_model("padding", True),
        CASES["vitrax.image.Microscope"],
        "padding.* is True where int belongs",
    ),
    "a number against the rules": (
        of_model("voltage", array(-300.0)),
        CASES["vitrax.image.Microscope"],
        r"isn't a vitrax\.image\.Microscope \(cannot make Microscope because voltage",
    ),
    "a kernel that is none": (
        of_model("kernel", "fields", "padding", 1e300),
        CASES["vitrax.structure.FourierMap"],
        r"model\.kernel\) isn't a vitrax\.structure\.SliceKernel \(cannot pad 1e\+300",
    ),
    "a kernel of another kind": (
        of_model("order", 1.5),
        lambda: Kernel(3),
        r"Kernel\.order \(model\.order\) is 1\.5, of which the class makes 1",
    ),
    "lengths that differ": (
        of_model("b_factors", array([1.0])),
        atoms,
        r"isn't a vitrax\.structure\.Atoms \(cannot make Atoms because b_factors has",
    ),
    "lengths of a batch that differ": (
        of_model("weights", array([1.0, 1.0, 1.0])),
        CASES["vitrax.structure.Ensemble"],
        r"isn't a vitrax\.structure\.Ensemble \(cannot make Ensemble because weights",
    ),
    "a shape of a Fourier map": (
        of_model("shape", {"tuple": [40, 40, 40]}),
        CASES["vitrax.structure.FourierMap"],
        "cannot make FourierMap because",
    ),
    "array that isn't there": (
        of_model("positions", "array", "elsewhere"),
        gaussians,
        r"Gaussians\.positions .* is the array 'elsewhere', which isn't there",
    ),
    "array too many": (
        setting("arrays", "spare", "AAAA"),
        gaussians,
        "model doesn't name the array 'spare'",
    ),
    "shape": (
        of_model("positions", "shape", [27, 3]),
        gaussians,
        r"has dtype float\d\d and shape \(27, 3\), but arrays\['positions'\] isn't \d+",
    ),
    "huge shape": (
        of_model("positions", "shape", [2**40, 3]),
        gaussians,
        r"isn't \d+ bytes in base64",
    ),
    "impossible shape": (
        of_model("positions", "shape", [2**60, 3]),
        gaussians,
        "which no array has",
    ),
    "negative shape": (
        of_model("positions", "shape", [-9, 3]),
        gaussians,
        r"has shape \[-9, 3\], which no array has",
    ),
    "no base64": (
        replaced('"positions": "', '"positions": "!'),
        gaussians,
        "isn't 216 bytes|isn't 108 bytes",
    ),
    "damaged": (
        lambda d: d["arrays"].update(positions="AAAA" + d["arrays"]["positions"][4:]),
        gaussians,
        r"Gaussians\.positions .* doesn't have the checksum",
    ),
    "one array for two": (
        of_model("amplitudes", "array", "variances"),
        gaussians,
        "checksum|doesn't name",
    ),
    "ragged": (
        of_model("path", array([[1.0], 2.0])),
        CASES["vitrax.optics.Drift"],
        r"has \[\[1\.0\], 2\.0\], which isn't an array of float32",
    ),
    "truth for a float": (
        of_model("path", array([True, 1.0])),
        CASES["vitrax.optics.Drift"],
        "isn't an array of float32",
    ),
    "beyond float32": (
        of_model("defocus", array(1e39)),
        full_lens,
        "has a number beyond float32",
    ),
    "beyond a whole number": (
        of_model("orders", array([2**31], "int32")),
        ball,
        "has a number beyond int32",
    ),
    "NaN": (replaced("12345.6", "NaN"), full_lens, "isn't JSON: NaN is no number"),
    "infinite": (replaced("12345.6", "1e999"), full_lens, "1e999 is too large"),
    "many digits": (
        replaced("12345.6", "1" * 5000),
        full_lens,
        "isn't JSON: Exceeds the limit",
    ),
    "finite bits": (
        of_model("anything", {"float": "3ff0000000000000"}),
        ball,
        "a finite number in bits",
    ),
    "bits": (of_model("anything", {"float": "xyz"}), ball, "for a number"),
    "bytes": (of_model("elements", "bytes", "%"), atoms, r"elements\) isn't base64"),
    "dtype that isn't one": (
        of_model("dtype", {"numpy_dtype": "O"}),
        ball,
        "is no dtype: 'O'",
    ),
    "member": (of_model("colour", "member", "GREEN"), ball, "'GREEN', which .*Colour"),
    "complex": (of_model("anything", {"complex": [1.0]}), ball, "imaginary part"),
    "two kinds": (
        of_model("colour", {"tuple": [], "dict": []}),
        ball,
        r"has the keys \['dict', 'tuple'\]",
    ),
    "no kind": (of_model("colour", {}), ball, r"has the keys \[\]"),
    "too deep": (
        of_model("anything", json.loads("[" * 100 + "]" * 100)),
        ball,
        "is nested more than 64 deep",
    ),
    "much too deep": (
        lambda d: "[" * 100_000 + "]" * 100_000,
        full_lens,
        "is nested too deep",
    ),
    "too many": (lambda d: "[" + "0," * 5_000_000, full_lens, "more than 4000000"),
    "cut": (lambda d: json.dumps(d)[:-5], full_lens, "isn't JSON: .* line 1 column"),
    "empty": (lambda d: " ", full_lens, "isn't JSON"),
    "no object": (lambda d: "[]", full_lens, "isn't a model"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_by_name(tmp_path, name):
    change, noun, message = REFUSED[name]
    path = written(tmp_path, change, noun())
    with pytest.raises(InputError, match=message) as caught:
        read_model(path)
    assert "changed.json" in str(caught.value)
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 600


HEADERS = {
    "out of bounds": (
        lambda h: h["positions"].update(data_offsets=[0, 10**15]),
        r"array 'positions' has offsets \[0, 1000000000000000\], but the file has",
    ),
    "lying size": (
        lambda h: h["positions"].update(shape=[10**9, 3]),
        r"array 'positions' of shape \[1000000000, 3\] and dtype \w+ hasn't",
    ),
    "overlapping": (
        lambda h: h["variances"].update(data_offsets=h["amplitudes"]["data_offsets"]),
        r"array 'variances' overlaps",
    ),
    "gap": (lambda h: h.pop("positions"), "follows a gap|belong to no array"),
    "backwards": (
        lambda h: h["positions"].update(data_offsets=[8, 0]),
        r"has offsets \[8, 0\]",
    ),
    "fraction": (
        lambda h: h["positions"].update(data_offsets=[0, 8.0]),
        "aren't two whole numbers",
    ),
    "negative shape": (
        lambda h: h["positions"].update(shape=[-1, -3]),
        r"has shape \[-1, -3\], which no array has",
    ),
    "unknown dtype": (lambda h: h["positions"].update(dtype="F4"), "has dtype 'F4'"),
    "other dtype": (
        lambda h: h["positions"].update(dtype="I64" if DOUBLE else "I32"),
        r"Gaussians\.positions \(model\.positions\) has dtype and shape F\d\d \[9, 3\]"
        r", but 'positions' in arrays\.safetensors has I\d\d \[9, 3\]",
    ),
    "other shape": (
        lambda h: h["positions"].update(shape=[3, 9]),
        r"but 'positions' in arrays\.safetensors has F\d\d \[3, 9\]",
    ),
    "missing": (
        lambda h: h.update(place=h.pop("positions")),
        r"Gaussians\.positions .* is the array 'positions', which isn't there",
    ),
    "more in an entry": (
        lambda h: h["positions"].update(more=1),
        "hasn't just dtype, shape and data_offsets",
    ),
    "no object": (lambda h: [], "isn't a JSON object"),
}


def with_header(folder, change):
    """Return a folder of a noun whose header of arrays was changed."""
    write_model(folder / "m", gaussians())
    path = folder / "m" / "arrays.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    changed = change(header)
    text = json.dumps(header if not isinstance(changed, list) else changed).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return folder / "m"


@pytest.mark.parametrize("name", HEADERS)
def test_lying_headers_are_refused(tmp_path, name):
    change, message = HEADERS[name]
    with pytest.raises(InputError, match=message) as caught:
        read_model(with_header(tmp_path, change))
    assert str(tmp_path / "m") in str(caught.value)


def test_headers_that_are_none_are_refused(tmp_path):
    folder = with_header(tmp_path, lambda h: None)
    path = folder / "arrays.safetensors"
    content = path.read_bytes()
    for length in (2**63, len(content) - 7, 100_000_001):
        path.write_bytes(length.to_bytes(8, "little") + content[8:])
        with pytest.raises(InputError, match=f"its header has {length} bytes"):
            read_model(folder)
    path.write_bytes(b"abc")
    with pytest.raises(InputError, match="and the file 3"):
        read_model(folder)
    path.write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"has offsets .* but the file has"):
        read_model(folder)
    path.write_bytes(content + b"\0")
    with pytest.raises(InputError, match="1 of its bytes belong to no array"):
        read_model(folder)
    twice = b'{"a": 1, "a": 2}'
    path.write_bytes(len(twice).to_bytes(8, "little") + twice)
    with pytest.raises(InputError, match="the array 'a' stands twice"):
        read_model(folder)
    path.unlink()
    with pytest.raises(InputError, match=r"arrays\.safetensors because there is no"):
        read_model(folder)


def test_json_and_arrays_of_two_models_are_told_apart(tmp_path):
    write_model(tmp_path / "one", gaussians(0))
    write_model(tmp_path / "two", gaussians(5))
    os.replace(
        tmp_path / "one" / "arrays.safetensors", tmp_path / "two" / "arrays.safetensors"
    )
    with pytest.raises(InputError, match="damaged or of another model"):
        read_model(tmp_path / "two")


def test_the_json_of_a_folder_may_be_named(tmp_path):
    write_model(tmp_path / "m", gaussians())
    assert_same(read_model(tmp_path / "m" / "model.json"), gaussians())
    (tmp_path / "m" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="isn't JSON"):
        read_model(tmp_path / "m" / "notes.txt")
    with pytest.raises(InputError, match=r"nowhere because there is no such file"):
        read_model(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"model\.json because there is no such file"):
        read_model(tmp_path)
    with pytest.raises(InputError, match="it is a device, not a file"):
        read_model("/dev/zero")


@pytest.mark.skipif(DOUBLE, reason="with x64 off")
def test_double_precision_needs_x64(tmp_path):
    noun = {"x": np.array([1.5])}
    assert_same(there_and_back(tmp_path, noun), noun)
    for change in (
        replaced('"numpy"', '"array"'),
        replaced('"numpy": [1.5], "dtype": "float64"', '"array": 1, "dtype": "int64"'),
    ):
        path = written(tmp_path, change, noun)
        with pytest.raises(InputError, match=r'do jax.config.update\("jax_enable_x64"'):
            read_model(path)


@pytest.mark.skipif(not DOUBLE, reason="writes double precision")
def test_double_precision_is_refused_in_a_process_without_x64(tmp_path):
    write_model(tmp_path / "lens.json", full_lens())
    code = (
        "import sys, vitrax as vx\n"
        "assert 'safetensors' not in sys.modules\n"
        f"vx.io.read_model({str(tmp_path / 'lens.json')!r})\n"
    )
    environment = {**os.environ, "JAX_ENABLE_X64": "0"}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert "Lens.defocus (model.defocus) is float64, and jax has arrays of 64" in (
        ended.stderr
    )
    assert "InputError" in ended.stderr


class Stranger(eqx.Module):
    x: Float[Array, ""]


class Holder(eqx.Module):
    x: typing.Any


register_model(Holder)


@pytest.mark.parametrize(
    ("noun", "message"),
    [
        (
            lambda: [Stranger(jnp.asarray(1.0))],
            r"model\[0\] is a .*Stranger, which isn't",
        ),
        (
            lambda: Holder(lambda x: x),
            r"Holder\.x \(model\.x\) is .*a function; do make",
        ),
        (lambda: Holder(vx.simulate), "a function; do make it an Equinox module"),
        (lambda: Holder(jnp.float32), "do make|do keep an instance"),
        (lambda: Holder(vx.Lens), "is the class Lens; do keep an instance"),
        (lambda: Holder({1, 2}), "is a set, which models don't hold"),
        (lambda: Holder(object()), "is a object, which models"),
        (lambda: Holder(2**40_000), "is a int, which models"),
        (lambda: Holder(np.array(["a"])), r"has dtype <U1, which models don't"),
        (lambda: Holder(np.arange(3, dtype=">i4")), "which models don't"),
        (lambda: Holder(np.ma.array([1.0])), "is a MaskedArray"),
        (lambda: Holder(jax.random.key(0)), r"keep jax\.random\.key_data"),
        (lambda: vx.io.StarTable({"a": ["b"]}), "StarTable, which isn't a noun"),
        (lambda: eqx.tree_at(lambda b: b.radius, ball(), 1.0), r"is 1\.0 where Float"),
        (
            lambda: eqx.tree_at(lambda b: b.table, ball(), jnp.ones(3)),
            r"Ball\.table \(model\.table\) is an array where ndarray belongs; do give",
        ),
        (
            lambda: eqx.tree_at(
                lambda x: x.defocus, full_lens(), jnp.asarray(math.nan)
            ),
            "isn't a vitrax.optics.Lens .*defocus is nan",
        ),
        (
            lambda: eqx.tree_at(lambda x: x.shift, vx.Pose.identity(), jnp.ones(())),
            r"has shape \(\), without|has shape \(\) where",
        ),
        (lambda: vx.batch_axes(gaussians()), "is None where Float"),
    ],
)
def test_what_no_model_holds_is_not_written(tmp_path, noun, message):
    with pytest.raises(ValueError, match=message) as caught:
        write_model(tmp_path / "m", noun())
    assert not isinstance(caught.value, InputError)
    assert not list(tmp_path.iterdir())


def test_traced_nouns_are_not_written(tmp_path):
    def write(lens):
        write_model(tmp_path / "m", lens)
        return lens

    with pytest.raises(ValueError, match=r"Lens\.defocus .* is traced; do call"):
        jax.jit(write)(full_lens())


def test_a_list_in_itself_is_not_written(tmp_path):
    inside: list = []
    inside.append(inside)
    with pytest.raises(ValueError, match="nested more than 64 deep"):
        write_model(tmp_path / "m", inside)


def test_arrays_too_many_for_one_file_go_to_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(vx.io._models, "MAX_TEXT", 10_000)
    with pytest.raises(ValueError, match="do write it to a folder"):
        write_model(tmp_path / "m.json", numbers(4000))
    write_model(tmp_path / "m", numbers(4000))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_only_models_are_written_over(tmp_path):
    (tmp_path / "notes.json").write_text('{"mine": 1}')
    with pytest.raises(InputError, match="a file that isn't a model has that name"):
        write_model(tmp_path / "notes.json", full_lens())
    write_model(tmp_path / "notes.json", full_lens(), overwrite=True)
    write_model(tmp_path / "notes.json", gaussians())
    assert_same(read_model(tmp_path / "notes.json"), gaussians())
    (tmp_path / "folder").mkdir()
    write_model(tmp_path / "folder", gaussians())
    write_model(tmp_path / "folder", full_lens())
    assert_same(read_model(tmp_path / "folder"), full_lens())
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="it isn't empty"):
            write_model(tmp_path / "folder", gaussians(), overwrite=overwrite)
    assert_same(read_model(tmp_path / "folder"), full_lens())
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="a file has that name"):
        write_model(tmp_path / "file", gaussians(), overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.json").write_text("{}")
    with pytest.raises(InputError, match=r"it holds model\.json"):
        write_model(tmp_path / "other", gaussians())
    write_model(tmp_path / "other", gaussians(), overwrite=True)
    with pytest.raises(InputError, match="there is no folder"):
        write_model(tmp_path / "absent" / "m.json", gaussians())
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"notes.json", "folder", "file", "other"}


@pytest.mark.parametrize("name", ["m", "m.json"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, name):
    write_model(tmp_path / name, full_lens())
    replace = vx._files.os.replace

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vx._files, "synchronise", fail)
    with pytest.raises(OSError, match="No space"):
        write_model(tmp_path / name, gaussians())
    monkeypatch.undo()
    assert vx._files.os.replace is replace
    assert_same(read_model(tmp_path / name), full_lens())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for noun in (gaussians(), full_lens()):
        write_model(tmp_path / "link", noun)
        assert (tmp_path / "link").is_symlink()
        assert_same(read_model(tmp_path / "real"), noun)


def mutated(content, draw):
    """Return bytes with some flipped, cut out, or put elsewhere."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 5])):
        at = draw.randrange(len(content))
        kind = draw.choice(["flip", "byte", "cut", "splice", "digit"])
        if kind == "flip":
            content[at] ^= 1 << draw.randrange(8)
        elif kind == "byte":
            content[at] = draw.randrange(256)
        elif kind == "cut":
            del content[at : at + draw.choice([1, 3, 50, len(content)])]
        elif kind == "digit":
            content[at : at + 1] = draw.choice([b"9", b"-", b'"', b"{", b"]", b"1e9"])
        else:
            start = draw.randrange(len(content))
            part = content[start : start + draw.randrange(1, 40)]
            content[at:at] = part
        if not content:
            return b""
    return bytes(content)


def grafted(content, draw):
    """Return JSON in which one value took the place of another."""
    document = json.loads(content)
    places = list(places_of(document))
    (holder, key), (other, name) = draw.choice(places), draw.choice(places)
    junk = [None, True, -1, 0, 1e300, 2**70, "", "a", [], {}, [[]], {"tuple": [1]}]
    holder[key] = draw.choice([json.loads(json.dumps(other[name])), draw.choice(junk)])
    if isinstance(holder, dict) and draw.random() < 0.2:
        del holder[key]
    return json.dumps(document).encode()


def places_of(value):
    """Yield (object or list, key) of each value in JSON."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places_of(value[key])


def in_header(content, draw):
    """Return safetensors with something else in them, mostly in their header."""
    end = 8 + int.from_bytes(content[:8], "little")
    if draw.random() < 0.3:
        return mutated(content, draw)
    header = draw.choice([mutated, grafted])(content[8:end], draw)
    return len(header).to_bytes(8, "little") + header + content[end:]


def seeds(folder):
    """Return files to be mutated, each with the path to read."""
    nouns = [CASES["vitrax.image.Microscope"](), ball(), poses(), atoms()]
    for i, noun in enumerate(nouns):
        write_model(folder / f"{i}.json", noun)
        yield folder / f"{i}.json", folder / f"{i}.json"
    for i, name in enumerate(["FourierMap", "Ensemble"]):
        write_model(folder / f"f{i}", CASES[f"vitrax.structure.{name}"]())
        yield folder / f"f{i}" / "arrays.safetensors", folder / f"f{i}"
        yield folder / f"f{i}" / "model.json", folder / f"f{i}"


def count_outcomes(folder, mutations, seed=0):
    """Return how many mutated files were read, and refused."""
    draw = random.Random(seed)
    outcomes = {"read": 0, "refused": 0}
    for file, path in list(seeds(folder)):
        content = file.read_bytes()
        for _ in range(mutations):
            mutate = draw.choice([mutated, grafted])
            mutate = mutate if file.suffix == ".json" else in_header
            file.write_bytes(mutate(content, draw))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", InputWarning)
                    read_model(path)
                outcomes["read"] += 1
            except InputError:
                outcomes["refused"] += 1
        file.write_bytes(content)
    return outcomes


@pytest.mark.skipif(not DOUBLE, reason="once is enough")
def test_damaged_bytes_end_in_an_error_or_a_noun(tmp_path):
    outcomes = count_outcomes(tmp_path, 40)
    assert sum(outcomes.values()) == 8 * 40
    assert outcomes["refused"] > 8 * 20
