"""Particle images on the disk, with what is known about each."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from .._files import InputError
from .._typing import default_float
from ..grid import Grid
from ..optics import Lens
from ..pose import Pose
from ._particle_arrays import (
    OpticsGroup,
    aberration_arrays,
    lens_arrays,
    optics_of,
    pose_arrays,
)


if TYPE_CHECKING:
    from ._microscope import Microscope

# Gives the images of some rows as `[images, y, x]`, physical: protein dark.
ImageReader = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class ParticleStack:
    """Particles whose images are read when they are asked for.

    A host object, not a pytree: it holds numpy arrays, and gives nouns and images.
    Choosing particles, `stack[:100]` or `stack[stack.defocus[:, 0] > 1e4]`, reads none.

    Attributes:
        reader: gives the images `[images, y, x]` of an array of rows; protein is dark.
        rows: of each particle, what the reader is asked for.
        optics: the optics groups.
        groups: index of each particle's optics group.
        angles: RELION's rot, tilt, psi of each particle in degrees, None if not known.
        shifts: (x, y) of each particle in its image, Å.
        defocus: mean of U and V (Å), U - V (Å) and the angle of U (degrees) of each
            particle, None if not known.
        phase_shifts: degrees.
        b_factors: of each particle's envelope, Å².
        scales: of each particle's CTF, by which a simulated image is to be multiplied:
            `lenses` haven't got it.
        columns: of the file that the particles come from, as they stand there.
        optics_columns: likewise, of its table of optics groups.
        tables: all tables of that file by name, in its order. Those of particles and of
            optics groups are empty, being the other fields; further ones are written
            back by a layout that has room for them.
        missing: what to say where angles or defocus aren't known.

    Example:
        >>> import jax, numpy as np
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 3)
        >>> lenses = jax.vmap(vx.Lens)(np.full(3, 1.2e4))
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.zeros((3, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, lenses, optics)
        >>> len(stack), stack[1:].images().shape, stack.poses.shift.shape
        (3, (2, 8, 8), (3, 2))
    """

    reader: ImageReader
    rows: Int[np.ndarray, " particles"]
    optics: tuple[OpticsGroup, ...]
    groups: Int[np.ndarray, " particles"]
    angles: Float[np.ndarray, "particles 3"] | None
    shifts: Float[np.ndarray, "particles 2"]
    defocus: Float[np.ndarray, "particles 3"] | None
    phase_shifts: Float[np.ndarray, " particles"]
    b_factors: Float[np.ndarray, " particles"]
    scales: Float[np.ndarray, " particles"]
    columns: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    optics_columns: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    tables: Mapping[str, Mapping[str, np.ndarray]] = dataclasses.field(
        default_factory=dict
    )
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_arrays(
        cls,
        images: Float[np.ndarray, "particles y x"],
        poses: Pose,
        lenses: Lens,
        optics: OpticsGroup,
        columns: Mapping[str, np.ndarray] | None = None,
    ) -> Self:
        """Return a stack of images in memory.

        Args:
            images: physical, protein dark; square.
            poses: leaves have an axis of particles.
            lenses: leaves have an axis of particles, or none where all share a value.
                Their spherical aberration, amplitude contrast and higher aberrations
                must be those of `optics`.
            optics: of all particles; without a box it gets that of the images.
            columns: more about each particle, by RELION's names.

        Raises:
            ValueError: if the arrays don't fit each other.
        """
        optics = optics_of(images, optics)
        count = len(images)
        defocus, others = lens_arrays(lenses, count, [optics])
        angles, shifts = pose_arrays(poses)
        if len(angles) != count:
            raise ValueError(
                f"cannot make a stack of {count} images with {len(angles)} poses "
                "because each image has one; do give as many"
            )
        held = np.asarray(images)
        return cls(
            reader=lambda rows: held[rows],
            rows=np.arange(count),
            optics=(optics,),
            groups=np.zeros(count, np.int64),
            angles=angles,
            shifts=shifts,
            defocus=defocus,
            phase_shifts=others[0],
            b_factors=others[1],
            scales=np.ones(count),
            columns=dict(columns or {}),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(
        self,
        chosen: slice | Bool[np.ndarray, " all"] | Int[np.ndarray, " some"] | int,
    ) -> Self:
        """Return some particles, without reading images.

        Args:
            chosen: a slice, integers or booleans.

        Raises:
            TypeError: for one integer.
        """
        if not isinstance(chosen, slice) and np.ndim(chosen) == 0:
            raise TypeError(
                f"cannot choose particle {chosen} because a stack gives stacks; do "
                f"write stack[{chosen}:{chosen}+1], or stack.image({chosen})"
            )
        per_particle = {
            field.name: value[chosen]
            for field in dataclasses.fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return dataclasses.replace(self, columns=columns, **per_particle)

    @property
    def boxes(self) -> Int[np.ndarray, " particles"]:
        """Pixels along one edge of each image; 0 where it isn't known."""
        return np.array([group.box or 0 for group in self.optics], np.int64)[
            self.groups
        ]

    @property
    def pixel_sizes(self) -> Float[np.ndarray, " particles"]:
        """Å, of each particle's image."""
        return self.shared("pixel_size")

    @property
    def premultiplied(self) -> Bool[np.ndarray, " particles"]:
        """Whether each particle's image was multiplied by its CTF."""
        return np.array([group.premultiplied for group in self.optics], bool)[
            self.groups
        ]

    @property
    def voltages(self) -> Float[np.ndarray, " particles"]:
        """KV, of each particle's image."""
        return self.shared("voltage")

    def shared(self, name: str) -> Float[np.ndarray, " particles"]:
        """Return a number of each particle's optics group.

        Args:
            name: of the attribute of `OpticsGroup`.
        """
        values = [getattr(group, name) for group in self.optics]
        return np.array(values, np.float64)[self.groups]

    def aberrations(self) -> dict[str, Float[np.ndarray, "particles ..."]]:
        """Return the higher aberrations of each particle, as fields of `Lens`.

        Those that no optics group has aren't there.
        """
        arrays = aberration_arrays(self.optics)
        return {name: rows[self.groups] for name, rows in arrays.items()}

    @property
    def poses(self) -> Pose:
        """Poses, with a leading axis of particles.

        Raises:
            InputError: if the file didn't give all three angles.
        """
        angles = self._known("angles", self.angles)
        rot, tilt, psi = (jnp.asarray(a, default_float()) for a in angles.T)
        shifts = jnp.asarray(self.shifts, default_float())
        return jax.vmap(Pose.from_euler)(rot, tilt, psi, shifts)

    @property
    def lenses(self) -> Lens:
        """Lenses, with a leading axis of particles.

        Aberrations that no optics group has are None; where some have them, the others
        have zeros, and magnify by the identity.

        Raises:
            InputError: if the file didn't give the defocus.
        """
        defocus = self._known("defocus", self.defocus)
        fields = {
            "defocus": defocus[:, 0],
            "astigmatism": defocus[:, 1],
            "astigmatism_angle": defocus[:, 2],
            "spherical_aberration": self.shared("spherical_aberration"),
            "amplitude_contrast": self.shared("amplitude_contrast"),
            "phase_shift": self.phase_shifts,
            "b_factor": self.b_factors,
            **self.aberrations(),
        }
        arrays = {name: jnp.asarray(a, default_float()) for name, a in fields.items()}
        return jax.vmap(lambda leaves: Lens(**leaves))(arrays)

    @property
    def grid(self) -> Grid:
        """The sampling of the images, where all share it.

        Raises:
            ValueError: if they don't; use `buckets`.
            InputError: if the box isn't known.
        """
        boxes, sizes = np.unique(self.boxes), np.unique(self.pixel_sizes)
        if len(boxes) != 1 or len(sizes) != 1:
            raise ValueError(
                "cannot give one grid because the particles have boxes "
                f"{boxes.tolist()} and pixel sizes {sizes.tolist()}; do go through "
                "stack.buckets()"
            )
        if not boxes[0]:
            raise InputError(
                self.missing.get("box", "the box of the images isn't known")
            )
        return Grid((int(boxes[0]), int(boxes[0])), float(sizes[0]))

    def image(self, index: int) -> Float32[np.ndarray, "y x"]:
        """Return one image, protein dark.

        Args:
            index: of the particle.

        Raises:
            IndexError: if there is no such particle.
        """
        return self._one(index).images()[0]

    def images(self) -> Float32[np.ndarray, "particles y x"]:
        """Return all images of the stack, protein dark.

        Raises:
            InputError: if a stack isn't found, doesn't have the image, or has another
                box.
        """
        return np.asarray(self.reader(self.rows), np.float32)

    def microscope(self, index: int, **settings: Any) -> "Microscope":
        """Return the microscope that took one image.

        Args:
            index: of the particle.
            settings: further arguments of `Microscope`, such as `padding`.

        Raises:
            IndexError: if there is no such particle.
        """
        one = self._one(index)
        return jax.tree.map(
            lambda x: x[0] if x.ndim else x, one.microscopes(**settings)
        )

    def microscopes(self, **settings: Any) -> "Microscope":
        """Return the microscopes of a bucket, whose lens has an axis of particles.

        Grid and voltage are shared, so `vitrax.batch_axes` of it fits `jax.vmap`.

        What was done to the images later is no part of them: where `premultiplied`,
        pass what they simulate through `vitrax.image.premultiply`; multiply it by
        `scales`.

        Args:
            settings: further arguments of `Microscope`, such as `padding`.

        Raises:
            ValueError: if the particles differ in box, pixel size or voltage.
        """
        from ._microscope import Microscope

        voltages = np.unique(self.voltages)
        if len(voltages) != 1:
            raise ValueError(
                f"cannot give microscopes of voltages {voltages.tolist()} kV in one "
                "batch because they share it; do go through stack.buckets()"
            )
        lenses = self.lenses
        first = jax.tree.map(lambda x: x[0], lenses)
        shared = Microscope(self.grid, float(voltages[0]), first, **settings)
        return eqx.tree_at(lambda microscope: microscope.lens, shared, lenses)

    def buckets(self) -> Iterator[Self]:
        """Yield the particles of each box and optics, in the order of their first ones.

        Within a bucket all images have one shape, so each is compiled for once, and
        share pixel size, voltage and all aberrations but defocus.
        """
        for places in self.bucket_places():
            yield self[places]

    def bucket_places(self) -> list[Int[np.ndarray, " some"]]:
        """Return where in the stack the particles of each bucket are."""
        kinds = [dataclasses.replace(group, name="") for group in self.optics]
        first_of = {kind: index for index, kind in reversed(list(enumerate(kinds)))}
        merged = np.array([first_of[kind] for kind in kinds], np.int64)[self.groups]
        _, firsts = np.unique(merged, return_index=True)
        return [np.flatnonzero(merged == kind) for kind in merged[np.sort(firsts)]]

    def batches(self, size: int) -> Iterator[Self]:
        """Yield the particles in order, at most `size` at a time.

        Args:
            size: of a batch, at least 1.
        """
        for first in range(0, len(self), size):
            yield self[first : first + size]

    def _one(self, index: int) -> Self:
        """Return the stack of one particle."""
        count = len(self)
        if not -count <= index < count:
            raise IndexError(
                f"cannot give particle {index} because the stack holds {count}, "
                f"counted from 0; do ask for an index below {count}"
            )
        return self[np.arange(count)[[index]]]

    def _known(self, name: str, values: np.ndarray | None) -> np.ndarray:
        if values is None:
            raise InputError(
                self.missing.get(
                    name, f"cannot use the {name} because they aren't known"
                )
            )
        return values
