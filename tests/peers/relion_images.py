"""Projections by relion_project, and the small stored ones in relion_images.npz.

`python relion_images.py` made those with RELION 3.1.3, by
`relion_project --i map.mrc --o out --ang poses.star --angpix 3.0 --pad 4 --ctf`, and
the last one without `--ctf`. Those of noise are of other sizes and paddings, without.
"""

import dataclasses
import pathlib
import shutil
import subprocess
import tempfile

import mrcfile
import numpy as np


VOLTAGE, CS, CONTRAST = 300.0, 2.7, 0.07
SIZE, PIXEL = 32, 3.0
COLUMNS = [
    "AngleRot",
    "AngleTilt",
    "AnglePsi",
    "OriginXAngst",
    "OriginYAngst",
    "DefocusU",
    "DefocusV",
    "DefocusAngle",
    "PhaseShift",
    "CtfBfactor",
]
STORED = pathlib.Path(__file__).with_suffix(".npz")
OPTICS = """# version 30001

data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
_rlnImageDimensionality #8
{labels}1 opticsGroup1 {voltage} {cs} {contrast} {pixel:.6f} {size} 2 {more}

# version 30001

data_particles

loop_
_rlnImageName #1
_rlnOpticsGroup #2
"""


@dataclasses.dataclass
class Relion:
    """A way to run relion_project in a folder of its own."""

    folder: pathlib.Path

    def project(self, values, pixel_size, rows, ctf, padding=4, **optics):
        """Return the projections of a map, RELION's sign (numpy, float64).

        More columns of the table of optics groups, one value each, are keywords.
        """
        with mrcfile.new(self.folder / "map.mrc", overwrite=True) as file:
            file.set_data(np.asarray(values, np.float32))
            file.voxel_size = pixel_size
        poses = star_text(rows, pixel_size, values.shape[0], **optics)
        (self.folder / "poses.star").write_text(poses)
        command = "relion_project --i map.mrc --o out --ang poses.star --angpix"
        command = [*command.split(), f"{pixel_size:.6f}", "--pad", str(padding)]
        command += ["--ctf"] if ctf else []
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        with mrcfile.open(self.folder / "out.mrcs", permissive=True) as file:
            return np.array(file.data, float).reshape(-1, *values.shape[1:])


def star_text(rows, pixel_size, size, **optics):
    """Return a STAR file of one row per pose, in the order of COLUMNS."""
    labels = "".join(f"_{name} #{i + 9}\n" for i, name in enumerate(optics))
    more = " ".join(map(str, optics.values()))
    known = {"voltage": VOLTAGE, "cs": CS, "contrast": CONTRAST}
    known |= {"labels": labels, "more": more}
    text = OPTICS.format(**known, pixel=pixel_size, size=size)
    text += "".join(f"_rln{name} #{i + 3}\n" for i, name in enumerate(COLUMNS))
    for i, row in enumerate(rows):
        numbers = " ".join(f"{value:.6f}" for value in row)
        text += f"{i + 1:06d}@images.mrcs 1 {numbers}\n"
    return text + "\n"


def draw_rows(count, seed):
    """Return poses and optics in the order of COLUMNS, shifts of ±4 to 8 Å."""
    rng = np.random.default_rng(seed)
    shifts = rng.uniform(4, 8, (count, 2)) * rng.choice([-1, 1], (count, 2))
    u = rng.uniform(8_000, 20_000, count)
    rows = [
        rng.uniform(-180, 180, count),
        np.rad2deg(np.arccos(rng.uniform(-1, 1, count))),
        rng.uniform(-180, 180, count),
        *shifts.T,
        u,
        u - rng.uniform(0, 4_000, count),
        rng.uniform(0, 180, count),
        rng.choice([0.0, 40.0, 90.0], count),
        rng.uniform(0, 150, count),
    ]
    return np.round(np.stack(rows, axis=1), 6)


def helix_map():
    """Return a map [z, y, x] without symmetry or mirror: Gaussians along a helix."""
    turn = np.arange(12)
    angle = 0.9 * turn
    centres = np.stack([np.cos(angle), np.sin(angle), 0.25 * turn - 1.0]) * 5.0
    centres += np.array([1.0, -0.5, 0.5])[:, None]
    axis = np.arange(SIZE)[:, None] - SIZE // 2
    x, y, z = (np.exp(-((axis - centre) ** 2) / (2 * 1.5**2)) for centre in centres)
    return np.einsum("j,zj,yj,xj->zyx", 1.0 + 0.1 * turn, z, y, x)


# Voxels along a side, and padding.
NOISE_CASES = [(16, 1), (16, 2), (16, 4), (15, 1), (15, 2)]


def noise_map(size):
    """Return a map [z, y, x] that is as strong at Nyquist as anywhere."""
    return np.random.default_rng(size).normal(size=(size,) * 3).astype(np.float32)


def noise_rows():
    """Return poses that read beside -Nyquist of the axes, and two others."""
    rows = draw_rows(8, seed=5)
    near = [[0, 0, 0], [3, 4, 5], [92, 4, 5], [5, 88, 7], [183, 3, 2], [2, 93, 4]]
    rows[:6, :3] = near
    return rows


def write_stored():
    """Write the small stored images: three with CTF, one without, and of noise."""
    rows = draw_rows(4, seed=3)
    noise = {}
    with tempfile.TemporaryDirectory() as folder:
        relion = Relion(pathlib.Path(folder))
        images = [
            relion.project(helix_map(), PIXEL, rows[i : i + 1], ctf=i < 3)
            for i in range(4)
        ]
        for size, padding in NOISE_CASES:
            noise[f"noise_{size}_{padding}"] = relion.project(
                noise_map(size), PIXEL, noise_rows(), False, padding
            ).astype("f4")
    images = np.concatenate(images).astype("f4")
    np.savez_compressed(STORED, rows=rows, images=images, **noise)


if __name__ == "__main__":
    if shutil.which("relion_project") is None:
        raise SystemExit("relion_project isn't on the PATH")
    write_stored()
