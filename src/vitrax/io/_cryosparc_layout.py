"""Particles as CryoSPARC keeps them."""

import dataclasses
import hashlib
import pathlib
import warnings
from collections.abc import Mapping

import numpy as np

from .._files import InputError, InputWarning
from ..image import ParticleStack
from ..pose import euler_from_cryosparc, euler_to_cryosparc
from ._cryosparc import OF_OPTICS, REST_IN_LENS
from ._cs_aberrations import (
    EVEN_TERMS,
    ODD_TERMS,
    CryoSparcTerms,
    RelionTerms,
    padded,
    rest_in_lens,
    to_cryosparc,
    wavelengths,
)
from ._cs_fields import beyond_single, shortest
from ._cs_foreign import columns_of_optics, columns_stood_for
from ._cs_location import location
from ._cs_types import as_field, as_unsigned, is_own
from ._cs_writing import write_cs
from ._labels import PREMULTIPLIED, ZERNIKE
from ._particle_layout import AbstractLayout, ImagePlaces
from ._particle_tables import known_box
from ._star_table import TEXT


# Fields of alignments that CryoSPARC's programs expect, with values that say nothing.
_OF_ALIGNMENTS = {
    "error": 0.0,
    "error_min": 0.0,
    "resid_pow": 0.0,
    "slice_pow": 0.0,
    "image_pow": 0.0,
    "cross_cor": 0.0,
    "alpha": 1.0,
    "alpha_min": 0.0,
    "weight": 0.0,
    "pose_ess": 0.0,
    "shift_ess": 0.0,
    "class_posterior": 1.0,
    "class_ess": 1.0,
}
# Fields of which single precision would be seen in the CTF.
_IN_DOUBLE = ("blob/psize_A", "ctf/cs_mm", "ctf/df1_A", "ctf/df2_A")
_RTOL, _ATOL = 3e-7, 1e-6


@dataclasses.dataclass(frozen=True)
class CryoSPARC(AbstractLayout):
    """CryoSPARC's data sets (.cs): a NumPy array with fields blob, ctf, alignments3D, …

    Fields of a .cs file that the particles come from are kept as they were where the
    particles haven't changed. Beam tilt and Zernike terms become tilt_A, trefoil_A,
    tetra_A, shift_A, and where they amount to them defocus, spherical aberration and
    phase shift. What CryoSPARC has no field for, columns of other programs and terms of
    higher order, goes into further fields, which it ignores and `read_particles` takes
    back.

    Example:
        >>> import jax, numpy as np, tempfile
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 3)
        >>> lenses = jax.vmap(vx.Lens)(np.full(3, 1.2e4))
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.ones((3, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, lenses, optics)
        >>> path = tempfile.mkdtemp() + "/particles.cs"
        >>> vx.io.write_particles(path, stack, layout=vx.io.CryoSPARC())
        >>> vx.io.read_cs(path)["ctf/df1_A"].tolist()
        [12000.0, 12000.0, 12000.0]
    """

    @property
    def contrast(self) -> str:
        """Dark, as CryoSPARC extracts particles."""
        return "dark"

    @property
    def holds_contrast(self) -> bool:
        """Yes: blob/sign."""
        return True

    def checked_box(self, box: int | None, path: pathlib.Path) -> int:
        """Return the box, odd or even."""
        return known_box(box, path)

    def write_table(
        self,
        file: pathlib.Path,
        particles: ParticleStack,
        images: ImagePlaces,
        path: pathlib.Path,
    ) -> None:
        """Write the .cs file.

        Warns:
            InputWarning: if aberrations are of an order that CryoSPARC doesn't have, or
                images were multiplied by their CTF.
        """
        fields = cs_fields(particles, images)
        _warn_of_unseen(fields, path)
        write_cs(file, fields)


def cs_fields(particles: ParticleStack, images: ImagePlaces) -> dict[str, np.ndarray]:
    """Return the fields of a data set of some particles.

    Args:
        particles: any stack.
        images: where theirs are.
    """
    held = {name: v for name, v in particles.columns.items() if is_own(name)}
    made = _blob(particles, images) | _ctf(particles)
    made |= _alignments(particles, held) | location(particles.columns, held)
    kept = {name: as_field(name, values) for name, values in held.items()}
    fields = {"uid": np.zeros(0)} | kept | {"uid": _uids(held, images)}
    for name, values in made.items():
        fields[name] = _where_changed(kept.get(name), as_field(name, values), name)
    stood_for = columns_stood_for(fields, particles.columns)
    foreign = {
        name: as_field(name, np.asarray(values))
        for name, values in particles.columns.items()
        if not is_own(name) and name not in stood_for
    }
    more = _residuals(particles) | _beyond_single(fields, made)
    return fields | foreign | more | columns_of_optics(particles)


def _uids(held: Mapping[str, np.ndarray], images: ImagePlaces) -> np.ndarray:
    """Return the particles' numbers: those they have, or made of their images."""
    if "uid" in held:
        own = as_unsigned(held["uid"])
        if len(np.unique(own)) == len(own):
            return own
    seen: dict[str, int] = {}
    numbers = np.empty(len(images.index_of), np.uint64)
    names = zip(images.names(), images.index_of.tolist(), strict=True)
    for row, (stack, index) in enumerate(names):
        place = f"{index}@{stack}"
        again = seen[place] = seen.get(place, 0) + 1
        digest = hashlib.blake2b(f"{again}@{place}".encode(), digest_size=8).digest()
        numbers[row] = int.from_bytes(digest, "little")
    return numbers


def _blob(particles: ParticleStack, images: ImagePlaces) -> dict[str, np.ndarray]:
    """Return the fields of images."""
    paths = np.array(images.names(), TEXT)
    held = particles.columns.get("blob/path")
    if held is not None and len(held):
        # Exports have a > before the name.
        own = np.asarray(held).astype(TEXT)
        names = np.array([each.removeprefix(">") for each in own.tolist()], TEXT)
        paths = np.where(names == paths, own, paths)
    fields = {
        "blob/path": paths,
        "blob/idx": images.index_of,
        "blob/psize_A": particles.pixel_sizes,
        "blob/sign": -images.signs,
    }
    if particles.boxes.any() or not len(particles):
        fields["blob/shape"] = np.stack([particles.boxes] * 2, -1)
    if "blob/import_sig" not in particles.columns:
        fields["blob/import_sig"] = np.zeros(len(particles), np.uint64)
    return fields


def _ctf(particles: ParticleStack) -> dict[str, np.ndarray]:
    """Return the fields of optics and defocus."""
    count = len(particles)
    terms = _terms(particles)
    waves = wavelengths(particles.voltages)
    phase, moved, spherical = rest_in_lens(terms.rest, waves)
    fields = {
        "ctf/accel_kv": particles.voltages,
        "ctf/cs_mm": particles.shared("spherical_aberration") + spherical,
        "ctf/amp_contrast": particles.shared("amplitude_contrast"),
        "ctf/phase_shift_rad": np.deg2rad(particles.phase_shifts) + phase,
        "ctf/scale": particles.scales,
        "ctf/shift_A": terms.shift,
        "ctf/tilt_A": terms.tilt,
        "ctf/trefoil_A": terms.trefoil,
        "ctf/tetra_A": terms.tetra,
        "ctf/anisomag": _anisotropy(particles),
        "ctf/bfactor": particles.b_factors,
    }
    defaults = {
        "ctf/type": np.full(count, "imported", TEXT),
        "ctf/exp_group_id": particles.columns.get(
            "rlnOpticsGroup", particles.groups + 1
        ),
        "ctf/scale_const": np.zeros(count),
    }
    held = particles.columns
    fields |= {name: v for name, v in defaults.items() if name not in held}
    if particles.defocus is not None:
        fields |= _defocus(particles.defocus, moved)
    return fields


def _terms(particles: ParticleStack) -> CryoSparcTerms:
    """Return the aberrations of each particle."""
    tilts, odd, even = _zernike(particles)
    return to_cryosparc(
        RelionTerms(tilts, odd, even),
        particles.voltages,
        particles.shared("spherical_aberration"),
    )


def _zernike(particles: ParticleStack) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return beam tilt, odd and even Zernike terms of each particle."""
    held, count = particles.aberrations(), len(particles)
    return (
        held.get("beam_tilt", np.zeros((count, 2))),
        padded(held.get("odd_zernike", np.zeros((count, 0))), ODD_TERMS),
        padded(held.get("even_zernike", np.zeros((count, 0))), EVEN_TERMS),
    )


def _anisotropy(particles: ParticleStack) -> np.ndarray:
    """Return the magnification less the identity, by rows."""
    matrices = particles.aberrations().get("magnification")
    if matrices is None:
        return np.zeros((len(particles), 4))
    return (matrices - np.eye(2)).reshape(-1, 4)


def _defocus(defocus: np.ndarray, moved: np.ndarray) -> dict[str, np.ndarray]:
    """Return the fields of defocus, with what even Zernike terms add to it."""
    mean, astigmatism, degrees = defocus.T
    angle = np.deg2rad(degrees)
    changed = moved.any(axis=1)
    if changed.any():
        cos2 = astigmatism / 2 * np.cos(2 * angle) + moved[:, 1]
        sin2 = astigmatism / 2 * np.sin(2 * angle) + moved[:, 2]
        mean = mean + moved[:, 0]
        astigmatism = np.where(changed, 2 * np.hypot(cos2, sin2), astigmatism)
        angle = np.where(changed, np.arctan2(sin2, cos2) / 2, angle)
    return {
        "ctf/df1_A": mean + astigmatism / 2,
        "ctf/df2_A": mean - astigmatism / 2,
        "ctf/df_angle_rad": angle,
    }


def _alignments(
    particles: ParticleStack, held: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the fields of poses, shifts, halves and classes."""
    angles = particles.angles
    if angles is None:
        return {}
    is_flat = not (angles[:, :2]).any()
    sizes = particles.pixel_sizes
    if is_flat and "alignments2D/pose" in held and "alignments3D/pose" not in held:
        name, poses = "alignments2D", np.deg2rad(angles[:, 2])
    else:
        name, poses = "alignments3D", euler_to_cryosparc(angles)
        poses = _equal_poses(held.get("alignments3D/pose"), poses)
    if f"{name}/psize_A" in held:
        sizes = np.asarray(held[f"{name}/psize_A"], np.float64)
    fields = {
        f"{name}/pose": poses,
        f"{name}/shift": -particles.shifts / sizes[:, None],
    }
    for field, label in (("split", "rlnRandomSubset"), ("class", "rlnClassNumber")):
        if label in particles.columns:
            numbers = np.asarray(particles.columns[label])
            if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
                raise InputError(
                    f"cannot write particles for CryoSPARC because {label} isn't a "
                    "number everywhere; do correct or remove the column"
                )
            fields[f"{name}/{field}"] = np.maximum(numbers - 1, 0)
        elif f"{name}/{field}" not in held:
            fields[f"{name}/{field}"] = np.zeros(len(angles), np.int64)
    defaults = {"psize_A": sizes} | {
        field: np.full(len(angles), value) for field, value in _OF_ALIGNMENTS.items()
    }
    return fields | {
        f"{name}/{field}": values
        for field, values in defaults.items()
        if f"{name}/pose" not in held or field == "psize_A"
    }


def _equal_poses(held: np.ndarray | None, poses: np.ndarray) -> np.ndarray:
    """Return rotation vectors, those of the file where they mean the same."""
    if held is None or not len(poses):
        return poses
    own = np.asarray(held, np.float64)
    same = euler_to_cryosparc(euler_from_cryosparc(own))
    # Of half a turn, both directions mean the same.
    difference = np.minimum(
        np.abs(same - poses).max(axis=1), np.abs(same + poses).max(axis=1)
    )
    half = np.abs(np.linalg.norm(poses, axis=1) - np.pi) < 1e-4
    plain = np.abs(same - poses).max(axis=1)
    equal = np.where(half, difference, plain) < 1e-6
    return np.where(equal[:, None], own, poses)


def _where_changed(held: np.ndarray | None, made: np.ndarray, name: str) -> np.ndarray:
    """Return a field, rows as they were in the file where they mean the same."""
    if held is None or held.shape != made.shape:
        return made
    if TEXT in (held.dtype, made.dtype):
        return made
    if made.dtype.kind != "f" and held.dtype.kind != "f":
        return made.astype(held.dtype) if (made == held).all() else made
    same = np.isclose(
        held.astype(np.float64), made.astype(np.float64), rtol=_RTOL, atol=_ATOL
    )
    if name.endswith("/pose") and held.ndim == 2:
        same = np.broadcast_to(same.all(axis=1, keepdims=True), held.shape)
    return np.where(same, held, made.astype(held.dtype))


def _beyond_single(
    fields: Mapping[str, np.ndarray], made: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return what single precision cuts off some fields, where it matters."""
    rests = {
        name: made[name] - shortest(fields[name]) for name in _IN_DOUBLE if name in made
    }
    return {
        beyond_single(name): rest
        for name, rest in rests.items()
        if (np.abs(rest) > 1e-9 * np.abs(made[name])).any()
    }


def _residuals(particles: ParticleStack) -> dict[str, np.ndarray]:
    """Return of the aberrations what CryoSPARC's fields can't hold, or don't tell."""
    _, odd, even = _zernike(particles)
    fields = {}
    for field, terms, count in (
        ("odd_zernike", odd, ODD_TERMS),
        ("even_zernike", even, EVEN_TERMS),
    ):
        if terms[:, count:].any():
            rest = terms.copy()
            rest[:, :count] = 0.0
            fields[ZERNIKE[field]] = rest
    rest = _terms(particles).rest
    # Pure tetrafoil leaves rounding here.
    scale = np.abs(even[:, :EVEN_TERMS]).max(axis=1, initial=0.0, keepdims=True)
    if (np.abs(rest) > 1e-12 * scale).any():
        fields[REST_IN_LENS] = rest
    return fields


def _warn_of_unseen(fields: Mapping[str, np.ndarray], path: pathlib.Path) -> None:
    """Warn of aberrations and treatments of images that CryoSPARC won't see."""
    lost = [name for name in ZERNIKE.values() if name in fields]
    if lost:
        warnings.warn(
            f"{path}: CryoSPARC has no field for Zernike terms of more than the fourth "
            f"order; those are in the fields {', '.join(lost)}, which it ignores",
            InputWarning,
            stacklevel=4,
        )
    if fields.get(OF_OPTICS + PREMULTIPLIED, np.zeros(1)).any():
        warnings.warn(
            f"{path}: CryoSPARC won't see that images were multiplied by their CTF, "
            f"which the field {OF_OPTICS}{PREMULTIPLIED} says",
            InputWarning,
            stacklevel=4,
        )
