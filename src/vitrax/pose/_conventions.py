"""Angles of other programs, and RELION's rot, tilt and psi that mean the same.

Numbers on the host: readers and writers of files use them.
"""

import warnings

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation as HostRotation


# EMAN2's az, alt, phi less RELION's rot, tilt, psi.
_EMAN = np.array([90.0, 0.0, -90.0])


def euler_from_cryosparc(
    rotation_vectors: Float[np.ndarray, "poses 3"],
) -> Float[np.ndarray, "poses 3"]:
    r"""Return RELION's rot, tilt and psi of CryoSPARC's poses.

    CryoSPARC's rotation vector $w$ (radians) means $A = \exp(-[w]_\times)$, where $A$
    takes coordinates of the object to those of the image.

    Args:
        rotation_vectors: alignments3D/pose, radians.

    Returns:
        Degrees.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> vx.pose.euler_from_cryosparc(np.array([[0.0, np.pi / 2, 0.0]])).round(6)
        array([[ 0., 90.,  0.]])
    """
    vectors = np.asarray(rotation_vectors, np.float64).reshape(-1, 3)
    if not len(vectors):
        # Older versions of scipy refuse to make no rotations.
        return vectors
    # scipy's intrinsic ZYZ angles of Aᵀ are rot, tilt and psi.
    return _euler(HostRotation.from_rotvec(vectors))


def euler_to_cryosparc(
    angles: Float[np.ndarray, "poses 3"],
) -> Float[np.ndarray, "poses 3"]:
    """Return CryoSPARC's poses of RELION's rot, tilt and psi.

    Args:
        angles: degrees.

    Returns:
        alignments3D/pose, radians; of length π at most.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> vx.pose.euler_to_cryosparc(np.array([[90.0, 0.0, 0.0]])).round(6)
        array([[0.      , 0.      , 1.570796]])
    """
    if not len(angles):
        return np.empty((0, 3))
    return _turns(angles).as_rotvec()


def euler_from_eman(
    angles: Float[np.ndarray, "poses 3"],
) -> Float[np.ndarray, "poses 3"]:
    """Return RELION's rot, tilt and psi of EMAN2's az, alt and phi.

    rot = az - 90, tilt = alt, psi = phi + 90.

    Args:
        angles: az, alt, phi in degrees.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> vx.pose.euler_from_eman(np.array([[90.0, 30.0, -90.0]]))
        array([[ 0., 30.,  0.]])
    """
    return np.asarray(angles, np.float64).reshape(-1, 3) - _EMAN


def euler_to_eman(
    angles: Float[np.ndarray, "poses 3"],
) -> Float[np.ndarray, "poses 3"]:
    """Return EMAN2's az, alt and phi of RELION's rot, tilt and psi.

    az = rot + 90, alt = tilt, phi = psi - 90.

    Args:
        angles: degrees.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> vx.pose.euler_to_eman(np.array([[0.0, 30.0, 0.0]]))
        array([[ 90.,  30., -90.]])
    """
    return np.asarray(angles, np.float64).reshape(-1, 3) + _EMAN


def euler_from_matrix(
    matrices: Float[np.ndarray, "poses 3 3"],
) -> Float[np.ndarray, "poses 3"]:
    """Return RELION's rot, tilt and psi of rotation matrices.

    Args:
        matrices: A, which take coordinates of the object to those of the image; the
            nearest rotation stands for one that is rounded.

    Returns:
        Degrees; psi is 0 where tilt is 0 or 180.

    Raises:
        ValueError: if one is singular or a reflection.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> turn = np.array([[[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
        >>> vx.pose.euler_from_matrix(turn).round(6)
        array([[90.,  0.,  0.]])
    """
    values = np.asarray(matrices, np.float64).reshape(-1, 3, 3)
    if not len(values):
        return np.empty((0, 3))
    if (np.linalg.det(values) <= 0).any():
        raise ValueError(
            "cannot give angles of these matrices because some aren't rotations; do "
            "check their determinants"
        )
    return _euler(HostRotation.from_matrix(values.transpose(0, 2, 1)))


def matrix_from_euler(
    angles: Float[np.ndarray, "poses 3"],
) -> Float[np.ndarray, "poses 3 3"]:
    """Return rotation matrices of RELION's rot, tilt and psi.

    Args:
        angles: degrees.

    Returns:
        A, which take coordinates of the object to those of the image.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> vx.pose.matrix_from_euler(np.array([[90.0, 0.0, 0.0]]))[0, 0].round(6)
        array([0., 1., 0.])
    """
    if not len(angles):
        return np.empty((0, 3, 3))
    return _turns(angles).as_matrix().transpose(0, 2, 1)


def _turns(angles: Float[np.ndarray, "poses 3"]) -> HostRotation:
    """Return the rotations Aᵀ of RELION's angles."""
    values = np.asarray(angles, np.float64).reshape(-1, 3)
    return HostRotation.from_euler("ZYZ", values, degrees=True)


def _euler(turns: HostRotation) -> Float[np.ndarray, "poses 3"]:
    """Return RELION's angles of rotations Aᵀ, with psi 0 where tilt is 0 or 180."""
    with warnings.catch_warnings():
        # At these tilts only a sum of angles is defined, and any pair of them will do.
        warnings.filterwarnings("ignore", message=".*[Gg]imbal lock.*")
        return turns.as_euler("ZYZ", degrees=True)
