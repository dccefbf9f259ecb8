"""The command `vitrax convert`: particles, maps and atoms from format to format."""

import pathlib

from .. import io
from .._files import InputError
from ..image import ParticleStack
from ..io import AbstractLayout, FileKind
from ._convert_recipe import ConvertRecipe
from ._exit import UsageError


_LAYOUTS = {
    "relion": io.Relion("3.1"),
    "relion5": io.Relion("5.0"),
    "cistem": io.CisTEM(),
    "cryosparc": io.CryoSPARC(),
    "leopard": io.LeopardEM(),
}
_PARTICLES = (
    FileKind.RELION,
    FileKind.CISTEM,
    FileKind.CRYOSPARC,
    FileKind.LEOPARD,
)


def convert(recipe: ConvertRecipe) -> None:
    """Write a file in another format.

    Args:
        recipe: the parameters.

    Raises:
        InputError: if the file can't be read, or the format can't hold it.
        UsageError: if the options make no sense together, or --out exists.
    """
    if recipe.out.exists() and not recipe.overwrite:
        raise UsageError(
            f"cannot write {recipe.out} because it exists; do choose another name, or "
            "give --overwrite"
        )
    kind = io.file_kind(recipe.file)
    if kind in _PARTICLES or kind is FileKind.STAR:
        said = _convert_particles(recipe)
    elif kind is FileKind.MRC:
        said = _convert_map(recipe)
    elif kind is FileKind.ATOMS:
        said = _convert_atoms(recipe)
    else:
        raise InputError(
            f"cannot convert {recipe.file} because it is {kind.value}; do give "
            "particles, a map or atoms"
        )
    if not recipe.quiet:
        print(said)


def _convert_particles(recipe: ConvertRecipe) -> str:
    """Write particles, and return what was written."""
    layout = _LAYOUTS[recipe.to or _default(recipe.out)]
    particles = io.read_particles(
        recipe.file,
        contrast=recipe.contrast,
        passthrough=recipe.passthrough,
        stack=recipe.stack,
        project=recipe.project,
        path_map=recipe.paths,
        strict_paths=recipe.strict_paths,
        pixel_size=recipe.angpix,
        voltage=recipe.kv,
        spherical_aberration=recipe.cs,
        amplitude_contrast=recipe.q0,
    )
    if recipe.copy_images:
        io.write_particles(
            recipe.out, particles, layout=layout, contrast=recipe.output_contrast
        )
    else:
        _write_table(recipe, particles, layout)
    images = "with their images" if recipe.copy_images else "images stay where they are"
    return f"{recipe.out}: {len(particles)} particles, {images}"


def _write_table(
    recipe: ConvertRecipe, particles: ParticleStack, layout: AbstractLayout
) -> None:
    if recipe.output_contrast is not None:
        raise UsageError(
            "cannot change the contrast because images aren't copied; do give "
            "--copy-images"
        )
    io.write_particle_table(recipe.out, particles, layout=layout)


def _default(out: pathlib.Path) -> str:
    """Return the format that a suffix means."""
    suffixes = {".star": "relion", ".cs": "cryosparc", ".csv": "leopard"}
    suffix = out.suffix.lower()
    if suffix not in suffixes:
        raise UsageError(
            f"cannot tell the format of {out} because its suffix is none of "
            f"{', '.join(suffixes)}; do give --to"
        )
    return suffixes[suffix]


def _convert_map(recipe: ConvertRecipe) -> str:
    """Write a map, and return what was written."""
    voxels = io.read_map(recipe.file, voxel_size=recipe.angpix)
    io.write_map(recipe.out, voxels)
    return f"{recipe.out}: a map of {' × '.join(map(str, voxels.values.shape))} voxels"


def _convert_atoms(recipe: ConvertRecipe) -> str:
    """Write atoms, and return what was written."""
    atoms = io.read_atoms(recipe.file)
    io.write_atoms(recipe.out, atoms)
    return f"{recipe.out}: {len(atoms)} atoms"
