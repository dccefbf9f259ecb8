"""RELION's columns in a CryoSPARC data set, beside the fields that stand for others."""

from collections.abc import Mapping

import numpy as np

from ..image import ParticleStack
from ._cryosparc import OF_OPTICS
from ._cs_types import as_field
from ._labels import ABERRATIONS, MAGNIFICATION, POSE_AND_CTF
from ._optics_of_particles import premultiplied_column
from ._particle_tables import KEPT_OF_OPTICS, optics_table


# RELION's columns of particles that fields always stand for.
_STOOD_FOR = (
    "rlnImageName",
    "rlnOpticsGroup",
    *POSE_AND_CTF,
    "rlnCtfBfactor",
    "rlnCtfScalefactor",
    *ABERRATIONS,
)


def columns_stood_for(
    fields: Mapping[str, np.ndarray], columns: Mapping[str, np.ndarray]
) -> set[str]:
    """Return the names of RELION's columns that some fields stand for.

    Args:
        fields: to be written.
        columns: of the particles.
    """
    names = set(_STOOD_FOR)
    held = [
        each for each in ("alignments3D", "alignments2D") if f"{each}/pose" in fields
    ]
    for field, label in (("split", "rlnRandomSubset"), ("class", "rlnClassNumber")):
        # Classes and halves of nought, or less, have no number there.
        if held and label in columns:
            counted = fields[f"{held[0]}/{field}"].astype(np.float64) + 1
            names |= {label} if (counted == columns[label]).all() else set()
    if {"location/micrograph_path", "micrograph_blob/path"} & set(fields):
        names.add("rlnMicrographName")
    if {"location/center_x_frac", "location/micrograph_shape"} <= set(fields):
        names |= {"rlnCoordinateX", "rlnCoordinateY"}
    return names


def columns_of_optics(particles: ParticleStack) -> dict[str, np.ndarray]:
    """Return fields of RELION's columns of optics groups that no other stands for.

    Args:
        particles: any stack.
    """
    known = set(optics_table(particles.optics)) | {*ABERRATIONS, *MAGNIFICATION}
    kept = {*KEPT_OF_OPTICS, "rlnOpticsGroupName"}
    columns = {
        name: values
        for name, values in particles.optics_columns.items()
        if name in kept or name not in known
    }
    columns |= premultiplied_column(particles.optics, particles.optics_columns)
    return {
        OF_OPTICS + name: as_field(name, np.asarray(values)[particles.groups])
        for name, values in columns.items()
    }
