"""Our parameter files as cisTEM's own code reads them, and what it makes of them."""

import pathlib

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import CisTEM, InputWarning, cistem_problems, read_particles
from vitrax.physics import CISTEM


# Made by pycistem_star.py, here, with pycistem 0.4.1.
STORED = np.load(pathlib.Path(__file__).with_name("pycistem_star.npz"))
ANGLES = np.array([[10.0, 20.0, 30.0], [-100.123456, 90.0, 0.5], [170.0, 3.0, -60.25]])
SHIFTS = np.array([[1.25, -2.5], [0.0, 0.123456], [-2.75, 1.5]])
DEFOCI = np.array([9_000.25, 10_000.0, 12_345.5])
TILT = (0.75, -0.5)
POINT = vx.Gaussians([[0.0, 0.0, 0.0]], [[1.0]], [[2.0]])


def stack():
    """Return three particles without images, beam-tilted and shifted in two ways."""
    optics = vx.image.OpticsGroup(1.25, 300.0, 2.7, 0.07, 16, "one", beam_tilt=TILT)
    columns = {
        "cisTEMImageShiftX": np.array([0.5, 0.0, -0.25]),
        "cisTEMImageShiftY": np.array([0.0, 0.0, 1.0]),
        "cisTEMImageActivity": np.array([1, -1, 0]),
        "cisTEMAssignedSubset": np.array([1, 2, 1]),
        "cisTEMTotalExposure": np.array([50.0, 50.0, 40.5]),
        "rlnAutopickFigureOfMerit": np.array([0.25, 0.5, 0.75]),
        "rlnMicrographName": np.array(["a.mrc"] * 3, np.dtypes.StringDType()),
        "rlnCoordinateX": np.array([100.0, 200.5, 300.0]),
        "rlnCoordinateY": np.array([10.0, 20.0, 30.0]),
        "words": np.array(["two words", "", "#"], np.dtypes.StringDType()),
    }
    return vx.ParticleStack(
        reader=lambda rows: np.zeros((len(rows), 16, 16), np.float32),
        rows=np.arange(3),
        optics=(optics,),
        groups=np.zeros(3, np.int64),
        angles=ANGLES,
        shifts=SHIFTS,
        defocus=np.stack([DEFOCI, np.full(3, 500.0), np.full(3, 30.0)], -1),
        phase_shifts=np.round(DEFOCI / 150.0, 3),
        b_factors=np.zeros(3),
        scales=np.ones(3),
        columns=columns,
    )


def write(path):
    """Write the file that pycistem_star.py is given."""
    zeros = np.zeros(3, np.int64)
    places = vx.io.ImagePlaces(("stack.mrcs",), zeros, np.array([2, 0, 1]), zeros + 1)
    CisTEM().write_table(path, stack(), places, path)


def read(tmp_path, name, suffix):
    path = tmp_path / f"{name}{suffix}"
    path.write_bytes(STORED[name].tobytes())
    return read_particles(path)


def test_we_write_what_cistem_was_given(tmp_path):
    write(tmp_path / "source.star")
    assert (tmp_path / "source.star").read_bytes() == STORED["source"].tobytes()


def test_cistem_s_binary_file_of_ours_has_our_numbers(tmp_path):
    ours, theirs = stack(), read(tmp_path, "binary", ".cistem")
    np.testing.assert_allclose(theirs.angles, ours.angles, rtol=1e-6)
    np.testing.assert_allclose(theirs.shifts, ours.shifts, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(theirs.defocus, ours.defocus, rtol=2e-6, atol=2e-3)
    np.testing.assert_allclose(theirs.phase_shifts, ours.phase_shifts, rtol=1e-6)
    group = theirs.optics[0]
    assert len(theirs.optics) == 1
    assert (group.pixel_size, group.voltage, group.beam_tilt) == (1.25, 300.0, TILT)
    assert (group.spherical_aberration, group.amplitude_contrast) == (2.7, 0.07)
    columns = theirs.columns
    assert columns["cisTEMPositionInStack"].tolist() == [3, 1, 2]
    assert columns["cisTEMStackFilename"].tolist() == ["stack.mrcs"] * 3
    assert columns["rlnMicrographName"].tolist() == ["a.mrc"] * 3
    assert columns["rlnRandomSubset"].tolist() == [1, 2, 1]
    assert columns["cisTEMImageActivity"].tolist() == [1, -1, 0]
    assert columns["cisTEMTotalExposure"].tolist() == [50.0, 50.0, 40.5]
    np.testing.assert_allclose(columns["rlnCoordinateX"], [100.0, 200.5, 300.0])


def test_cistem_s_text_file_of_ours_has_our_numbers_as_it_rounds_them(tmp_path):
    with pytest.warns(InputWarning, match="write radians"):
        theirs = read(tmp_path, "text", ".star")
    ours = stack()
    np.testing.assert_allclose(theirs.angles, ours.angles, atol=0.0051)
    np.testing.assert_allclose(theirs.shifts, ours.shifts, atol=0.0051)
    np.testing.assert_allclose(theirs.defocus, ours.defocus, atol=0.11)
    # cisTEM reads degrees, and writes radians.
    in_degrees = np.rad2deg(theirs.phase_shifts)
    np.testing.assert_allclose(in_degrees, ours.phase_shifts, atol=0.3)
    assert theirs.optics[0].beam_tilt == TILT
    problems = cistem_problems(tmp_path / "text.star")
    assert problems[0].where == "column cisTEMPhaseShift"


@pytest.mark.parametrize("row", range(3))
def test_cistem_images_a_point_as_we_do(tmp_path, row):
    """Defocus, phase shift, tilt, shifts and contrast at once, through the file."""
    particles = read(tmp_path, "source", ".star")
    pose = jax.tree.map(lambda leaf: leaf[row], particles.poses)
    microscope = particles.microscope(row, constants=CISTEM)
    image = np.asarray(vx.simulate(POINT, pose, microscope))
    ky, kx = np.fft.fftfreq(16)[:, None], np.fft.rfftfreq(16)[None, :]
    still = vx.project(POINT, vx.Pose.identity(), microscope.grid)
    blob = np.fft.rfft2(np.fft.ifftshift(np.asarray(still)))
    ours = np.fft.rfft2(np.fft.ifftshift(image)) / blob
    theirs = STORED["transfers"][row]
    inside = (np.abs(ky) <= 0.25) & (np.abs(kx) <= 0.25)
    ours, theirs = ours[inside], theirs[inside]
    # Of the contrast alone: protein is dark in both, so the factor is positive.
    scale = np.vdot(theirs, ours).real / np.vdot(theirs, theirs).real
    assert scale > 0
    assert np.abs(ours / scale - theirs).max() < 1e-4
