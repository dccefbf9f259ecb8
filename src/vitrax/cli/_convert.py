"""The command `vitrax convert`: particles, maps and atoms from format to format."""

import dataclasses
import json
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
    if recipe.print_json:
        record = {"path": str(recipe.out), "from": kind.value, "written": said}
        print(json.dumps(record, indent=2))
    elif not recipe.quiet:
        print(f"{recipe.out}: {said}")


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
    return f"{len(particles)} particles, {images}"


def _write_table(
    recipe: ConvertRecipe, particles: ParticleStack, layout: AbstractLayout
) -> None:
    if recipe.output_contrast is not None:
        raise UsageError(
            "cannot change the contrast because images aren't copied; do give "
            "--copy-images"
        )
    placed = _named_from(recipe.out, particles)
    io.write_particle_table(recipe.out, placed, layout=layout)


def _named_from(out: pathlib.Path, particles: ParticleStack) -> ParticleStack:
    """Return particles whose stacks are found from where their table will be.

    A stack that is found, but not from there, gets its whole path for a name.

    Raises:
        InputError: if a name leads where strict paths forbid.
    """
    reader = particles.reader
    if not isinstance(reader, io.StackImages):
        return particles
    later = dataclasses.replace(
        reader.search, source=str(out), project=None, path_map=(), is_strict=False
    )
    names = []
    for name in reader.stacks:
        reader.search.tried(name)
        if reader.search.is_there(name) and not later.is_there(name):
            names.append(str(reader.search.find(name).absolute()))
        else:
            names.append(name)
    return dataclasses.replace(
        particles, reader=dataclasses.replace(reader, stacks=tuple(names))
    )


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
    io.write_map(recipe.out, voxels, header=io.read_header(recipe.file))
    return f"a map of {' × '.join(map(str, voxels.values.shape))} voxels"


def _convert_atoms(recipe: ConvertRecipe) -> str:
    """Write atoms with all that is known of them, and return what was written.

    Raises:
        UsageError: for a format that doesn't hold all of it.
    """
    if recipe.out.suffix.lower() not in (".cif", ".mmcif"):
        raise UsageError(
            f"cannot write atoms to {recipe.out} because mmCIF alone holds every "
            f"model; do name it {recipe.out.stem}.cif"
        )
    io.write_mended_atoms(recipe.file, recipe.out)
    return f"{len(io.read_atoms(recipe.out, model=1))} atoms in its first model"
