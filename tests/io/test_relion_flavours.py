import warnings

import numpy as np
import pytest

import vitrax as vx
from vitrax.io import (
    InputError,
    InputWarning,
    StackWriter,
    StarTable,
    particle_tables,
    read_particles,
    read_star,
    write_particle_table,
    write_particles,
    write_star,
)


COUNT, BOX = 3, 8
OPTICS = {
    "rlnOpticsGroup": [1, 2],
    "rlnOpticsGroupName": ["first", "second"],
    "rlnVoltage": [300.0, 200.0],
    "rlnSphericalAberration": [2.7, 2.0],
    "rlnAmplitudeContrast": [0.1, 0.07],
    "rlnImagePixelSize": [1.5, 1.5],
    "rlnImageSize": [BOX, BOX],
    "rlnImageDimensionality": [2, 2],
}
PARTICLES = {
    "rlnImageName": [f"{i + 1:06d}@a.mrcs" for i in range(COUNT)],
    "rlnOpticsGroup": [1, 2, 1],
    "rlnAngleRot": [10.0, 20.0, 30.0],
    "rlnAngleTilt": [80.0, 81.0, 82.0],
    "rlnAnglePsi": [-10.0, 0.0, 10.0],
    "rlnDefocusU": [1e4] * COUNT,
    "rlnDefocusV": [9e3] * COUNT,
    "rlnDefocusAngle": [30.0] * COUNT,
    "rlnCtfScalefactor": [1.0, 0.5, 0.25],
    "rlnCtfBfactor": [0.0, 20.0, 40.0],
    "rlnNormCorrection": [0.9, 1.0, 1.1],
    "rlnGroupName": ["g1", "g1", "g2"],
}


def without(columns, *names):
    return {name: column for name, column in columns.items() if name not in names}


def star(folder, optics=None, particles=None, **others):
    tables = {n: StarTable(t) for n, t in others.items()}
    tables["optics"] = StarTable(OPTICS if optics is None else optics)
    tables["particles"] = StarTable(PARTICLES if particles is None else particles)
    write_star(folder / "a.star", tables)
    return folder / "a.star"


def text(folder, content):
    (folder / "a.star").write_text(content)
    return folder / "a.star"


def test_scales_and_envelopes_are_those_of_the_particles(tmp_path):
    stack = read_particles(star(tmp_path))
    assert stack.scales.tolist() == [1.0, 0.5, 0.25]
    assert stack.lenses.b_factor.tolist() == [0.0, 20.0, 40.0]
    back = particle_tables(stack)["particles"]
    for name in ("rlnCtfScalefactor", "rlnNormCorrection", "rlnGroupName"):
        assert back[name].tolist() == PARTICLES[name]


def test_images_multiplied_by_their_ctf_are_told_and_kept(tmp_path):
    optics = OPTICS | {"rlnCtfDataAreCtfPremultiplied": [0, 1]}
    with pytest.warns(InputWarning, match=r"multiplied .* vitrax.image.premultiply"):
        stack = read_particles(star(tmp_path, optics))
    assert stack.premultiplied.tolist() == [False, True, False]
    assert [len(bucket) for bucket in stack.buckets()] == [2, 1]
    back = particle_tables(stack)["optics"]
    assert back["rlnCtfDataAreCtfPremultiplied"].tolist() == [0, 1]
    unmultiplied = OPTICS | {"rlnCtfDataAreCtfPremultiplied": [0, 0]}
    back = particle_tables(read_particles(star(tmp_path, unmultiplied)))["optics"]
    assert back["rlnCtfDataAreCtfPremultiplied"].tolist() == [0, 0]
    plain = particle_tables(read_particles(star(tmp_path)))["optics"]
    assert "rlnCtfDataAreCtfPremultiplied" not in plain


@pytest.mark.parametrize("version", ["3.1", "5.0"])
def test_layouts_are_told_by_their_versions(tmp_path, version):
    stack = read_particles(star(tmp_path))
    path = tmp_path / "out.star"
    write_particle_table(path, stack, layout=vx.io.Relion(version))
    number = {"3.1": "30001", "5.0": "50001"}[version]
    assert path.read_text().count(f"# version {number}\n") == 2
    assert read_particles(path).optics == stack.optics
    with pytest.raises(ValueError, match=r"RELION 6.0 because .* one of 3.1, 5.0"):
        vx.io.Relion("6.0")


CUBES = OPTICS | {"rlnImageDimensionality": [3, 3]}
TILTS = {"rlnTomoVisibleFrames": ["[1,1,0]"] * COUNT}
WEIGHTS = {"rlnCtfImage": ["w.mrc"] * COUNT}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"optics": CUBES}, r"subtomograms \(rlnImageDimensionality is 3\), not sing"),
        ({"particles": PARTICLES | TILTS}, "it has rlnTomoVisibleFrames"),
        ({"particles": PARTICLES | WEIGHTS}, "it has rlnCtfImage"),
        ({"general": {"rlnTomoSubTomosAre2DStacks": [1]}}, "stacks of tilted images"),
        ({"general": {"rlnTomoSubTomosAre2DStacks": [0]}}, r"subtomograms \(.* is 0"),
    ],
    ids=["RELION 4", "RELION 5", "RELION 3", "RELION 5 stacks", "RELION 5 cubes"],
)
def test_tomograms_are_refused(tmp_path, tables, message):
    with pytest.raises(InputError, match=message):
        read_particles(star(tmp_path, **tables))


def test_tilts_one_by_one_are_particles(tmp_path):
    names = {"rlnTomoName": ["t1"] * COUNT, "rlnMicrographPreExposure": [0.0, 3.0, 6.0]}
    assert len(read_particles(star(tmp_path, particles=PARTICLES | names))) == COUNT


PICKS = "loop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n"
OTHERS = {
    "data_micrographs\nloop_\n_rlnMicrographName\n_rlnOpticsGroup\na.mrc 1\n": (
        "a list of micrographs .* do extract"
    ),
    "data_movies\nloop_\n_rlnMicrographMovieName\na.tif\n": "a list of movies",
    f"data_\n{PICKS}": "coordinates picked in micrographs .* do extract",
    f"data_particles\n{PICKS}": "coordinates picked in micrographs",
    "data_\nloop_\n_rlnMicrographName\na.mrc\n": "a list of micrographs",
    "data_coordinate_files\nloop_\n_rlnMicrographName\n_rlnMicrographCoordinates\n"
    "a b\n": "files of picked coordinates",
    "data_model_general\n_rlnReferenceDimensionality 3\n": r"name .*\(_data.star\)",
    "data_optimiser_general\n_rlnOutputRootName a\n": "the state of a RELION job",
    "data_pipeline_general\n_rlnPipeLineJobCounter 3\n": "the pipeline of a RELION",
    "data_job\n_rlnJobType 3\n": "the options of a RELION job",
    "data_\n_rlnTomoParticlesFile a.star\n_rlnTomoTomogramsFile b.star\n": (
        "an optimisation set of tomography"
    ),
    "data_global\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesStarFile\na b\n": (
        "a list of tilt series"
    ),
    "data_global\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesName\na b\ndata_a\nloop_\n"
    "_rlnTomoProjX\n_rlnDefocusU\n[1,0,0,0] 3e4\n": "the geometry of tilt series",
    "data_a\nloop_\n_rlnMicrographMovieName\n_rlnTomoNominalStageTiltAngle\na 3\n": (
        "the tilts of a series .* do name particles of single images"
    ),
    "data_particles\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateZ\na 1 2\n": (
        "a list of places in tomograms"
    ),
    "data_general\n_rlnTomoSubTomosAre2DStacks 1\ndata_particles\nloop_\n_rlnTomoName\n"
    "_rlnCenteredCoordinateXAngst\na 1\n": "a list of places in tomograms",
    "data_\nloop_\n_rlnReferenceImage\n_rlnClassDistribution\n1@a.mrcs 1\n": (
        "a list of class averages .* do name the particles that were classified"
    ),
    "data_\n_rlnMtfValue 1\n": "the MTF of a camera .* do read it with",
    "data_\n_wrong 1\n": "no table data_particles, and not one table with a column",
    "data_particles\n_wrong 1\n": "no column rlnImageName; do add or rename it",
    "data_particles\n_rlnImagName 1\n": "it has rlnImagName: is that meant",
}


@pytest.mark.parametrize("content", OTHERS)
def test_other_files_are_told_apart(tmp_path, content):
    with pytest.raises(InputError, match=OTHERS[content]):
        read_particles(text(tmp_path, content))


def test_single_values_are_a_row(tmp_path):
    names = {"optics": OPTICS, "particles": PARTICLES}
    blocks = [
        f"data_{block}\n\n"
        + "".join(f"_{name} {values[0]}\n" for name, values in table.items())
        for block, table in names.items()
    ]
    stack = read_particles(text(tmp_path, "\n".join(blocks)))
    assert (len(stack), stack.optics[0].voltage) == (1, 300.0)
    write_particle_table(tmp_path / "b.star", stack)
    assert read_star(tmp_path / "b.star")["particles"].is_loop


def test_pixel_sizes_of_micrographs_stand_in_with_a_warning(tmp_path):
    optics = without(OPTICS, "rlnImagePixelSize") | {
        "rlnMicrographOriginalPixelSize": [0.75, 0.75],
        "rlnPixelSize": [1.5, 1.5],
    }
    path = star(tmp_path, optics)
    with pytest.warns(InputWarning, match=r"it has rlnPixelSize: is .* were binned"):
        stack = read_particles(path)
    assert stack.pixel_sizes.tolist() == [0.75] * COUNT
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (read_particles(path, pixel_size=1.5).pixel_sizes == 1.5).all()


OLD = {
    "rlnImageName": PARTICLES["rlnImageName"],
    "rlnVoltage": [300.0] * COUNT,
    "rlnSphericalAberration": [2.7] * COUNT,
    "rlnAmplitudeContrast": [0.1, 0.1, 0.07],
    "rlnMagnification": [1e4] * COUNT,
    "rlnDetectorPixelSize": [1.5] * COUNT,
    "rlnOriginX": [1.0, 2.0, 3.0],
    "rlnOriginY": [0.0, -2.0, 0.0],
}


def test_pixel_sizes_of_old_files(tmp_path):
    write_star(tmp_path / "a.star", {"": StarTable(OLD)})
    with pytest.warns(InputWarning, match=r"3.0 or older .*\(2 optics groups\)"):
        stack = read_particles(tmp_path / "a.star")
    assert stack.pixel_sizes.tolist() == [1.5] * COUNT
    assert stack.shifts[:, 0].tolist() == [-1.5, -3.0, -4.5]
    said = OLD | {"rlnImagePixelSize": [3.0] * COUNT}
    write_star(tmp_path / "a.star", {"": StarTable(said)})
    with pytest.warns(InputWarning, match="3.0 or older"):
        stack = read_particles(tmp_path / "a.star")
    assert stack.pixel_sizes.tolist() == [3.0] * COUNT
    both = OLD | {"rlnOriginXAngst": [1.0] * COUNT}
    write_star(tmp_path / "a.star", {"": StarTable(both)})
    with (
        pytest.warns(InputWarning, match="3.0 or older"),
        pytest.raises(InputError, match="both rlnOriginX and rlnOriginXAngst"),
    ):
        read_particles(tmp_path / "a.star")


@pytest.mark.parametrize("values", ["-nan", "inf", "NaN"])
def test_words_for_what_is_no_number_are_refused_with_their_rows(tmp_path, values):
    content = star(tmp_path).read_text()
    path = text(tmp_path, content.replace("20.000000", values))
    with pytest.raises(InputError, match=r"rlnAngleRot .* NaN or infinite in row 2"):
        read_particles(path)


@pytest.mark.parametrize("mark", ["\r\n", "\t"], ids=["CRLF", "tabs"])
def test_other_blanks_change_nothing(tmp_path, mark):
    path = star(tmp_path)
    expected = particle_tables(read_particles(path))
    content = b"\xef\xbb\xbf" + path.read_bytes()
    old = b"\n" if mark == "\r\n" else b" "
    path.write_bytes(content.replace(old, mark.encode()))
    tables = particle_tables(read_particles(path))
    for name, table in tables.items():
        assert {k: v.tolist() for k, v in table.items()} == {
            k: v.tolist() for k, v in expected[name].items()
        }


def test_path_map_project_and_strictness(tmp_path):
    new = tmp_path / "new" / "disk"
    new.mkdir(parents=True)
    with StackWriter(new / "a.mrcs", (COUNT, BOX, BOX), 1.5) as writer:
        writer.append(np.ones((COUNT, BOX, BOX)))
    names = [f"{i + 1}@>/old/disk/a.mrcs" for i in range(COUNT)]
    path = star(tmp_path, particles=PARTICLES | {"rlnImageName": names})
    mapped = read_particles(path, path_map={"/old": str(tmp_path / "new")})
    assert mapped.images().shape == (COUNT, BOX, BOX)
    lost = read_particles(path, path_map={"/else": "/x"}, project=tmp_path / "new")
    with pytest.raises(InputError, match=r"/old/disk/a.mrcs isn't found \(tried /old"):
        lost.images()
    inside = {"/old/disk": "new/disk"}
    assert len(read_particles(path, path_map=inside, strict_paths=True).images()) == 3
    outside = read_particles(
        path,
        path_map={"/old": str(tmp_path / "new")},
        project=tmp_path / "new" / "disk",
        strict_paths=True,
    )
    assert len(outside.images()) == COUNT
    (tmp_path / "table").mkdir()
    elsewhere = star(tmp_path / "table", particles=PARTICLES | {"rlnImageName": names})
    strict = read_particles(
        elsewhere, path_map={"/old": str(tmp_path / "new")}, strict_paths=True
    )
    with pytest.raises(InputError, match=r"leads out of the folders .* do map it"):
        strict.images()


def test_strict_paths_refuse_links_that_lead_out(tmp_path):
    (tmp_path / "in").mkdir()
    with StackWriter(tmp_path / "a.mrcs", (COUNT, BOX, BOX), 1.5) as writer:
        writer.append(np.ones((COUNT, BOX, BOX)))
    (tmp_path / "in" / "a.mrcs").symlink_to(tmp_path / "a.mrcs")
    path = star(tmp_path / "in")
    assert len(read_particles(path).images()) == COUNT
    with pytest.raises(InputError, match="leads out of the folders"):
        read_particles(path, strict_paths=True).images()


@pytest.mark.parametrize("name", ["../secret.txt", "{folder}/secret.txt"])
def test_what_is_in_another_file_is_never_shown(tmp_path, name):
    secret = "correct horse battery staple\n"
    (tmp_path / "secret.txt").write_text(secret * 100)
    (tmp_path / "job").mkdir()
    names = [f"{i + 1}@{name.format(folder=tmp_path)}" for i in range(COUNT)]
    path = star(tmp_path / "job", particles=PARTICLES | {"rlnImageName": names})
    with pytest.raises(InputError, match=r"secret\.txt") as caught:
        read_particles(path).images()
    assert "horse" not in str(caught.value)
    with pytest.raises(InputError, match="secret") as caught:
        read_particles(tmp_path / "secret.txt")
    assert "horse" not in str(caught.value)


MOVED = {"rlnBeamTiltX", "rlnBeamTiltY"}


def real_particle_files(shared):
    for path in sorted(shared.glob("*/*.star")):
        tables = read_star(path)
        if any("rlnImageName" in table for table in tables.values()):
            yield path, tables


def read_real(path):
    optics = {"voltage": 300.0, "spherical_aberration": 2.7, "amplitude_contrast": 0.1}
    has_optics = "data_optics" in path.read_text() or "rlnVoltage" in path.read_text()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        return (
            read_particles(path)
            if has_optics
            else read_particles(path, pixel_size=5.0, **optics)
        )


def test_every_column_of_every_real_file_comes_back(shared, tmp_path):
    seen = 0
    for path, tables in real_particle_files(shared):
        stack, out = read_real(path), tmp_path / path.name
        write_particle_table(out, stack)
        back = read_star(out)
        if "optics" in tables:
            check_same(tables, back)
        else:
            check_same({"particles": particles_of(tables)}, back, old=True)
        again = read_real(out)
        write_particle_table(tmp_path / "again.star", again)
        assert (tmp_path / "again.star").read_text() == out.read_text()
        assert again.optics == stack.optics
        seen += 1
    assert seen >= 8


def particles_of(tables):
    return next(table for table in tables.values() if "rlnImageName" in table)


def images_named(names):
    """Return (number, stack) of each: 1@ and 000001@ are the same."""
    parts = [name.split("@") for name in names.tolist()]
    return [(int(number), stack) for number, stack in parts]


def check_same(tables, back, old=False):
    moved = MOVED | {"rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast"}
    moved |= {"rlnMagnification", "rlnDetectorPixelSize", "rlnOriginX", "rlnOriginY"}
    for block in tables:
        for name, values in tables[block].items():
            if old and name in moved:
                continue
            if name == "rlnImageName":
                assert images_named(back[block][name]) == images_named(values)
            elif values.dtype.kind == "T":
                assert back[block][name].tolist() == values.tolist()
            else:
                np.testing.assert_allclose(back[block][name], values, atol=1e-6)


def test_images_and_all_come_back(shared, tmp_path):
    with warnings.catch_warnings():
        # Of the stack's header, which has no machine stamp.
        warnings.simplefilter("ignore", InputWarning)
        stack = read_particles(shared / "relion" / "relion31.star")
        write_particles(tmp_path / "a.star", stack)
        expected = stack.images()
    np.testing.assert_array_equal(
        read_particles(tmp_path / "a.star").images(), expected
    )
