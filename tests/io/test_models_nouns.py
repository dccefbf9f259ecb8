"""Every public class as a model: nouns in and out, others refused with what to do."""

import importlib
import inspect
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_models import CASES, DOUBLE, assert_same, gaussians, there_and_back, voxels

import vitrax as vx
from test_public_api import public_names
from vitrax import detector, optics, potential, structure, wave
from vitrax.io import read_model, write_model
from vitrax.io._model_registry import find_entry


def public_classes():
    """Yield name and class of all public classes in stages."""
    for name in public_names():
        stage, _, own = name.rpartition(".")
        thing = getattr(importlib.import_module(stage), own)
        if isinstance(thing, type) and stage != "vitrax":
            yield name, thing


# What holds files, options or results of the host, and is no part of a model.
NOT_NOUNS = {
    "vitrax.datasets.Batch", "vitrax.image.ParticleStack",
    "vitrax.io.AbstractLayout", "vitrax.io.CisTEM", "vitrax.io.CryoSPARC",
    "vitrax.io.EMAN2", "vitrax.io.FileKind", "vitrax.io.ImagePlaces",
    "vitrax.io.ImageStack", "vitrax.io.LeopardEM", "vitrax.io.MovieFrames",
    "vitrax.io.MrcHeader", "vitrax.io.MrcValues", "vitrax.io.NpzArray",
    "vitrax.io.ParticleWriter", "vitrax.io.Problem", "vitrax.io.Relion",
    "vitrax.io.StackImages", "vitrax.io.StackWriter", "vitrax.io.StarTable",
    "vitrax.plot.Report", "vitrax.plot.Section", "vitrax.plot.Table",
}  # fmt: skip


def test_every_public_class_is_a_noun_or_known_not_to_be():
    nouns, others = set(), set()
    for name, cls in public_classes():
        if find_entry(name) is not None:
            nouns.add(name)
        elif not inspect.isabstract(cls) and not issubclass(cls, Exception):
            others.add(name)
        else:
            assert not issubclass(cls, eqx.Module) or "Abstract" in name
    assert nouns == set(CASES)
    assert others == NOT_NOUNS - {"vitrax.io.AbstractLayout"}


def particles():
    optics_group = vx.image.OpticsGroup(1.5, 300.0, box=8)
    poses = vx.Pose.uniform(jax.random.key(0), 4)
    return vx.ParticleStack.from_arrays(
        np.ones((4, 8, 8), np.float32), poses, vx.Lens(1e4), optics_group
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (particles, r"model\[0\] is a ParticleStack, .*do write .*write_particles"),
        (
            lambda: vx.io.StarTable({"a": ["b"]}),
            r"is a StarTable, .*with vitrax\.io\.write_star",
        ),
        (vx.io.Relion, "is a Relion, .* do keep the arrays and nouns in it in a dict"),
        (
            lambda: jax.eval_shape(vx.Lens, 1e4),
            r"Lens\.defocus \(model\[0\]\.defocus\) is a shape without numbers",
        ),
    ],
)
def test_what_is_no_noun_is_refused_with_what_to_do(tmp_path, value, message):
    with pytest.raises(ValueError, match=message):
        write_model(tmp_path / "m", [value()])


def projectors():
    slices = [potential.FourierSlice(), potential.DirectSum(), potential.RaySum()]
    sums = [potential.SeparableGaussians(), potential.NonUniformFFT(9)]
    inner = [*slices, *sums]
    copies = [potential.CopySum(each, 3) for each in inner]
    return [None, *inner, *copies, *(potential.IceAdded(each) for each in inner)]


def theories():
    slicers = [potential.GaussianSlabs(), potential.VoxelSlabs()]
    slicers += [potential.WindowedSlabs(10, 6)]
    steps = [wave.Fresnel(), wave.AngularSpectrum()]
    yield wave.EwaldSphere()
    for projector in projectors():
        yield wave.WeakPhase(projector)
        yield wave.StrongPhase(projector)
    for slicer, step in itertools.product(slicers, steps):
        yield wave.Multislice(10.1, 3, slicer, step, 0.6)


def envelopes():
    return [None, optics.Drift((1.1, 2.2)), optics.ThickSpecimen(300.3)]


def transfers():
    plain = [detector.IdealTransfer(), detector.PixelTransfer()]
    plain += [detector.GaussianTransfer(0.8), detector.LorentzianTransfer([1.0], [3.3])]
    plain += [CASES["vitrax.detector.MeasuredTransfer"]()]
    return [*plain, detector.ProductTransfer(*plain[1:3])]


def test_instruments_of_all_parts_come_back(tmp_path):
    scopes = [
        vx.Microscope(vx.Grid(8, 1.1), 300.0, vx.Lens(1e4, damping=envelope), 2, theory)
        for theory, envelope in zip(theories(), itertools.cycle(envelopes()))
    ]
    cameras = [
        vx.Camera(mtf, dqe) for mtf, dqe in itertools.product(transfers(), repeat=2)
    ]
    noises = [vx.WhiteNoise(1.1), vx.PoissonNoise(), detector.CountingNoise()]
    noises += [vx.ColouredNoise(jnp.full((4, 3), 0.7))]
    given = {"scopes": scopes, "cameras": tuple(cameras), "noises": noises}
    assert len(scopes) > 30
    assert_same(there_and_back(tmp_path, given), given)


@pytest.mark.parametrize("name", [n for n in CASES if find_entry(n).kind == "noun"])
def test_nouns_on_the_host_come_back_as_jax_has_them(tmp_path, name):
    noun = CASES[name]()
    for given in (jax.device_get(noun), jax.tree.map(np.asarray, noun)):
        write_model(tmp_path / "m", given)
        assert_same(read_model(tmp_path / "m"), noun)


def test_numpy_s_scalars_and_orders_are_arrays_of_jax(tmp_path):
    noun = jax.vmap(vx.Lens)(jnp.arange(1.0, 4.0))
    first = jax.tree.map(lambda x: np.asarray(x)[0], noun)
    assert isinstance(first.defocus, np.generic)
    write_model(tmp_path / "m.json", first)
    assert_same(read_model(tmp_path / "m.json"), jax.tree.map(jnp.asarray, first))
    turned = jax.tree.map(lambda x: np.array(x, order="F"), voxels())
    assert_same(there_and_back(tmp_path, turned), voxels())
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16), gaussians())
    assert_same(there_and_back(tmp_path, jax.device_get(half)), half)


@pytest.mark.float32
def test_double_precision_of_numpy_needs_x64(tmp_path):
    lenses = jax.vmap(vx.Lens)(np.full(3, 1e4))
    wide = jax.tree.map(lambda x: np.asarray(x, np.float64), lenses)
    if DOUBLE:
        assert_same(there_and_back(tmp_path, wide), jax.tree.map(jnp.asarray, wide))
        return
    message = (
        r"Lens\.defocus \(model\.defocus\) is float64, .* switched off; do .* or write "
        r"what jax makes of it without: jax\.tree\.map\(jax\.numpy\.asarray, noun\)"
    )
    with pytest.raises(ValueError, match=message):
        write_model(tmp_path / "m", wide)
    narrow = jax.tree.map(jnp.asarray, wide)
    assert_same(there_and_back(tmp_path, narrow), narrow)


def states(make):
    return vx.Ensemble.from_structures([make(0), make(1)], [0.3, 0.7])


def stacked(*nouns):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *nouns)


ENSEMBLES = {
    "of gaussians": lambda: states(gaussians),
    "of maps": lambda: states(lambda _: voxels()),
    "of Fourier maps": lambda: states(lambda _: vx.FourierMap.from_map(voxels())),
    "of assemblies": lambda: states(
        lambda i: structure.Assembly(
            gaussians(i), *structure.helical_operators(1.5, 50.0, 3)
        )
    ),
    "of paths": lambda: states(lambda _: CASES["vitrax.structure.Path"]()),
    "of what is in ice": lambda: states(lambda _: CASES["vitrax.structure.InIce"]()),
    "of ensembles": lambda: states(lambda _: states(gaussians)),
    "of one": lambda: vx.Ensemble.from_structures([gaussians()]),
    "of two kinds": lambda: vx.Ensemble(
        {"a": stacked(gaussians(0), gaussians(1)), "b": (stacked(voxels(), voxels()),)},
        jnp.ones(2),
    ),
    "of arrays": lambda: vx.Ensemble(jnp.ones((3, 4)), jnp.ones(3)),
    "in a batch": lambda: stacked(states(gaussians), states(gaussians)),
    "by vmap": lambda: jax.vmap(
        lambda w: vx.Ensemble(stacked(gaussians(0), gaussians(1)), w)
    )(jnp.ones((5, 2))),
}


@pytest.mark.parametrize("name", ENSEMBLES)
def test_ensembles_of_all_kinds_come_back(tmp_path, name):
    noun = ENSEMBLES[name]()
    back = there_and_back(tmp_path, noun)
    assert_same(back, noun)
    assert jax.tree.structure(back) == jax.tree.structure(noun)
