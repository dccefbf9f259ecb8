"""Wavelength, mass and interaction of electrons against published numbers."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import vitrax as vx
from vitrax import physics


VOLTAGES = (300.0, 200.0, 120.0, 100.0)
VERBS = (physics.wavelength, physics.lorentz_factor, physics.interaction_parameter)
ROUNDING = 3e-16 if jax.config.jax_enable_x64 else 2e-7


def assert_relative(value, expected, tolerance):
    assert float(value) == pytest.approx(expected, rel=tolerance + ROUNDING)


@pytest.mark.parametrize(
    ("voltage", "expected"),
    list(
        zip(
            VOLTAGES,
            (0.0196874890, 0.0250793404, 0.0334921527, 0.0370143661),
            strict=True,
        )
    ),
)
def test_wavelength_codata(voltage, expected):
    assert_relative(physics.wavelength(voltage), expected, 1e-8)


@pytest.mark.parametrize(
    ("voltage", "expected"),
    list(zip(VOLTAGES, (1.58708535, 1.39139024, 1.23483414, 1.19569512), strict=True)),
)
def test_lorentz_factor_codata(voltage, expected):
    assert_relative(physics.lorentz_factor(voltage), expected, 5e-9)


@pytest.mark.parametrize(
    ("voltage", "expected"),
    list(
        zip(VOLTAGES, (6.526161e-4, 7.288401e-4, 8.638113e-4, 9.243958e-4), strict=True)
    ),
)
def test_interaction_parameter_codata(voltage, expected):
    assert_relative(physics.interaction_parameter(voltage), expected, 1e-7)


def test_potential_factor():
    assert pytest.approx(47.8776472, rel=5e-9) == physics.POTENTIAL_FACTOR
    assert physics.CODATA.potential_factor == physics.POTENTIAL_FACTOR


@pytest.mark.parametrize(
    ("constants", "expected"),
    [(physics.RELION, 0.0196876153), (physics.CISTEM, 0.0196869701)],
    ids=lambda value: getattr(value, "name", None),
)
def test_wavelength_of_other_programs(constants, expected):
    value = float(physics.wavelength(300.0, constants))
    assert value == pytest.approx(expected, abs=5.1e-11 + ROUNDING * expected)


def test_constant_sets_differ():
    values = {
        round(float(physics.wavelength(300.0, constants)), 8)
        for constants in (physics.CODATA, physics.RELION, physics.CISTEM)
    }
    assert len(values) == 3


def test_interaction_is_the_low_voltage_limit():
    # For slow electrons phase = π V_projected / (λ V), the textbook formula.
    volts = 1.0
    expected = math.pi / (float(physics.wavelength(volts * 1e-3)) * volts)
    assert_relative(physics.interaction_parameter(volts * 1e-3), expected, 2e-6)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_differentiable_in_voltage(verb):
    modes = ("fwd", "rev")
    tolerance = 1e-6 if jax.config.jax_enable_x64 else 5e-2
    scaled = lambda x: verb(300.0 * x) / verb(300.0)
    check_grads(scaled, (1.0,), order=2, modes=modes, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_constants_are_static_under_jit(verb):
    compiled = jax.jit(verb, static_argnums=1)
    expected = verb(200.0, physics.RELION)
    assert_relative(compiled(200.0, physics.RELION), float(expected), 1e-15)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_dtype_of_voltage_is_kept(verb, dtype):
    voltage = jnp.asarray(300.0, jax.dtypes.canonicalize_dtype(dtype))
    assert verb(voltage).dtype == voltage.dtype


def test_constants_hash_by_value():
    copy = vx.physics.Constants(
        physics.CISTEM.name,
        physics.CISTEM.wavelength_scale,
        physics.CISTEM.relativistic_correction,
    )
    assert copy == physics.CISTEM
    assert hash(copy) == hash(physics.CISTEM)
    assert np.isfinite(copy.potential_factor)


@pytest.mark.parametrize("voltage", [0.0, -300.0, 300_000.0])
def test_a_voltage_that_isn_t_in_kilovolts_is_refused(voltage):
    message = f"cannot wavelength because voltage is {voltage}, not above 0"
    with pytest.raises(ValueError, match=message):
        vx.physics.wavelength(voltage)


@pytest.mark.parametrize("voltage", [0.0, 3e5, np.nan])
def test_voltages_in_volts_are_refused_by_all(voltage):
    for verb in (physics.wavelength, physics.lorentz_factor):
        with pytest.raises(ValueError, match=f"cannot {verb.__name__} because voltage"):
            verb(voltage)
    assert float(physics.lorentz_factor(1e6)) > 1000
