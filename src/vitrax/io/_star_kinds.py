"""What a STAR file is that isn't a list of particles of single images."""

from collections.abc import Mapping

from ._columns import number
from ._star_table import StarTable


# The block that only one kind of file has, what it is, and what to do.
_BY_BLOCK = {
    "micrographs": ("a list of micrographs", "extract particles from them first"),
    "movies": ("a list of movies", "extract particles from them first"),
    "coordinate_files": (
        "a list of files of picked coordinates",
        "extract the particles first",
    ),
    "coordinates": ("a list of picked coordinates", "extract the particles first"),
    "model_general": (
        "the model of a RELION job (_model.star)",
        "name its particles (_data.star)",
    ),
    "optimiser_general": (
        "the state of a RELION job (_optimiser.star)",
        "name its particles (_data.star)",
    ),
    "sampling_general": (
        "the sampling of a RELION job (_sampling.star)",
        "name its particles (_data.star)",
    ),
    "global_shift": ("the motion in a movie", "name a list of particles"),
    "pipeline_general": ("the pipeline of a RELION project", "name one of its files"),
    "pipeline_processes": ("the pipeline of a RELION project", "name one of its files"),
    "job": ("the options of a RELION job", "name the particles that it made"),
    "fsc": ("a Fourier shell correlation", "name a list of particles"),
    "schedule_general": ("a schedule of RELION", "name a list of particles"),
    "output_nodes": ("the outputs of a RELION job", "name one of them"),
}
_SINGLE = "name particles of single images"
# Likewise of columns, in the order in which they decide.
_BY_COLUMN = {
    "rlnTomoParticlesFile": ("an optimisation set of tomography", _SINGLE),
    "rlnTomoTiltSeriesStarFile": ("a list of tilt series", _SINGLE),
    "rlnTomoProjX": ("the geometry of tilt series", _SINGLE),
    "rlnTomoNominalStageTiltAngle": ("the tilts of a series", _SINGLE),
    "rlnTomoXTilt": ("the tilts of a series", _SINGLE),
    "rlnTomoName": ("a list of places in tomograms", _SINGLE),
    "rlnReferenceImage": (
        "a list of class averages",
        "name the particles that were classified",
    ),
    "rlnMicrographMovieName": ("a list of movies", "extract particles first"),
    "rlnMtfValue": (
        "the MTF of a camera",
        "read it with vitrax.io.read_mtf (--mtf)",
    ),
    "rlnCoordinateX": (
        "a list of coordinates picked in micrographs",
        "extract the particles first",
    ),
    "rlnMicrographName": (
        "a list of micrographs",
        "extract particles from them first",
    ),
}
# Of extracted pieces of tomograms, whether cubes or stacks of tilted images.
_OF_TOMOGRAPHY = (
    "rlnTomoVisibleFrames",
    "rlnTomoParticleName",
    "rlnTomoSubtomogramRot",
    "rlnCtfImage",
)
DIMENSIONS = "rlnImageDimensionality"
_STACKS = "rlnTomoSubTomosAre2DStacks"


def other_kind(tables: Mapping[str, StarTable]) -> tuple[str, str] | None:
    """Return what a file without a table of particle images is, and what to do.

    Args:
        tables: of the file.

    Returns:
        None where that isn't known.
    """
    for block, kind in _BY_BLOCK.items():
        if block in tables:
            return kind
    names = {name for table in tables.values() for name in table}
    return next((kind for name, kind in _BY_COLUMN.items() if name in names), None)


def tomography(
    tables: Mapping[str, StarTable],
    particles: StarTable,
    optics: StarTable | None,
    source: str,
) -> str | None:
    """Return what the images of a table are where they are those of tomograms.

    Args:
        tables: of the file.
        particles: that of the particles.
        optics: that of the optics groups, where there is one.
        source: the file, for messages.
    """
    if optics is not None and (number(optics, DIMENSIONS, source, 2.0) == 3).any():
        return f"subtomograms ({DIMENSIONS} is 3)"
    flags = [number(t, _STACKS, source) for t in tables.values() if _STACKS in t]
    if any(flag.any() for flag in flags):
        return f"stacks of tilted images ({_STACKS})"
    if flags:
        return f"subtomograms ({_STACKS} is 0)"
    found = next((name for name in _OF_TOMOGRAPHY if name in particles), None)
    return None if found is None else f"subtomograms (it has {found})"
