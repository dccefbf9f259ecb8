"""Particles go from program to program and back without loss."""

import jax
import jax.numpy as jnp
import mutations
import numpy as np
import pytest

import vitrax as vx
from vitrax import io
from vitrax.optics import odd_phase, phase_error, transfer
from vitrax.physics import wavelength


pytestmark = pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning")

STARS = [
    "relion/empiar_10076_7.star",
    "relion/relion31.6opticsgroups.star",
    "relion/relion31.star",
    "relion/relion31.v2.star",
    "relion/relion5.star",
    "relion/rln_proj_64.star",
    "relion/rln_proj_65.star",
    "relion/sample_particles_relion30.star",
    "relion/sample_particles_relion31.star",
]
DATASETS = [
    "cryosparc/cryosparc_J2_particles_exported.cs",
    "cryosparc/cryosparc_P12_J24_001_particles.cs",
    "cryosparc/empiar-11377-passthrough-5particles.cs",
    "cryosparc/empiar_10076_7.cs",
]
RELION, CRYOSPARC, CISTEM = io.Relion(), io.CryoSPARC(), io.CisTEM()
EMAN2 = io.EMAN2()
CHAINS = {
    "RELION, CryoSPARC, cisTEM, RELION": (CRYOSPARC, CISTEM, RELION),
    "cisTEM, CryoSPARC, RELION 5": (CISTEM, CRYOSPARC, io.Relion("5.0")),
    "EMAN2, cisTEM, EMAN2, RELION": (EMAN2, CISTEM, EMAN2, RELION),
}
# What a file may lack.
GIVEN = {
    "pixel_size": 1.5,
    "voltage": 300.0,
    "spherical_aberration": 2.7,
    "amplitude_contrast": 0.1,
}
SUFFIXES = {io.CryoSPARC: ".cs", io.EMAN2: ".lst"}


def read(path):
    """Return at most a hundred particles of a file, of images somewhere."""
    more = {"stack": "images.mrcs"} if "passthrough" in path.name else {}
    return io.read_particles(path, defaults=GIVEN, **more)[:100]


def passed_on(stack, layouts, folder):
    """Return particles after they were written and read by each layout in turn."""
    for number, layout in enumerate(layouts):
        path = folder / f"{number}{SUFFIXES.get(type(layout), '.star')}"
        io.write_particle_table(path, stack, layout=layout)
        stack = io.read_particles(path, contrast=None)
    return stack


@jax.jit
def optics_on_the_grid(lenses, pixel_size, voltage):
    """Return phase errors, odd phases and CTFs of lenses on a small grid."""
    grid = vx.Grid((24, 24), pixel_size)
    waves = wavelength(voltage)
    verbs = (phase_error, odd_phase, transfer)
    return tuple(
        jax.vmap(lambda lens, verb=verb: verb(lens, grid, waves))(lenses)
        for verb in verbs
    )


def assert_same_optics(one, other):
    """Assert equal phases and CTFs for the first particles of each optics group."""
    np.testing.assert_allclose(one.pixel_sizes, other.pixel_sizes, rtol=1e-6)
    if one.defocus is None:
        assert other.defocus is None
        return
    for group in np.unique(one.groups):
        rows = np.flatnonzero(one.groups == group)[:3]
        rows = np.resize(rows, 3)
        # Frequencies beyond those of the images would magnify what float32 cuts off.
        size, volts = float(one.pixel_sizes[rows[0]]), float(one.voltages[rows[0]])
        found = [
            optics_on_the_grid(
                stack[rows].lenses, jnp.asarray(size), jnp.asarray(volts)
            )
            for stack in (one, other)
        ]
        for name, first, second in zip(
            ("phase error", "odd phase", "CTF"), *found, strict=True
        ):
            np.testing.assert_allclose(second, first, atol=1e-5, err_msg=name)


def assert_same_particles(one, other):
    assert len(one) == len(other)
    if one.angles is None:
        assert other.angles is None
    else:
        pairs = zip(one.angles[:20], other.angles[:20], strict=True)
        for first, second in pairs:
            turn = [
                vx.Rotation.from_euler(*angles).as_matrix()
                for angles in (first, second)
            ]
            cosine = (np.trace(np.asarray(turn[0]).T @ np.asarray(turn[1])) - 1) / 2
            assert np.degrees(np.arccos(min(cosine, 1.0))) < 1e-4
    np.testing.assert_allclose(other.shifts, one.shifts, atol=1e-3)
    np.testing.assert_allclose(other.scales, one.scales, rtol=1e-6)
    np.testing.assert_allclose(other.b_factors, one.b_factors, atol=1e-4)


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("name", STARS)
def test_from_relion(name, chain, shared, tmp_path):
    stack = read(shared / name)
    layouts = CHAINS[chain]
    if stack.defocus is None:
        with pytest.raises(io.InputError, match="cisTEM because the defocus"):
            passed_on(stack, layouts, tmp_path)
        layouts = tuple(layout for layout in layouts if layout != CISTEM)
    back = passed_on(stack, layouts, tmp_path)
    assert_same_particles(stack, back)
    assert_same_optics(stack, back)
    assert set(stack.columns) <= set(back.columns)
    for column, values in stack.columns.items():
        kept = back.columns[column]
        if column.startswith("rlnAngle"):
            continue
        if column == "rlnDefocusAngle":
            # Half a turn is nothing to it.
            assert np.abs((kept - values + 90.0) % 180.0 - 90.0).max() < 2e-4
        elif values.dtype.kind == "f":
            np.testing.assert_allclose(kept, values, rtol=1e-6, atol=2e-4)
        elif column not in ("rlnImageName", "rlnOpticsGroup"):
            assert kept.tolist() == values.tolist(), column


@pytest.mark.parametrize("name", DATASETS)
def test_from_cryosparc(name, shared, tmp_path):
    stack = read(shared / name)
    layouts = (RELION, CISTEM, EMAN2, CRYOSPARC)
    back = passed_on(stack, layouts, tmp_path)
    assert_same_particles(stack, back)
    assert_same_optics(stack, back)
    for column, values in stack.columns.items():
        if "/" in column and values.dtype.kind in "fiu" and column != "blob/sign":
            np.testing.assert_allclose(
                back.columns[column], values, rtol=1e-5, atol=1e-5, err_msg=column
            )


FORMATS = {
    "RELION": ("a.star", RELION),
    "CryoSPARC": ("b.cs", CRYOSPARC),
    "cisTEM": ("c.star", CISTEM),
    "Leopard-EM": ("d.csv", io.LeopardEM()),
    "EMAN2": ("e.lst", EMAN2),
}


@pytest.fixture
def particles(tmp_path):
    """Return four particles with aberrations, cut out of a micrograph."""
    return mutations.some_particles(tmp_path)


@jax.jit
def simulated(poses, scopes):
    blobs = vx.Gaussians(
        [[2.0, -1.0, 0.5], [-3.0, 2.0, 1.0]], [[5.0], [3.0]], [[1.0], [2.0]]
    )
    volume = vx.FourierMap.from_map(vx.render(blobs, vx.Grid((12, 12, 12), 1.5)))
    axes = (None, 0, vx.batch_axes(scopes))
    return jax.vmap(vx.simulate, in_axes=axes)(volume, poses, scopes)


def test_one_particle_in_five_formats_is_one_image(particles, tmp_path):
    """Protein is white in RELION's and EMAN2's stacks, dark in the others'."""
    images, stacks = {}, {}
    for name, (file, layout) in FORMATS.items():
        io.write_particle_table(tmp_path / file, particles, layout=layout)
        stacks[name] = io.read_particles(tmp_path / file, box=8)
        scopes = stacks[name].microscopes()
        images[name] = np.asarray(simulated(stacks[name].poses, scopes))
    scale = np.abs(images["RELION"]).max()
    for name in FORMATS:
        np.testing.assert_allclose(
            images[name], images["RELION"], atol=1e-5 * scale, err_msg=name
        )
    assert np.abs(images["RELION"][0] - images["RELION"][1]).max() > 0.01 * scale


@pytest.mark.parametrize("name", ["CryoSPARC", "cisTEM"])
def test_recorded_images_are_the_same_whatever_their_contrast(
    particles, name, tmp_path
):
    file, layout = FORMATS[name]
    io.write_particles(tmp_path / file, particles, layout=layout)
    copied = io.read_particles(tmp_path / file)
    np.testing.assert_array_equal(copied.images(), particles.images())
    on_disk = io.read_stack((tmp_path / file).with_suffix(".mrcs"))[:]
    np.testing.assert_array_equal(on_disk, particles.images())
    of_relion = io.read_stack(tmp_path / "relion.mrcs")[:]
    np.testing.assert_array_equal(of_relion, -particles.images())


def test_the_seven_particles_of_empiar_10076(shared):
    star = io.read_particles(shared / "relion/empiar_10076_7.star", contrast="dark")
    dataset = io.read_particles(
        shared / "cryosparc/empiar_10076_7.cs", project=shared / "relion"
    )
    np.testing.assert_array_equal(star.images(), dataset.images())
    np.testing.assert_allclose(star.defocus, dataset.defocus, rtol=1e-6)
    np.testing.assert_allclose(star.pixel_sizes, dataset.pixel_sizes, rtol=1e-5)
    assert_same_optics(star, dataset)
