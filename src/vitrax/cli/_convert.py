"""The command `vitrax convert`: particles, maps and atoms from format to format."""

import dataclasses
import os
import pathlib
import warnings
from typing import Any

from .. import io
from .._files import InputError, InputWarning
from ..image import ParticleStack
from ..io import AbstractLayout, FileKind
from ._convert_options import refuse_misplaced
from ._convert_recipe import ConvertRecipe
from ._exit import UsageError
from ._placing import shortest
from ._record import as_json


_LAYOUTS = {
    "relion": io.Relion("3.1"),
    "relion5": io.Relion("5.0"),
    "cistem": io.CisTEM(),
    "cryosparc": io.CryoSPARC(),
    "leopard": io.LeopardEM(),
    "eman2": io.EMAN2(),
}


def convert(recipe: ConvertRecipe) -> None:
    """Write a file in another format.

    Args:
        recipe: the parameters.

    Raises:
        InputError: if the file can't be read, or the format can't hold it.
        UsageError: if the options make no sense together, or --out exists.
    """
    if os.path.lexists(recipe.out) and not recipe.overwrite:
        raise UsageError(
            f"cannot write {recipe.out} because it exists; do choose another name, or "
            "give --overwrite"
        )
    kind = io.file_kind(recipe.file)
    refuse_misplaced(recipe, kind)
    if kind.has_particles or kind is FileKind.STAR:
        written = _convert_particles(recipe)
    elif kind is FileKind.MRC:
        written = _convert_map(recipe)
    elif kind is FileKind.ATOMS:
        written = _convert_atoms(recipe)
    else:
        raise InputError(
            f"cannot convert {recipe.file} because it is {kind.value}; do give "
            "particles, a map or atoms"
        )
    if recipe.print_json:
        print(as_json({"path": recipe.out, "from": kind.value, **written}))
    elif not recipe.quiet:
        print(f"{recipe.out}: {_in_words(written)}")


def _in_words(written: dict[str, Any]) -> str:
    """Return what was written, in words."""
    if "particles" in written:
        copied = "with their images"
        images = copied if written["images_copied"] else "images stay where they are"
        return f"{written['particles']} particles, {images}"
    if "shape" in written:
        return f"a map of {' × '.join(map(str, written['shape']))} voxels"
    return f"{written['atoms']} atoms in its first model"


def _convert_particles(recipe: ConvertRecipe) -> dict[str, Any]:
    """Write particles, and return what was written."""
    layout = _LAYOUTS[recipe.to or _default(recipe.out)]
    particles = _particles_of(recipe)
    if recipe.copy_images:
        io.write_particles(
            recipe.out,
            particles,
            layout=layout,
            contrast=recipe.output_contrast,
            project=recipe.project,
        )
    else:
        _write_table(recipe, particles, layout)
    return {"particles": len(particles), "images_copied": recipe.copy_images}


def _particles_of(recipe: ConvertRecipe) -> ParticleStack:
    """Return the particles of the file, as the options say."""
    try:
        return _read_particles(recipe)
    except InputError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from error


def _read_particles(recipe: ConvertRecipe) -> ParticleStack:
    return io.read_particles(
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
        **recipe.reading.of_map,
    )


def _write_table(
    recipe: ConvertRecipe, particles: ParticleStack, layout: AbstractLayout
) -> None:
    if recipe.output_contrast is not None:
        raise UsageError(
            "cannot change the contrast because images aren't copied; do give "
            "--copy-images"
        )
    placed = _named_from(recipe.out, particles, recipe.project)
    io.write_particle_table(recipe.out, placed, layout=layout)


def _named_from(
    out: pathlib.Path, particles: ParticleStack, project: pathlib.Path | None
) -> ParticleStack:
    """Return particles whose stacks are found from where their table will be.

    A stack that is found is named from the project's folder, if that was said; else, if
    it isn't found from the table's, by its whole path.

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
        if not reader.search.is_there(name):
            names.append(name)
            continue
        found = reader.search.find(name).absolute()
        if project is not None:
            names.append(os.path.relpath(found, project.absolute()))
        else:
            names.append(name if later.is_there(name) else str(found))
    return dataclasses.replace(
        particles, reader=dataclasses.replace(reader, stacks=tuple(names))
    )


def _default(out: pathlib.Path) -> str:
    """Return the format that a suffix means."""
    suffixes = {
        ".star": "relion",
        ".cs": "cryosparc",
        ".csv": "leopard",
        ".lst": "eman2",
    }
    suffix = out.suffix.lower()
    if suffix not in suffixes:
        raise UsageError(
            f"cannot tell the format of {out} because its suffix is none of "
            f"{', '.join(suffixes)}; do give --to"
        )
    return suffixes[suffix]


def _convert_map(recipe: ConvertRecipe) -> dict[str, Any]:
    """Write a map, and return what was written.

    Raises:
        InputError: if the file is a stack of images.
        UsageError: if --out isn't the name of a map.
    """
    if recipe.out.suffix.lower() not in (".mrc", ".map", ".ccp4"):
        raise UsageError(
            f"cannot write a map to {recipe.out} because its name doesn't end in .mrc, "
            f".map or .ccp4, by which programs know maps; do name it "
            f"{recipe.out.stem}.mrc"
        )
    if {each.lower() for each in recipe.file.suffixes} & {".mrcs", ".st"}:
        raise InputError(
            f"cannot convert {recipe.file} because its name says that it is a stack of "
            "images, not a map; do convert the table that names it (--copy-images), or "
            "rename it .mrc if it is a map"
        )
    voxels = io.read_map(recipe.file, voxel_size=recipe.angpix, **recipe.reading.of_map)
    with warnings.catch_warnings():
        # The map's reader said it.
        warnings.simplefilter("ignore", InputWarning)
        header = io.read_header(recipe.file, **recipe.reading.of_header)
    io.write_map(recipe.out, voxels, header=header)
    size = shortest(float(voxels.voxel_size))
    return {"shape": list(voxels.values.shape), "voxel_size": size}


def _convert_atoms(recipe: ConvertRecipe) -> dict[str, Any]:
    """Write atoms with all that is known of them, and return what was written.

    Raises:
        UsageError: for a format that doesn't hold all of it.
    """
    if recipe.out.suffix.lower() not in (".cif", ".mmcif"):
        raise UsageError(
            f"cannot write atoms to {recipe.out} because mmCIF alone holds every "
            f"model; do name it {recipe.out.stem}.cif"
        )
    limit = recipe.reading.limit
    mended = io.write_mended_atoms(recipe.file, recipe.out, **limit)
    return {
        "atoms": len(io.read_atoms(recipe.out, model=1)),
        "mended": [f"{each.where}: {each.what}" for each in mended],
    }
