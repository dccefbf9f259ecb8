"""Where particles are in their micrographs, by CryoSPARC and by RELION."""

from collections.abc import Mapping

import numpy as np

from ._cs_fields import Fields, numbers
from ._star_table import TEXT


def coordinates(fields: Fields, name: str) -> dict[str, np.ndarray]:
    """Return RELION's coordinates: pixels from the top left corner.

    CryoSPARC's are fractions, from the bottom (Asarnow, pyem, issues 81 and 101).

    Args:
        fields: of a data set.
        name: the file, for messages.
    """
    if not {"location/center_x_frac", "location/micrograph_shape"} <= set(fields):
        return {}
    rows, columns = numbers(fields, "location/micrograph_shape", name, 2).T
    across = numbers(fields, "location/center_x_frac", name)
    up = numbers(fields, "location/center_y_frac", name)
    return {
        "rlnCoordinateX": across * columns,
        "rlnCoordinateY": (1.0 - up) * rows,
    }


def location(
    columns: Mapping[str, np.ndarray], held: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the fields of the micrograph and the place in it.

    Args:
        columns: of particles, by RELION's names too.
        held: those that are fields.
    """
    fields: dict[str, np.ndarray] = {}
    told = {"rlnCoordinateX", "location/micrograph_path", "micrograph_blob/path"}
    # Else the name may be made up.
    if "rlnMicrographName" in columns and told & set(columns):
        names = np.asarray(columns["rlnMicrographName"]).astype(TEXT)
        own = held.get("location/micrograph_path", held.get("micrograph_blob/path"))
        fields["location/micrograph_path"] = names
        if own is not None and len(names):
            plain = [path.removeprefix(">") for path in own.tolist()]
            same = np.array(plain, TEXT) == names
            fields["location/micrograph_path"] = np.where(same, own, names)
            if "location/micrograph_path" not in held and same.all():
                del fields["location/micrograph_path"]
    wanted = {"rlnCoordinateX", "rlnCoordinateY"} <= set(columns)
    if wanted and "location/micrograph_shape" in held:
        shape = np.asarray(held["location/micrograph_shape"], np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.asarray(columns["rlnCoordinateX"], np.float64) / shape[:, 1]
            y = 1.0 - np.asarray(columns["rlnCoordinateY"], np.float64) / shape[:, 0]
        fields["location/center_x_frac"] = x
        fields["location/center_y_frac"] = y
    return fields
