"""Filters on the half spectrum."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from vitrax.grid import (
    Grid,
    RadialProfile,
    apply_filter,
    b_factor_envelope,
    frequency_radius,
    high_pass,
    low_pass,
    power_profile,
    radial_power_spectrum,
    whitening,
)


SHAPES = [(16, 20), (17, 15), (8, 9, 10)]


@pytest.mark.parametrize("shape", SHAPES)
def test_low_pass_is_one_below_and_zero_above_its_edge(shape):
    grid = Grid(shape, 1.5)
    k = np.asarray(frequency_radius(grid))
    transfer = np.asarray(low_pass(grid, resolution=6.0, edge=0.08))
    assert np.all(transfer[k <= 1 / 6 - 0.0401] == 1.0)
    assert np.all(transfer[k >= 1 / 6 + 0.0401] == 0.0)
    between = np.abs(k - 1 / 6) < 0.0399
    assert np.all((transfer[between] > 0) & (transfer[between] < 1))


def test_low_pass_is_one_half_at_its_resolution_and_follows_the_cosine():
    grid = Grid((1, 40), 1.0)
    transfer = low_pass(grid, resolution=5.0, edge=0.2)
    expected = 0.5 * (1 - np.sin(np.pi * (np.arange(4, 13) / 40 - 0.2) / 0.2))
    np.testing.assert_allclose(transfer[0, 4:13], expected, atol=1e-12)


def test_edge_of_zero_is_a_step_and_default_edge_spans_two_fourier_pixels():
    grid = Grid((16, 16), 1.0)
    assert set(np.unique(low_pass(grid, 4.1, edge=0.0))) == {0.0, 1.0}
    row = low_pass(grid, 4.0)[0]
    np.testing.assert_allclose(row[2:7], [1, 1, 0.5, 0, 0], atol=1e-12)


def test_high_pass_is_the_complement():
    grid = Grid((12, 13), 2.0)
    np.testing.assert_allclose(high_pass(grid, 9.0) + low_pass(grid, 9.0), 1.0)
    assert float(high_pass(grid, 9.0)[0, 0]) == 0.0


def test_b_factor_envelope_in_closed_form():
    grid = Grid((20, 30), 1.0)
    envelope = b_factor_envelope(grid, 100.0)
    assert float(envelope[4, 0]) == pytest.approx(0.36787944, abs=1e-8)  # k = 0.2 / Å
    np.testing.assert_allclose(envelope * b_factor_envelope(grid, -100.0), 1.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_apply_filter_convolves(shape):
    values = jr.normal(jr.key(0), shape)
    transfer = low_pass(Grid(shape, 1.0), 4.0)
    full = np.fft.fftn(np.asarray(values))
    frequencies = np.meshgrid(*[np.fft.fftfreq(n) for n in shape], indexing="ij")
    k = np.sqrt(sum(f**2 for f in frequencies))
    edge = 2 / max(shape)
    soft = 0.5 * (1 + np.cos(np.pi * np.clip((k - 0.25) / edge + 0.5, 0, 1)))
    expected = np.fft.ifftn(full * soft).real
    np.testing.assert_allclose(apply_filter(values, transfer), expected, atol=1e-12)


def test_apply_filter_takes_phases_and_leaves_the_place():
    values = jnp.zeros((8, 10)).at[2, 3].set(1.0)
    grid = Grid(values.shape, 1.0)
    ramp = jnp.exp(-2j * jnp.pi * grid.frequency_axes()[1].astype(complex))
    moved = apply_filter(values, jnp.broadcast_to(ramp[None], grid.half_shape))
    assert int(jnp.argmax(moved)) == 2 * 10 + 4
    np.testing.assert_allclose(apply_filter(values, jnp.ones(grid.half_shape)), values,
                               atol=1e-15)  # fmt: skip


def test_apply_filter_of_another_grid_is_an_error():
    with pytest.raises(ValueError, match=r"cannot apply a filter .* half spectrum"):
        apply_filter(jnp.zeros((8, 8)), jnp.ones((8, 8)))
    with pytest.raises(ValueError, match=r"cannot apply a filter .* jax.vmap"):
        apply_filter(jnp.zeros((2, 8, 8)), jnp.ones((8, 5)))


def test_batched_parameters_are_errors():
    grid = Grid((8, 8), 1.0)
    with pytest.raises((ValueError, TypeError), match="resolution"):
        low_pass(grid, jnp.asarray([3.0, 4.0]))


@pytest.mark.parametrize("shape", [(64, 80), (63, 81)])
def test_whitening_makes_the_power_flat(shape):
    grid = Grid(shape, 1.3)
    decay = b_factor_envelope(grid, 30.0)
    coloured = 5.0 + apply_filter(jr.normal(jr.key(1), shape), decay)
    power = power_profile(coloured, 1.3)
    white = apply_filter(coloured, whitening(power, grid))
    assert abs(float(white.mean())) < 1e-12
    assert float(white.var()) == pytest.approx(1.0, abs=0.02)
    ratio = radial_power_spectrum(white)[3:]
    np.testing.assert_allclose(ratio, 1.0, atol=0.25)
    before = radial_power_spectrum(coloured)[3:]
    assert float(before.max() / before.min()) > 5


def test_one_profile_whitens_micrograph_and_template():
    micrograph = apply_filter(
        jr.normal(jr.key(2), (256, 256)), low_pass(Grid((256, 256), 1.0), 4.0, 0.4)
    )
    power = power_profile(micrograph, 1.0)
    large = whitening(power, Grid((256, 256), 1.0))
    small = whitening(power, Grid((32, 32), 1.0))
    np.testing.assert_allclose(small[1:8, 1:8], large[8:64:8, 8:64:8], rtol=1e-12)


def test_whitening_is_finite_beyond_the_band():
    grid = Grid((64, 64), 1.0)
    micrograph = apply_filter(jr.normal(jr.key(3), (64, 64)), low_pass(grid, 4.0))
    transfer = whitening(power_profile(micrograph, 1.0), grid)
    assert bool(jnp.all(jnp.isfinite(transfer)))
    assert (
        float(jnp.abs(jnp.where(frequency_radius(grid) > 0.3, transfer, 0)).max()) == 0
    )
    assert float(transfer[0, 0]) == 0.0


def test_whitening_of_a_real_micrograph(shared):
    import mrcfile

    path = shared / "micrographs" / "Ucsf_stack_1142_DW.mrc"
    with mrcfile.mmap(path, permissive=True) as file:
        tile = jnp.asarray(np.asarray(file.data[:512, :640], np.float32))
    power = power_profile(tile, 1.06)
    white = apply_filter(tile, whitening(power, Grid(tile.shape, 1.06)))
    assert white.dtype == jnp.float32
    assert float(white.var()) == pytest.approx(1.0, abs=0.05)
    flat = radial_power_spectrum(white)[5:]
    assert float(jnp.max(jnp.abs(flat - 1))) < 0.3


def test_profile_interpolates_and_is_constant_beyond_its_ends():
    profile = RadialProfile([0.1, 0.3], [2.0, 4.0])
    values = profile.on(Grid((1, 20), 1.0))[0]
    np.testing.assert_allclose(values[:7], [2, 2, 2, 2.5, 3, 3.5, 4], rtol=1e-12)
    np.testing.assert_allclose(values[6:], 4.0)


def test_profile_of_unequal_lengths_is_an_error():
    with pytest.raises(ValueError, match=r"cannot interpolate a profile with 3"):
        RadialProfile([0.0, 0.1, 0.2], [1.0, 2.0]).on(Grid((4, 4), 1.0))


def test_power_profile_reaches_the_corner_and_ignores_the_mean():
    noise = jr.normal(jr.key(4), (32, 32))
    profile = power_profile(noise + 1e3, 2.0)
    assert float(profile.frequencies[-1]) >= 0.35
    assert float(profile.values[0]) == float(profile.values[1]) < 10
    np.testing.assert_allclose(
        profile.values, power_profile(noise, 2.0).values, rtol=1e-8
    )


@pytest.mark.parametrize("make", [low_pass, high_pass])
@pytest.mark.parametrize("resolution", [0.0, -4.0, np.nan])
def test_a_resolution_that_isn_t_positive_is_refused(make, resolution):
    message = f"cannot {make.__name__} because resolution is {resolution}, not positive"
    with pytest.raises(ValueError, match=message):
        make(Grid(8, 1.0), resolution)
    with pytest.raises(ValueError, match=r"because edge is -0\.1, not 0 or more"):
        make(Grid(8, 1.0), 4.0, edge=-0.1)


@pytest.mark.usefixtures("unchecked")
def test_swapped_arguments_of_whitening_are_named():
    grid, profile = Grid(8, 1.0), RadialProfile([0.0, 0.5], [2.0, 1.0])
    for wrong in [(np.ones((8, 8)), grid), (grid, profile)]:
        with pytest.raises(TypeError, match=r"do whitening\(power_profile\(microgr"):
            whitening(*wrong)
