import json

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import (
    InputError,
    InputWarning,
    LeopardEM,
    StackWriter,
    leopard_problems,
    read_particles,
    write_particle_table,
    write_particles,
)


MICROGRAPH = np.random.default_rng(0).normal(size=(40, 48)).astype(np.float32)
TEMPLATE = 16
ROW = {
    "particle_index": 0,
    "mip": 9.5,
    "scaled_mip": 8.25,
    "correlation_mean": 0.1,
    "correlation_variance": 0.9,
    "total_correlations": 1000000,
    "pos_x": 20 - TEMPLATE // 2,
    "pos_y": 12 - TEMPLATE // 2,
    "pos_x_img": 20,
    "pos_y_img": 12,
    "pos_x_img_angstrom": 21.2,
    "pos_y_img_angstrom": 12.72,
    "phi": 10.0,
    "theta": 20.0,
    "psi": 30.0,
    "relative_defocus": 200.0,
    "defocus_u": 6000.0,
    "defocus_v": 5800.0,
    "astigmatism_angle": -41.5,
    "pixel_size": 1.06,
    "refined_pixel_size": 1.06,
    "voltage": 300.0,
    "spherical_aberration": 2.7,
    "amplitude_contrast_ratio": 0.07,
    "phase_shift": 15.0,
    "ctf_B_factor": 60.0,
    "even_zernikes": "",
    "odd_zernikes": "",
    "mag_matrix": "",
    "micrograph_path": "mic.mrc",
    "template_path": "template.mrc",
    "mip_path": "mip.mrc",
    "scaled_mip_path": "s.mrc",
    "psi_path": "psi.mrc",
    "theta_path": "theta.mrc",
    "phi_path": "phi.mrc",
    "defocus_path": "d.mrc",
    "correlation_average_path": "a.mrc",
    "correlation_variance_path": "v.mrc",
}


def csv(path, *rows):
    """Write rows as pandas does."""
    names = list(rows[0])
    lines = [",".join(names)]
    for row in rows:
        words = [str(row[name]) for name in names]
        quoted = ['"' + w.replace('"', '""') + '"' if "," in w or '"' in w else w
                  for w in words]  # fmt: skip
        lines.append(",".join(quoted))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder with a micrograph, protein dark."""
    with StackWriter(tmp_path / "mic.mrc", (1, *MICROGRAPH.shape), 1.06) as writer:
        writer.append(MICROGRAPH[None])
    return tmp_path


@pytest.fixture
def path(folder):
    second = {**ROW, "particle_index": 1, "pos_x_img": 1, "pos_y_img": 38, "psi": 31.0}
    return csv(folder / "particles.csv", ROW, second)


def test_numbers(path):
    stack = read_particles(path, box=8)
    np.testing.assert_array_equal(stack.angles, [[10, 20, 30], [10, 20, 31]])
    np.testing.assert_array_equal(stack.shifts, 0.0)
    np.testing.assert_allclose(stack.defocus[0], [6100.0, 200.0, -41.5])
    assert stack.phase_shifts[0] == 15.0
    assert stack.b_factors[0] == 60.0
    group = stack.optics[0]
    assert (group.pixel_size, group.voltage, group.box) == (1.06, 300.0, 8)
    assert stack.columns["rlnCoordinateX"].tolist() == [20, 1]
    assert stack.columns["rlnMicrographName"].tolist() == ["mic.mrc"] * 2
    assert stack.columns["mip"].tolist() == [9.5, 9.5]


def test_images_are_cut_around_the_centre_and_filled_with_the_mean(path):
    images = read_particles(path, box=8).images()
    np.testing.assert_array_equal(images[0], MICROGRAPH[8:16, 16:24])
    np.testing.assert_array_equal(images[1][:6, 3:], MICROGRAPH[34:40, 0:5])
    outside = np.ones((8, 8), bool)
    outside[:6, 3:] = False
    np.testing.assert_allclose(images[1][outside], MICROGRAPH.mean(), rtol=1e-5)
    white = read_particles(path, box=8, contrast="white")
    np.testing.assert_array_equal(white.images(), -images)
    odd = read_particles(path, box=7).images()[0]
    assert odd[3, 3] == MICROGRAPH[12, 20]


def test_the_box_must_be_known_for_images_alone(path):
    stack = read_particles(path)
    assert len(stack.lenses.defocus) == 2
    with pytest.raises(InputError, match=r"the box isn't known; do give it as box="):
        stack.images()
    with pytest.raises(ValueError, match="box=0"):
        read_particles(path, box=0)


def test_outside_of_the_micrograph_is_an_error(folder):
    path = csv(folder / "a.csv", {**ROW, "pos_x_img": 48})
    with pytest.raises(InputError, match=r"row 1 .*it is at \(48, 12\)"):
        read_particles(path, box=8).images()
    assert ("row 1", "it lies outside of mic.mrc") in [
        (p.where, p.what) for p in leopard_problems(path)
    ]


def test_refined_values_go_first(folder):
    more = {
        "refined_phi": 11.0,
        "refined_theta": 21.0,
        "refined_psi": 31.0,
        "refined_pos_x_img": 21,
        "refined_pos_y_img": 13,
        "refined_relative_defocus": -100.0,
        "refined_pixel_size": 1.05,
    }
    stack = read_particles(csv(folder / "a.csv", {**ROW, **more}), box=8)
    np.testing.assert_array_equal(stack.angles, [[11.0, 21.0, 31.0]])
    np.testing.assert_array_equal(stack.images()[0], MICROGRAPH[9:17, 17:25])
    assert stack.defocus[0, 0] == 5800.0
    assert stack.optics[0].pixel_size == 1.05


def test_refined_values_that_are_not_numbers_are_passed_over(folder):
    for value in ("", "nan"):
        path = csv(folder / "a.csv", {**ROW, "refined_relative_defocus": value})
        with pytest.warns(InputWarning, match="refined defocus aren't all numbers"):
            assert read_particles(path).defocus[0, 0] == 6100.0


CONFIGURATION = """# a comment
template_volume_path: /some/template.mrc
particle_stack:
  df_path: particles.csv  # a CSV file
  extracted_box_size: [8, 8]
  original_template_size: [16, 16]
computational_config: {gpu_ids: 0, num_cpus: 1}
"""


def test_configurations_name_table_and_box(path):
    yaml = path.with_name("refine.yaml")
    yaml.write_text(CONFIGURATION)
    stack = read_particles(yaml)
    np.testing.assert_array_equal(stack.images(), read_particles(path, box=8).images())
    assert read_particles(yaml, box=6).optics[0].box == 6
    assert not [p for p in leopard_problems(yaml) if p.is_fixable]


def test_corners_are_enough_where_the_template_is_known(folder):
    row = {n: v for n, v in ROW.items() if not n.startswith(("pos_x_i", "pos_y_i"))}
    path = csv(folder / "particles.csv", row)
    with pytest.raises(InputError, match="no column pos_x_img"):
        read_particles(path)
    (folder / "a.yaml").write_text(CONFIGURATION)
    image = read_particles(folder / "a.yaml").images()[0]
    np.testing.assert_array_equal(image, MICROGRAPH[8:16, 16:24])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("particle_stack:\n  df_path: a.csv\n  df_path: b.csv\n", "stands twice"),
        ("particle_stack: !!python/object/apply:os.getcwd []\n", "isn't plain YAML"),
        ("particle_stack: 5\n", "has no df_path"),
        ("match_template_result:\n  mip_path: a.mrc\n", "has no df_path"),
        ("df_path: 1e-3\n", "has no df_path"),
        ("df_path: gone.csv\n", "gone.csv isn't found"),
        ("df_path: particles.csv\nextracted_box_size: [8, 9]\n", "boxes are square"),
        ("df_path: particles.csv\nextracted_box_size: 1:30\n", "boxes are square"),
        ("df_path: particles.csv\nextracted_box_size: [1e9]\n", "boxes are square"),
        ("particle_stack_reference: {}\nparticle_stack_constrained: {}\n", "choose"),
    ],
)
def test_odd_configurations_are_refused(path, text, message):
    yaml = path.with_name("a.yaml")
    yaml.write_text(text)
    with pytest.raises(InputError, match=message):
        read_particles(yaml)
    assert leopard_problems(yaml)


HEADER = ",".join(ROW) + "\n"
LINE = ",".join(map(str, ROW.values())) + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + LINE + LINE.replace("9.5,", "", 1), "line 3 .*38 values.*39 columns"),
        (HEADER + LINE.rstrip() + ",1\n", "line 2 .*40 values"),
        (HEADER + LINE[: len(LINE) // 2], "line 2"),
        (HEADER + LINE.replace("9.5", '"9.5', 1), "line"),
        (HEADER + LINE.replace("9.5", "9" * 140_000, 1), "field larger"),
        (HEADER.replace("mip,", "psi,", 1) + LINE, "column psi comes twice"),
        (HEADER + LINE + LINE.replace("30.0", "x30"), "psi .*'x30' in row 2"),
        (HEADER + LINE.replace("30.0", "nan"), "psi .*NaN or infinite in row 1"),
        (HEADER + LINE.replace("mic.mrc", ""), "micrograph_path .*empty in row 1"),
        (HEADER + LINE.replace("200.0", "inf"), "NaN or infinite"),
        (HEADER.replace("voltage", "volt") + LINE, "no column voltage.*or give"),
        (HEADER + LINE.replace("300.0", "-1.0"), "voltage"),
        (HEADER + LINE.replace(",20,", ",2e300,"), "beyond any micrograph"),
        (HEADER, "no rows"),
        ("\xff" + HEADER, "isn't UTF-8"),
        ("phi,theta,psi\x00\n1,2,3\n", "no column|line"),
    ],
)
def test_bad_tables_are_refused(folder, text, message):
    (folder / "a.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        read_particles(folder / "a.csv", box=8)
    assert leopard_problems(folder / "a.csv")


def test_what_pandas_adds_and_byte_order_marks_are_read(folder):
    text = "\ufeff,Unnamed: 0," + HEADER + "0,0," + LINE
    (folder / "a.csv").write_text(text, encoding="utf-8")
    columns = read_particles(folder / "a.csv").columns
    assert columns["unnamed"].tolist() == [0]
    assert columns["Unnamed:_0"].tolist() == [0]
    lines = (folder / "a.csv").read_bytes().replace(b"\n", b"\r\n")
    (folder / "a.csv").write_bytes(lines)
    assert len(read_particles(folder / "a.csv")) == 1


ODD = {"Z31c": 2.0, "Z31s": -1.0, "Z33c": 0.5, "Z33s": 3.0}
EVEN = {"Z42c": 1.0, "Z42s": -2.0, "Z44c": 3.0, "Z44s": 4.0, "Z60": 5.0}
MATRIX = [1.02, 0.01, -0.03, 0.99]


def with_aberrations(folder):
    more = {
        "odd_zernikes": json.dumps(ODD),
        "even_zernikes": json.dumps(EVEN),
        "mag_matrix": str(MATRIX),
    }
    return csv(folder / "a.csv", {**ROW, **more})


def test_aberrations_are_the_polynomials_that_torch_ctf_has(folder):
    """Phases of lenses, against sums over k and its azimuth from x towards y."""
    group = read_particles(with_aberrations(folder)).optics[0]
    kx, ky = np.meshgrid(np.linspace(-0.4, 0.4, 9), np.linspace(-0.3, 0.3, 7))
    k, a = np.hypot(kx, ky), np.arctan2(ky, kx)
    odd = k**3 * (2 * np.cos(a) - np.sin(a) + 0.5 * np.cos(3 * a) + 3 * np.sin(3 * a))
    even = k**4 * (np.cos(2 * a) - 2 * np.sin(2 * a) + 3 * np.cos(4 * a))
    even += k**4 * 4 * np.sin(4 * a) + 5 * k**6
    np.testing.assert_allclose(zernike(group.odd_zernike, k, a, 1), odd, atol=1e-12)
    np.testing.assert_allclose(zernike(group.even_zernike, k, a, 0), even, atol=1e-12)
    # The inverse's transpose, of a matrix whose rows and columns are y, x.
    real = np.array(MATRIX).reshape(2, 2)[::-1, ::-1]
    expected = np.linalg.inv(real).T
    np.testing.assert_allclose(np.reshape(group.magnification, (2, 2)), expected)


def zernike(coefficients, k, a, parity):
    """Return RELION's sum of Zernike polynomials, not normalised."""
    radial = {
        (1, 1): k,
        (3, 1): 3 * k**3 - 2 * k,
        (3, 3): k**3,
        (0, 0): k**0,
        (2, 0): 2 * k**2 - 1,
        (2, 2): k**2,
        (4, 0): 6 * k**4 - 6 * k**2 + 1,
        (4, 2): 4 * k**4 - 3 * k**2,
        (4, 4): k**4,
        (6, 0): 20 * k**6 - 30 * k**4 + 12 * k**2 - 1,
    }
    orders = [(n, m) for n in range(parity, 8, 2) for m in range(-n, n + 1, 2)]
    total = np.zeros_like(k)
    for (n, m), c in zip(orders, coefficients, strict=False):
        if c:
            wave = np.cos(m * a) if m >= 0 else np.sin(-m * a)
            total += c * radial[n, abs(m)] * wave
    return total


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("odd_zernikes", "[1]", "isn't JSON such as"),
        ("odd_zernikes", "{'Z31c': 1}", "isn't JSON such as"),
        ("odd_zernikes", '{"Z51c": 1}', "Z51c isn't known"),
        ("even_zernikes", '{"Z60": NaN}', "known or finite"),
        ("even_zernikes", "[" * 5000, "isn't JSON such as"),
        ("mag_matrix", "[1, 2, 3]", "isn't four numbers"),
        ("mag_matrix", "[0, 0, 0, 0]", "isn't four numbers"),
        ("mag_matrix", "5", "isn't four numbers"),
    ],
)
def test_bad_aberrations_are_refused(folder, column, value, message):
    path = csv(folder / "a.csv", {**ROW, column: value})
    with pytest.raises(InputError, match=message):
        read_particles(path)


def assert_same(one, other):
    np.testing.assert_allclose(one.angles, other.angles, atol=1e-9)
    np.testing.assert_allclose(one.shifts, other.shifts, atol=1e-6)
    np.testing.assert_allclose(one.defocus, other.defocus, atol=1e-6)
    np.testing.assert_allclose(one.phase_shifts, other.phase_shifts)
    for a, b in zip(one.optics, other.optics, strict=True):
        for name in ("odd_zernike", "even_zernike", "magnification", "beam_tilt"):
            left, right = (np.array(getattr(g, name) or ()) for g in (a, b))
            size = max(len(left), len(right))
            both = [np.pad(v, (0, size - len(v))) for v in (left, right)]
            np.testing.assert_allclose(*both, atol=1e-12)


def test_there_and_back(folder):
    stack = read_particles(with_aberrations(folder), box=8)
    write_particle_table(folder / "b.csv", stack, layout=LeopardEM(template=TEMPLATE))
    back = read_particles(folder / "b.csv", box=8)
    assert_same(stack, back)
    np.testing.assert_array_equal(stack.images(), back.images())
    for name, column in stack.columns.items():
        if name not in ("even_zernikes", "odd_zernikes", "mag_matrix"):
            found = back.columns[name].tolist()
            assert found == pytest.approx(column.tolist()), name
    assert json.loads(back.columns["odd_zernikes"][0]) == pytest.approx(ODD)
    assert json.loads(back.columns["even_zernikes"][0]) == pytest.approx(EVEN)
    assert not leopard_problems(folder / "b.csv")


def relion(**more):
    """Return two particles with coordinates in a micrograph."""
    optics = vx.image.OpticsGroup(1.06, 300.0, 2.7, 0.07, 8, "mine", **more)
    lenses = jax.vmap(lambda d: vx.Lens(d, -300.0, 20.0, **more))(np.array([5e3, 6e3]))
    angles = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    shifts = np.array([[1.5, -0.25], [0.0, 3.0]])
    poses = jax.vmap(vx.Pose.from_euler)(*angles.T, shifts)
    columns = {
        "rlnMicrographName": np.array(["mic.mrc"] * 2, np.dtypes.StringDType()),
        "rlnCoordinateX": np.array([20.0, 30.0]),
        "rlnCoordinateY": np.array([12.0, 15.0]),
        "mine": np.array(['a "quoted", text', ""], np.dtypes.StringDType()),
        "pose": np.arange(6.0).reshape(2, 3),
    }
    images = np.zeros((2, 8, 8), np.float32)
    return vx.ParticleStack.from_arrays(images, poses, lenses, optics, columns)


def test_particles_of_relion_as_leopard_s(folder):
    odd = (0.5, 0.0, 1.0, 2.0, 3.0, 4.0)
    stack = relion(beam_tilt=(0.1, 0.2), odd_zernike=odd)
    with pytest.warns(InputWarning, match="rlnOddZernike, rlnBeamTiltX, rlnBeamTiltY"):
        write_particle_table(folder / "a.csv", stack, layout=LeopardEM())
    back = read_particles(folder / "a.csv", box=8)
    # 20 + 1.5 / 1.06 = 21.4 pixels: 21, and 0.4 that stays.
    assert back.columns["pos_x_img"].tolist() == [21, 30]
    assert back.columns["pos_y_img"].tolist() == [12, 18]
    where = [s.shifts[:, 0] / 1.06 + s.columns["rlnCoordinateX"] for s in (stack, back)]
    np.testing.assert_allclose(*where)
    assert np.abs(back.shifts).max() <= 0.5 * 1.06
    # Leopard-EM takes the larger defocus to be at the angle.
    assert (back.defocus[:, 1] == 300.0).all()
    ctfs = [np.asarray(s[:1].microscope(0).ctf()) for s in (stack, back)]
    np.testing.assert_allclose(*ctfs, atol=1e-5)
    np.testing.assert_allclose(back.optics[0].odd_zernike, odd, atol=1e-12)
    assert back.optics[0].beam_tilt == (0.1, 0.2)
    assert back.columns["mine"].tolist() == stack.columns["mine"].tolist()
    np.testing.assert_array_equal(back.columns["pose"], stack.columns["pose"])


def test_what_leopard_needs_is_said(folder):
    import dataclasses

    stack = dataclasses.replace(relion(), columns={}, angles=None)
    with pytest.raises(InputError, match=r"lack rlnMicrographName.*the angles"):
        write_particle_table(folder / "a.csv", stack, layout=LeopardEM())
    with pytest.raises(InputError, match="do write the table alone"):
        write_particles(folder / "a.csv", relion(), layout=LeopardEM())
    assert [each.name for each in folder.iterdir()] == ["mic.mrc"]


def test_cut_images_become_a_stack_of_relion_s(path):
    stack = read_particles(path, box=8)
    write_particles(path.with_name("r.star"), stack)
    back = read_particles(path.with_name("r.star"))
    np.testing.assert_array_equal(back.images(), stack.images())
    assert back.columns["scaled_mip"].tolist() == [8.25, 8.25]
    assert back.columns["rlnCoordinateY"].tolist() == [12, 38]


def test_the_larger_defocus_first_is_asked_for(folder):
    path = csv(folder / "a.csv", {**ROW, "defocus_u": 5000.0})
    with pytest.warns(InputWarning, match="defocus_u is less than defocus_v in row 1"):
        read_particles(path)


def test_problems(path):
    assert not leopard_problems(path)
    row = {n: v for n, v in ROW.items() if n != "mip_path"}
    second = {**row, "voltage": 200.0, "micrograph_path": "gone.mrc"}
    where = [p.where for p in leopard_problems(csv(path, row, second))]
    assert where == ["columns", "column voltage", "row 2"]
