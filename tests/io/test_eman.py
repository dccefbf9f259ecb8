"""EMAN2's files against its source: libEM/transform.cpp, ctf.cpp, hdfio2.cpp."""

import shutil
import sys

import eman_files as eman
import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import (
    EMAN2,
    FileKind,
    InputError,
    InputWarning,
    StackWriter,
    file_kind,
    read_particles,
    write_particle_table,
    write_particles,
)
from vitrax.optics import transfer
from vitrax.physics import CISTEM, wavelength


h5py = pytest.importorskip("h5py")

IMAGES = np.random.default_rng(0).normal(size=(4, 8, 8)).astype(np.float32)
CTF = eman.ctf(1.2, 0.05, 35.0, 60.0, 10.0, 300.0, 2.7, 1.5)


def header(number=0, **more):
    """Return a header such as a refinement leaves it."""
    pose = eman.transform(100.0 + number, 30.0, -60.0, 1.5, -2.25)
    return {"apix_x": 1.5, "ctf": CTF, "xform.projection": pose, **more}


@pytest.fixture
def stack(tmp_path):
    """An HDF5 file of four particles."""
    headers = [header(number, ptcl_repr=1) for number in range(4)]
    return eman.write_hdf(tmp_path / "a.hdf", IMAGES, headers)


def changed(path, change):
    """Change an HDF5 file in place."""
    with h5py.File(path, "r+") as file:
        change(file["MDF/images"])
    return path


# What the numbers mean.


@pytest.mark.parametrize("mirror", [False, True])
def test_transforms_mean_what_their_angles_do(tmp_path, mirror):
    """The matrix of transform.cpp, and RELION's of spider angles, are one."""
    rng = np.random.default_rng(3)
    angles = rng.uniform([-180, 0, -180], [180, 180, 180], (6, 3))
    angles = np.concatenate([angles, [[10, 0, 20], [10, 180, 20], [5, 1e-3, 7]]])
    rows = [eman.transform(a + 90, t, p - 90, 2, -3) for a, t, p in angles]
    if mirror:
        rows = [eman.transform(a + 90, t, p - 90, 2, -3, mirror=True)
                for a, t, p in angles]  # fmt: skip
    headers = [header(**{"xform.projection": row}) for row in rows]
    images = np.zeros((len(rows), 8, 8))
    found = read_particles(eman.write_hdf(tmp_path / "a.hdf", images, headers))
    turns = np.asarray(jax.vmap(vx.Pose.as_matrix)(found.poses))
    meant = np.array([row[:, :3] for row in rows])
    # A mirrored projection is one from the back: the first rows are those of the
    # matrix, the last closes the rotation.
    np.testing.assert_allclose(turns[:, :2], meant[:, :2], atol=2e-6)
    np.testing.assert_allclose(np.linalg.det(turns), 1.0, atol=1e-6)
    moved = [-2 * 1.5 if mirror else 2 * 1.5, -3 * 1.5]
    np.testing.assert_allclose(found.shifts, [moved] * len(rows), atol=1e-6)
    if not mirror:
        np.testing.assert_allclose(
            turns[:6], vx.pose.matrix_from_euler(angles[:6]), atol=2e-6
        )


def test_a_mirrored_projection_is_the_mirror_image(tmp_path):
    """Under a lens that is as round as this one."""
    ctf = eman.ctf(1.2, 0.0, 0.0, 60.0, 10.0, 300.0, 2.7, 1.5)
    poses = [eman.transform(100, 30, -60, 1.0, -2.0, mirror=m) for m in (False, True)]
    headers = [header(ctf=ctf, **{"xform.projection": pose}) for pose in poses]
    path = eman.write_hdf(tmp_path / "a.hdf", np.zeros((2, 12, 12)), headers)
    found = read_particles(path)
    one, other = np.asarray(simulated(found.poses, found.microscopes()))
    flipped = np.roll(other[:, ::-1], 1, axis=1)
    scale = np.abs(one).max()
    # Not at the frequency at which rows end, whose sign is nobody's.
    inner = np.ix_(*[np.flatnonzero(np.arange(12) != 6)] * 2)
    found, meant = (np.fft.fft2(image)[inner] for image in (flipped, one))
    np.testing.assert_allclose(found, meant, atol=1e-5 * np.abs(meant).max())
    assert np.abs(other - one).max() > 0.5 * scale


def eman_ctf_on(grid, defocus, dfdiff, dfang, bfactor, ampcont, voltage, cs):
    """Return EMAN2Ctf::compute_2d_complex of type CTF_AMP, with get_phase()."""
    y, x = np.meshgrid(
        np.fft.fftfreq(grid.shape[0]) * grid.shape[0],
        np.fft.rfftfreq(grid.shape[1]) * grid.shape[1],
        indexing="ij",
    )
    s = np.hypot(x, y) / (grid.shape[0] * grid.pixel_size)
    lam = 12.2639 / np.sqrt(voltage * 1000.0 + 0.97845 * voltage * voltage)
    g1, g2 = np.pi / 2 * cs * 1e7 * lam**3, np.pi * lam * 1e4
    local = defocus + dfdiff / 2 * np.cos(2 * np.arctan2(y, x) - 2 * np.radians(dfang))
    part = ampcont / 100
    if part > 1:
        phase = np.pi - np.arcsin(2 - part)
    elif part <= -1:
        phase = -np.pi - np.arcsin(-2 - part)
    else:
        phase = np.arcsin(part)
    gamma = -g1 * s**4 + g2 * local * s**2
    return np.cos(gamma - (np.pi / 2 - phase)) * np.exp(-bfactor / 4 * s**2)


@pytest.mark.parametrize("ampcont", [10.0, 0.0, 100.0, 150.0, 199.0, -40.0, -150.0])
def test_ctf_is_that_of_the_source(tmp_path, ampcont):
    """Protein is white there, dark here; EMAN2's wavelength is cisTEM's."""
    numbers = (1.2, 0.05, 35.0, 60.0, ampcont, 200.0, 2.2)
    text = eman.ctf(*numbers, 1.5)
    path = tmp_path / "a.hdf"
    eman.write_hdf(path, IMAGES[:1], [header(ctf=text)])
    stack = read_particles(path)
    lens = jax.tree.map(lambda x: x[0], stack.lenses)
    grid = vx.Grid((16, 16), 1.5)
    ours = np.asarray(transfer(lens, grid, wavelength(stack.voltages[0], CISTEM)))
    theirs = eman_ctf_on(grid, *numbers)
    # The sign of the frequency at which rows end is nobody's.
    inner = np.arange(16) != 8
    np.testing.assert_allclose(-ours[inner, :8], theirs[inner, :8], atol=2e-5)
    write_particle_table(tmp_path / "b.lst", stack, layout=EMAN2())
    back = read_particles(tmp_path / "b.lst")
    np.testing.assert_allclose(back.phase_shifts, stack.phase_shifts, atol=1e-9)


def test_ctf_of_eman1(tmp_path):
    """Its defocus is negative under focus, its envelope exp(-B s²)."""
    text = "O-1.2 15 1 0.1 0 0 0 0 200 2.2 1.5"
    path = eman.write_hdf(tmp_path / "a.hdf", IMAGES[:1], [header(ctf=text)])
    found = read_particles(path)
    assert found.defocus.tolist() == [[12000.0, 0.0, 0.0]]
    assert found.b_factors.tolist() == [60.0]
    assert found.shared("amplitude_contrast").tolist() == [0.1]
    assert found.voltages.tolist() == [200.0]
    assert found.shared("spherical_aberration").tolist() == [2.2]


STAR = """
data_optics

loop_
_rlnOpticsGroup #1
_rlnVoltage #2
_rlnSphericalAberration #3
_rlnAmplitudeContrast #4
_rlnImagePixelSize #5
_rlnImageSize #6
1 300.0 2.7 0.1 1.5 12

data_particles

loop_
_rlnImageName #1
_rlnOpticsGroup #2
_rlnAngleRot #3
_rlnAngleTilt #4
_rlnAnglePsi #5
_rlnOriginXAngst #6
_rlnOriginYAngst #7
_rlnDefocusU #8
_rlnDefocusV #9
_rlnDefocusAngle #10
_rlnCtfBfactor #11
1@a.mrcs 1 25.0 40.0 70.0 -2.25 3.375 12250.0 11750.0 35.0 60.0
"""


def blobs():
    places = [[2.0, -1.0, 0.5], [-3.0, 2.0, 1.0], [1.0, 3.0, -2.0]]
    amplitudes, variances = [[5.0], [3.0], [2.0]], [[1.0], [2.0], [1.0]]
    map_ = vx.render(
        vx.Gaussians(places, amplitudes, variances), vx.Grid((12, 12, 12), 1.5)
    )
    return vx.FourierMap.from_map(map_)


@jax.jit
def simulated(poses, scopes):
    axes = (None, 0, vx.batch_axes(scopes))
    return jax.vmap(vx.simulate, in_axes=axes)(blobs(), poses, scopes)


def as_eman(path, sign=1, where=None):
    """Write STAR's particle as e2convertrelion.py has it, one number turned around."""
    numbers = {
        "phi": 25.0,
        "theta": 40.0,
        "psi": 70.0,
        "tx": 2.25 / 1.5,
        "ty": -3.375 / 1.5,
        "defocus": 1.2,
        "dfdiff": 0.05,
        "dfang": 35.0,
        "ampcont": 10.0,
    }
    if where is not None:
        numbers[where] *= sign
    n = numbers
    pose = eman.transform(n["phi"] + 90, n["theta"], n["psi"] - 90, n["tx"], n["ty"])
    names = ("defocus", "dfdiff", "dfang")
    ctf = eman.ctf(*(n[k] for k in names), 60.0, n["ampcont"], 300.0, 2.7, 1.5)
    headers = [header(ctf=ctf, **{"xform.projection": pose})]
    return eman.write_hdf(path, np.zeros((1, 12, 12)), headers)


def test_relions_and_eman2s_file_of_a_particle_give_one_image(tmp_path):
    (tmp_path / "a.star").write_text(STAR)
    stacks = {"relion": read_particles(tmp_path / "a.star")}
    stacks["eman"] = read_particles(as_eman(tmp_path / "a.hdf"))
    for name in ("phi", "theta", "psi", "tx", "ty", "defocus", "dfdiff", "dfang",
                 "ampcont"):  # fmt: skip
        stacks[name] = read_particles(as_eman(tmp_path / f"{name}.hdf", -1, name))
    images = {
        name: np.asarray(simulated(stack.poses, stack.microscopes()))[0]
        for name, stack in stacks.items()
    }
    scale = np.abs(images["relion"]).max()
    np.testing.assert_allclose(images["eman"], images["relion"], atol=1e-5 * scale)
    for name in set(images) - {"relion", "eman"}:
        assert np.abs(images[name] - images["relion"]).max() > 1e-3 * scale, name


# Files.


def test_headers_become_poses_optics_and_columns(tmp_path):
    more = {
        "ptcl_source_image": "micrographs/m.hdf",
        "ptcl_source_coord": [100, 220],
        "ptcl_repr": 3,
        "good": True,
        "model_id": 0.5,
        "class_ptcl_idxs": list(range(100)),
    }
    headers = [header(number, **more) for number in range(3)] + [header(3)]
    path = eman.write_hdf(tmp_path / "a.hdf", IMAGES, headers)
    stack = read_particles(path)
    assert file_kind(path) is FileKind.EMAN
    np.testing.assert_array_equal(stack.images(), -IMAGES)
    np.testing.assert_array_equal(stack[2:3].images(), -IMAGES[2:3])
    np.testing.assert_array_equal(
        read_particles(path, contrast="dark").images(), IMAGES
    )
    assert stack.boxes.tolist() == [8] * 4
    assert stack.pixel_sizes.tolist() == [1.5] * 4
    np.testing.assert_allclose(stack.angles[:, 0], [10, 11, 12, 13], atol=1e-4)
    np.testing.assert_allclose(stack.angles[:, 1:], [[30, 30]] * 4, atol=1e-4)
    np.testing.assert_allclose(stack.shifts, [[2.25, -3.375]] * 4)
    np.testing.assert_allclose(stack.defocus, [[12000, 500, 35]] * 4)
    assert stack.b_factors.tolist() == [60.0] * 4
    columns = stack.columns
    assert columns["EMAN.ctf"].tolist() == [CTF] * 4
    assert columns["EMAN.xform.projection"].shape == (4, 12)
    assert columns["EMAN.good"].tolist()[:3] == [1, 1, 1]
    assert np.isnan(columns["EMAN.ptcl_repr"][3])
    assert columns["EMAN.class_ptcl_idxs"][0].startswith("[0,1,2,")
    assert "rlnMicrographName" not in columns
    whole = stack.columns["EMAN.ptcl_source_coord"]
    np.testing.assert_array_equal(whole[:3], [[100, 220]] * 3)
    first = read_particles(eman.write_hdf(tmp_path / "b.hdf", IMAGES[:3], headers[:3]))
    assert first.columns["rlnMicrographName"].tolist() == ["micrographs/m.hdf"] * 3
    assert first.columns["rlnCoordinateX"].tolist() == [100.0] * 3
    assert first.columns["rlnCoordinateY"].tolist() == [220.0] * 3


@pytest.mark.parametrize("bits", [5, 8, 12, 16])
def test_images_of_few_bits(tmp_path, bits):
    path = eman.write_hdf(tmp_path / "a.hdf", IMAGES, [header()] * 4, bits)
    step = (IMAGES.max(axis=(1, 2)) - IMAGES.min(axis=(1, 2))) / (2**bits - 1)
    error = np.abs(read_particles(path).images() + IMAGES).max(axis=(1, 2))
    assert (error <= 0.5001 * step + 1e-6).all()
    assert (error > 0.1 * step).all()


def entries(number=4, **more):
    """Return the lines of a list, last image first."""
    poses = [eman.transform(10.0 * i, 40.0, 5.0, 1.0, -2.0) for i in range(number)]
    return [
        (i, "a.hdf", {"xform.projection": poses[i], "score": -0.5 - i, **more})
        for i in reversed(range(number))
    ]


def test_a_list_goes_before_headers(stack, tmp_path):
    path = eman.write_list(tmp_path / "a.lst", entries(defocus=0.01))
    found = read_particles(path)
    assert file_kind(path) is FileKind.EMAN
    np.testing.assert_array_equal(found.images(), -IMAGES[::-1])
    np.testing.assert_allclose(found.angles[0], [-60, 40, 95], atol=1e-4)
    np.testing.assert_allclose(found.shifts, [[1.5, -3.0]] * 4)
    np.testing.assert_allclose(found.defocus, [[12100, 500, 35]] * 4)
    assert found.columns["EMAN.score"].tolist() == [-3.5, -2.5, -1.5, -0.5]
    assert found.columns["EMAN.ptcl_repr"].tolist() == [1] * 4
    assert "rlnRandomSubset" not in found.columns


def test_halves_and_ctfs_of_a_list(stack, tmp_path):
    ctf = {"__class__": "EMAN2Ctf", "defocus": 2.0, "dfdiff": 0.0, "dfang": 0.0,
           "bfactor": 0.0, "ampcont": 7.0, "voltage": 200.0, "cs": 1.4, "apix": 1.5,
           "dsbg": 0.1, "background": [1.0], "snr": []}  # fmt: skip
    lines = entries(ctf=ctf)
    lines = [(i, f, {**v, "class": n % 2}) for n, (i, f, v) in enumerate(lines)]
    found = read_particles(eman.write_list(tmp_path / "a.lst", lines))
    assert found.columns["rlnRandomSubset"].tolist() == [1, 2, 1, 2]
    assert found.defocus[:, 0].tolist() == [20000.0] * 4
    assert found.voltages.tolist() == [200.0] * 4
    assert found.columns["EMAN.ctf"][0] == "E2 0 0 0 7 200 1.4 1.5 0.1 1,1 0"


OLD = "'type':'eman','az':25.0,'alt':40.0,'phi':5.0,'tx':1.0,'ty':-2.0,'tz':0.0"


@pytest.mark.parametrize(
    "comment",
    [
        f"Transform({{{OLD},'mirror':0,'scale':1.0}})",
        f"-0.5;Transform({{{OLD},'mirror':0,'scale':1.0}})",
        f"{{{OLD},'score':-0.5}}",
    ],
)
def test_lists_of_older_versions(stack, tmp_path, comment):
    path = tmp_path / "a.lst"
    path.write_text(f"#LSX\n# a\n# 200\n2\ta.hdf\t{comment}\n")
    found = read_particles(path)
    np.testing.assert_allclose(found.angles, [[-65, 40, 95]], atol=1e-9)
    np.testing.assert_allclose(found.shifts, [[1.5, -3.0]])
    path.write_text(f"#LST\n2 a.hdf {comment.replace(' ', '')}\n")
    np.testing.assert_allclose(read_particles(path).angles, [[-65, 40, 95]], atol=1e-9)


def test_a_list_is_never_run(stack, tmp_path):
    path = tmp_path / "a.lst"
    code = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    path.write_text(f"#LSX\n# a\n# 200\n2\ta.hdf\t{code}\n1\ta.hdf\t{{{code}:1}}\n")
    found = read_particles(path)
    assert not (tmp_path / "ran").exists()
    assert code in found.columns["EMAN.lst_comment"][0]


def test_lists_name_files_from_the_project(stack, tmp_path):
    (tmp_path / "particles").mkdir()
    (tmp_path / "sets").mkdir()
    shutil.move(stack, tmp_path / "particles" / "a.hdf")
    lines = [(1, "particles/a.hdf", None), (3, "particles/a.hdf", None)]
    path = eman.write_list(tmp_path / "sets" / "a.lst", lines)
    np.testing.assert_array_equal(read_particles(path).images(), -IMAGES[[1, 3]])
    found = read_particles(path, project=tmp_path, strict_paths=True)
    np.testing.assert_array_equal(found.images(), -IMAGES[[1, 3]])
    with pytest.raises(InputError, match="strict paths forbid"):
        read_particles(
            eman.write_list(path, [(1, "../particles/a.hdf", None)]), strict_paths=True
        )


def test_lists_name_mrc_files_too(stack, tmp_path):
    with StackWriter(tmp_path / "m.mrcs", (4, 8, 8), 1.5) as writer:
        writer.append(2 * IMAGES)
    lines = [(1, "m.mrcs", entries()[2][2]), (1, "a.hdf", None)]
    given = {"voltage": 200.0, "spherical_aberration": 2.0, "amplitude_contrast": 0.2}
    path = eman.write_list(tmp_path / "a.lst", lines)
    with pytest.raises(InputError, match=r"row 1 have no ctf.*voltage="):
        read_particles(path)
    found = read_particles(path, defaults=given)
    np.testing.assert_array_equal(found.images(), [-2 * IMAGES[1], -IMAGES[1]])
    assert found.voltages.tolist() == [200.0, 300.0]
    assert found.defocus is None
    with pytest.raises(InputError, match="row 1 have no ctf in their headers"):
        _ = found.lenses


def test_images_need_not_be_there(tmp_path):
    given = {"voltage": 200.0, "spherical_aberration": 2.0, "amplitude_contrast": 0.2}
    path = eman.write_list(tmp_path / "a.lst", entries())
    found = read_particles(path, **given, pixel_size=1.2)
    np.testing.assert_allclose(found.shifts[0], [1.2, -2.4])
    with pytest.raises(InputError, match=r"a\.hdf isn't found"):
        found.images()
    with pytest.raises(InputError, match="pixel size isn't known"):
        read_particles(path, **given)


# Remarks.


def test_warns_of_flipped_phases_sphire_and_pixel_sizes(stack, tmp_path):
    flipped = tmp_path / "a__ctf_flip.hdf"
    shutil.copy(stack, flipped)
    with pytest.warns(InputWarning, match="phases of .*ctf_flip.hdf are flipped"):
        read_particles(flipped)
    path = eman.write_hdf(tmp_path / "b.hdf", IMAGES[:1], [header(ctf_applied=0)])
    with pytest.warns(InputWarning, match="as those of SPHIRE do"):
        read_particles(path)
    other = header() | {"apix_x": 3.0}
    path = eman.write_hdf(tmp_path / "c.hdf", IMAGES[:1], [other])
    with pytest.warns(InputWarning, match="apix_x is 3 Å and that of ctf 1.5 Å"):
        assert read_particles(path).pixel_sizes.tolist() == [3.0]
    unknown = header() | {"apix_x": 1.0}
    path = eman.write_hdf(tmp_path / "d.hdf", IMAGES[:1], [unknown])
    with pytest.warns(InputWarning, match="1.5 was taken"):
        assert read_particles(path).pixel_sizes.tolist() == [1.5]


def test_problems_of_files(stack, tmp_path):
    assert vx.io.eman_problems(stack) == []
    lines = [*entries(), (0, "lost.hdf", entries()[0][2] | {"ctf": CTF, "apix_x": 1.5})]
    path = eman.write_list(tmp_path / "a.lst", lines)
    assert [p.where for p in vx.io.eman_problems(path)] == ["stack lost.hdf"]
    path = eman.write_list(tmp_path / "a.lst", entries())
    path.write_text(path.read_text().rstrip() + "\n")
    assert [p.where for p in vx.io.eman_problems(path)] == ["lines"]
    content = path.read_text().replace("3\ta.hdf", "9\ta.hdf")
    path.write_text(content)
    found = vx.io.eman_problems(path)
    assert any("asks for image 9 of a.hdf, which holds 4" in p.what for p in found)


def test_says_that_h5py_is_needed(stack, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"h5py isn't installed; do pip install"):
        read_particles(stack)


# Files that are damaged, or mean harm.


def external_link(images):
    del images["1"]
    images["1"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(images):
    del images["1"]
    images["1"] = h5py.SoftLink("/MDF/images/0")


def linked_pixels(images):
    del images["1/image"]
    images["1/image"] = h5py.ExternalLink("other.hdf", "/MDF/images/0/image")


def virtual_pixels(images):
    del images["1/image"]
    layout = h5py.VirtualLayout((8, 8), "f4")
    layout[:] = h5py.VirtualSource("other.hdf", "/MDF/images/0/image", (8, 8))
    images["1"].create_virtual_dataset("image", layout)


def pixels_elsewhere(images):
    del images["1/image"]
    images["1"].create_dataset(
        "image", (8, 8), "f4", external=[("/etc/passwd", 0, 256)]
    )


def huge_pixels(images):
    del images["1/image"]
    images["1"].create_dataset("image", (65000, 65000), "f4", chunks=(65, 65))


def huge_chunks(images):
    del images["1/image"]
    images["1"].create_dataset(
        "image", (8, 8), "f4", maxshape=(None, None), chunks=(30000, 30000)
    )


def volume(images):
    del images["1/image"]
    images["1"].create_dataset("image", data=np.zeros((8, 8, 8), np.float32))


def text_pixels(images):
    del images["1/image"]
    images["1"].create_dataset("image", data=np.full((8, 8), b"a"))


def odd_float():
    """Return a type of reals whose bits lie where no others have them."""
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(31, 24, 7, 0, 24)
    kind.set_ebias(63)
    return kind


def odd_pixels(images):
    del images["1/image"]
    space = h5py.h5s.create_simple((8, 8))
    h5py.h5d.create(images["1"].id, b"image", odd_float(), space)


def filtered_pixels(images):
    del images["1/image"]
    pixels = np.zeros((8, 8), np.int32)
    images["1"].create_dataset("image", data=pixels, scaleoffset=0)


def nan_pixels(images):
    images["1/image"][3, 3] = np.nan


def group_for_pixels(images):
    del images["1/image"]
    images["1"].create_group("image")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (linked_pixels, "image in it is a link to another place or file"),
        (virtual_pixels, "its pixels are in another file"),
        (pixels_elsewhere, "its pixels are in another file"),
        (huge_pixels, "cannot be in the 0 that the file has for it"),
        (huge_chunks, "packed in a way that EMAN2 doesn't use"),
        (volume, "it is of 8 × 8 × 8 pixels, not a plane"),
        (text_pixels, "its pixels aren't integers or floats"),
        (odd_pixels, "its pixels aren't integers or floats"),
        (filtered_pixels, "packed in a way that EMAN2 doesn't use"),
        (nan_pixels, "1 of its 64 pixels are NaN"),
        (group_for_pixels, "it has no pixels"),
    ],
)
def test_pixels_that_cannot_be(stack, change, message):
    path = changed(stack, change)
    np.testing.assert_array_equal(read_particles(path)[:1].images(), -IMAGES[:1])
    with pytest.raises(InputError, match=message):
        read_particles(path).images()


def count_of(value):
    def change(images):
        images.attrs.create("imageid_max", value)

    return change


def attribute_of(name, value, dtype=None):
    def change(images):
        images["1"].attrs.create(f"EMAN.{name}", value, dtype=dtype)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external_link, "1 in it is a link to another place or file"),
        (soft_link, "1 in it is a link to another place or file"),
        (count_of(np.int32(100)), "its last image is 100 and holds 4"),
        (count_of(2.5), "its last image is 2.5"),
        (count_of(-1), "it holds no images"),
        (lambda images: images.attrs.pop("imageid_max"), "imageid_max"),
        (lambda images: images.pop("2"), "last image is 3 and holds 3"),
        (attribute_of("a", h5py.Empty("f4")), "damaged|type"),
        (attribute_of("a", ["b", "c"]), "it is several texts"),
        (attribute_of("a", np.zeros(1, [("x", "f4")])), "isn't a Transform"),
        (attribute_of("xform.projection", 3.0), "isn't a Transform in row 2"),
        (attribute_of("xform.projection", "eman"), "isn't a Transform in row 2"),
        (attribute_of("ctf", "E1 2"), "'E1 2' isn't a CTF of EMAN2"),
        (attribute_of("ctf", "Enan 0 0 0 0 300 2 1 0 0 0"), "isn't a CTF of EMAN2"),
        (attribute_of("ctf", 5.0), "isn't a CTF of EMAN2"),
        (attribute_of("nz", np.int32(8)), "are volumes in row 2"),
        (attribute_of("nx", np.int32(9)), "aren't square in row 2"),
    ],
)
def test_headers_that_cannot_be(stack, change, message):
    path = changed(stack, change)
    with pytest.raises(InputError, match=message):
        read_particles(path)


def test_numbers_of_odd_bits_are_refused(stack):
    def change(images):
        space = h5py.h5s.create_simple((1,))
        h5py.h5a.create(images["1"].id, b"EMAN.a", odd_float(), space)

    with pytest.raises(InputError, match="its type is none that EMAN2 writes"):
        read_particles(changed(stack, change))


def test_texts_of_any_length(stack):
    """As EMAN3 writes them through h5py."""

    def change(images):
        for image in images.values():
            image.attrs["EMAN.ctf"] = CTF.replace("E1.2", "E1.3")

    path = changed(stack, change)
    assert read_particles(path).defocus[:, 0].tolist() == [13000.0] * 4


def test_references_are_refused(stack):
    def change(images):
        reference = np.array([images.ref], h5py.ref_dtype)
        images["1"].attrs.create("EMAN.a", reference, dtype=h5py.ref_dtype)

    with pytest.raises(InputError, match="its type is none that EMAN2 writes"):
        read_particles(changed(stack, change))


@pytest.mark.parametrize(
    ("pose", "message"),
    [
        (np.zeros((3, 4)), "magnifies the object in row 1"),
        (eman.transform(1, 2, 3, scale=1.2), "magnifies the object in row 1"),
        (np.full((3, 4), np.nan), "isn't finite in row 1"),
        (np.eye(3, 4)[[0, 0, 2]] + np.eye(3, 4)[[2, 1, 1]] * 0.9, "row 1"),
        (np.diag([2.0, 0.5, 1.0, 0.0])[:3], "isn't a rotation in row 1"),
    ],
)
def test_poses_that_cannot_be(tmp_path, pose, message):
    path = tmp_path / "a.hdf"
    eman.write_hdf(path, IMAGES[:1], [header(**{"xform.projection": pose})])
    with pytest.raises(InputError, match=message):
        read_particles(path)


def test_files_cut_short_or_of_another_kind(stack, tmp_path):
    content = stack.read_bytes()
    stack.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged or cut short"):
        read_particles(stack)
    with h5py.File(tmp_path / "b.hdf", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="it has no MDF in /"):
        read_particles(tmp_path / "b.hdf")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "it lists no images"),
        ("a.hdf\t0", "line 4 of .* isn't the number of an image"),
        ("7", "line 4 of .* isn't the number of an image"),
        ("-1\ta.hdf", "isn't the number of an image"),
        ("99999999999\ta.hdf", "isn't the number of an image"),
        ("4\ta.hdf", "asks for image 4 of a.hdf, which holds 4"),
        ('0\ta.hdf\t{"xform.projection":{"__class__":"Transform","matrix":[1]}}',
         "its matrix isn't twelve numbers"),
        ('0\ta.hdf\t{"defocus":"x"}', "defocus of .* isn't a number of micrometres"),
        ('0\ta.hdf\t{"ctf":[1]}', "isn't a CTF of EMAN2"),
        ("0\ta.lst", "a list, too"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be(stack, tmp_path, line, message):
    path = tmp_path / "a.lst"
    path.write_text(f"#LSX\n# a\n# 20\n{line}\n")
    with pytest.raises(InputError, match=message):
        read_particles(path)


# Writing.


def test_written_files_are_eman2s(stack, tmp_path):
    """Types of attributes are those that hdfio2.cpp reads."""
    particles = read_particles(stack)
    out = tmp_path / "out"
    out.mkdir()
    write_particles(out / "b.lst", particles, layout=EMAN2())
    with h5py.File(out / "b.hdf") as file:
        images = file["MDF/images"]
        assert images.attrs["imageid_max"].tolist() == [3]
        assert images.attrs["imageid_max"].dtype == np.int32
        np.testing.assert_array_equal(images["2/image"], IMAGES[2])
        attributes = images["2"].attrs
        assert attributes["EMAN.nx"].dtype == np.int32
        assert attributes["EMAN.apix_x"].dtype == np.float32
        pose = attributes["EMAN.xform.projection"]
        assert pose.dtype == eman.TRANSFORM
        np.testing.assert_allclose(
            pose[0].tolist(),
            eman.transform(102, 30, -60, 1.5, -2.25).ravel(),
            atol=1e-6,
        )
        text = attributes.get_id("EMAN.ctf")
        assert text.shape == ()
        assert not text.get_type().is_variable_str()
        assert attributes["EMAN.ctf"].decode() == "E1.2 0.05 35 60 10 300 2.7 1.5 0 0 0"
    first, comment, length, *lines = (out / "b.lst").read_text().split("\n")
    assert (first, comment[0], lines[-1]) == ("#LSX", "#", "")
    assert {len(line) + 1 for line in lines[:-1]} == {int(length[1:])}
    assert lines[1].split("\t")[:2] == ["1", "b.hdf"]
    for name in ("b.lst", "b.hdf"):
        back = read_particles(out / name)
        np.testing.assert_array_equal(back.images(), particles.images())
        np.testing.assert_allclose(back.shifts, particles.shifts, atol=1e-6)
        np.testing.assert_allclose(back.defocus, particles.defocus)
        assert set(particles.columns) <= set(back.columns)


def test_what_eman2_has_no_attributes_for_is_kept(tmp_path):
    poses = vx.Pose.uniform(jax.random.key(0), 4)
    settings = {"beam_tilt": (0.2, -0.1), "even_zernike": (0.0, 0.5)}
    optics = vx.image.OpticsGroup(1.5, 300.0, box=8, **settings)
    lens = vx.Lens(defocus=1.2e4, phase_shift=80.0, **settings)
    columns = {"rlnClassNumber": np.arange(4), "rlnLabel": np.array(list("abcd"))}
    stack = vx.ParticleStack.from_arrays(IMAGES, poses, lens, optics, columns)
    with pytest.warns(InputWarning, match=r"/a\.lst: EMAN2 won't see beam_tilt, even"):
        write_particles(tmp_path / "a.lst", stack, layout=EMAN2())
    back = read_particles(tmp_path / "a.lst")
    assert back.optics[0].beam_tilt == (0.2, -0.1)
    assert back.optics[0].even_zernike == (0.0, 0.5)
    np.testing.assert_allclose(back.phase_shifts, 80.0)
    np.testing.assert_allclose(back.shared("amplitude_contrast"), 0.07)
    assert back.columns["rlnClassNumber"].tolist() == [0, 1, 2, 3]
    assert back.columns["rlnLabel"].tolist() == list("abcd")
    alone = read_particles(tmp_path / "a.hdf")
    total = 80.0 + np.degrees(np.arcsin(0.07))
    np.testing.assert_allclose(
        alone.phase_shifts + np.degrees(np.arcsin(alone.shared("amplitude_contrast"))),
        total,
    )


def test_particles_without_poses_or_defocus(tmp_path):
    path = eman.write_hdf(tmp_path / "a.hdf", IMAGES, [{"apix_x": 1.5}] * 4)
    given = {"voltage": 200.0, "spherical_aberration": 2.0, "amplitude_contrast": 0.2}
    stack = read_particles(path, **given)
    with pytest.raises(InputError, match=r"rows 1, 2, 3, 4 have no xform\.projection"):
        _ = stack.poses
    write_particle_table(tmp_path / "b.lst", stack, layout=EMAN2())
    back = read_particles(tmp_path / "b.lst")
    assert back.angles is None
    assert back.defocus is None
    assert back.voltages.tolist() == [200.0] * 4
    np.testing.assert_array_equal(back.images(), -IMAGES)


def test_others_are_told_that_they_cannot_read_hdf5(stack, tmp_path):
    particles = read_particles(stack)
    with pytest.raises(InputError, match="HDF5, which Relion doesn't read"):
        write_particle_table(tmp_path / "b.star", particles)
    write_particles(tmp_path / "b.star", particles)
    back = read_particles(tmp_path / "b.star")
    np.testing.assert_array_equal(back.images(), particles.images())
    np.testing.assert_allclose(back.shifts, particles.shifts, atol=1e-6)
    assert back.columns["EMAN.ctf"].tolist() == [CTF] * 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"voltage": 200.0}, r"--kv\) 200 for .* because its ctf is 300"),
        ({"spherical_aberration": 1.0}, r"its ctf is 2\.7"),
        ({"amplitude_contrast": 0.5}, r"its ctf is 0\.1"),
        ({"pixel_size": 2.0}, r"its pixel size is 1\.5"),
    ],
)
def test_what_contradicts_the_headers_is_refused(stack, given, message):
    with pytest.raises(InputError, match=message):
        read_particles(stack, **given)
    assert read_particles(stack, defaults=given).voltages[0] == 300.0


def test_names_with_spaces_are_refused(stack, tmp_path):
    spaced = tmp_path / "a b.hdf"
    shutil.move(stack, spaced)
    with pytest.raises(InputError, match=r"/b\.lst for EMAN2 .* has spaces"):
        write_particle_table(tmp_path / "b.lst", read_particles(spaced), layout=EMAN2())
