"""Every verb of the stage under jit, vmap and grad."""

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

import transforms
from vitrax.grid import (
    Grid,
    RadialProfile,
    amplitude_left,
    apply_filter,
    b_factor_envelope,
    circular_mask,
    fsc,
    interpolate_cubic,
    interpolate_linear,
    low_pass,
    power_spectrum,
    radial_average,
    radial_power_spectrum,
    rectangular_mask,
    resample,
    spherical_mask,
    whitening,
)


DOUBLE = jax.config.read("jax_enable_x64")
FLAT, DEEP = (8, 7), (5, 6, 7)


def grid(size, shape=FLAT):
    return Grid(shape, size)


def noise(seed, shape=FLAT):
    return 0.7 + jr.normal(jr.key(seed), shape)


def number(x):
    return jnp.asarray(x, float)


def profile(seed):
    values = 1.0 + jr.uniform(jr.key(seed), (5,))
    return RadialProfile(
        jnp.asarray([0.01, 0.11, 0.23, 0.31, 0.61]) + seed * 1e-3, values
    )


POINTS = jnp.asarray([[0.3, -1.4], [1.6, 0.7], [-2.3, 3.3]])
PLACES = jnp.asarray([[0.3, -1.4, 0.6], [1.6, 0.7, -1.3]])
HALF = lambda seed: power_spectrum(noise(seed))

CASES = {
    "resample": (lambda v: resample(v, (5, 10)), (noise(0),), (noise(1),)),
    "low_pass": (
        low_pass,
        (grid(1.0), number(4.0), number(0.2)),
        (grid(1.1), number(5.0), number(0.15)),
    ),
    "b_factor_envelope": (
        b_factor_envelope,
        (grid(1.0), number(40.0)),
        (grid(1.1), number(-3.0)),
    ),
    "whitening": (whitening, (profile(0), grid(1.0)), (profile(1), grid(1.1))),
    "RadialProfile.on": (
        RadialProfile.on,
        (profile(0), grid(1.0)),
        (profile(1), grid(1.1)),
    ),
    "apply_filter": (apply_filter, (noise(0), HALF(1)), (noise(2), HALF(3))),
    "circular_mask": (
        lambda g, radius, edge, x, y: circular_mask(g, radius, edge, (x, y)),
        (grid(1.0), *map(number, (1.3, 2.6, 0.4, 0.3))),
        (grid(1.2), *map(number, (1.1, 2.5, 0.5, -0.1))),
    ),
    "spherical_mask": (
        spherical_mask,
        (grid(1.0, DEEP), number(1.3), number(2.6)),
        (grid(1.2, DEEP), number(1.1), number(2.5)),
    ),
    "rectangular_mask": (
        rectangular_mask,
        (grid(1.0, DEEP), jnp.asarray([1.5, 2.5, 1.7]), number(2.3)),
        (grid(1.1, DEEP), jnp.asarray([1.2, 2.2, 1.1]), number(2.4)),
    ),
    "radial_power_spectrum": (
        radial_power_spectrum,
        (noise(0, DEEP),),
        (noise(1, DEEP),),
    ),
    "radial_average": (radial_average, (noise(0),), (noise(1),)),
    "amplitude_left": (amplitude_left, (noise(0), noise(1)), (noise(2), noise(3))),
    "fsc": (fsc, (noise(0, DEEP), noise(1, DEEP)), (noise(2, DEEP), noise(3, DEEP))),
    "interpolate_linear": (
        interpolate_linear,
        (noise(0), POINTS, grid(1.0)),
        (noise(1), POINTS + 0.3, grid(1.1)),
    ),
    "interpolate_cubic": (
        interpolate_cubic,
        (noise(0, DEEP), PLACES, grid(1.0, DEEP)),
        (noise(1, DEEP), PLACES + 0.3, grid(1.1, DEEP)),
    ),
}


# Much like another: the circular mask, the linear interpolation.
LONG = {"rectangular_mask", "interpolate_cubic"}

each_case = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in CASES],
)


@each_case
def test_in_double_precision(name):
    transforms.check_transforms(*CASES[name])


@each_case
def test_single_stays_single(name):
    fn, args, _ = CASES[name]
    transforms.check_stays_single(fn, args)


@pytest.mark.float32
@pytest.mark.skipif(DOUBLE, reason="its pass has x64 off")
@each_case
def test_in_single_precision(name):
    fn, args, shifted = CASES[name]
    single = [transforms.cast(each, jnp.float32) for each in (args, shifted)]
    transforms.check_jit(fn, *single)
    transforms.check_gradient(fn, single[0])
    assert fn(*single[0]).dtype == jnp.float32
