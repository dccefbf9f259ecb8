"""The packaged specimen: human apoferritin at 1.25 Å."""

import gzip
import importlib.resources

import gemmi
import numpy as np
from jaxtyping import Array, Float

from ..pose import point_group
from ..structure import Atoms, assembled


_FILE = "6z6u_chain.pdb.gz"


def apoferritin() -> Atoms:
    """Return the shell of human apoferritin, 24 chains, 32 616 atoms without hydrogens.

    PDB entry 6Z6U at 1.25 Å resolution, centred at the origin, its 4-fold axes along
    x, y and z as in RELION's group O. Moved by (100.163, 99.993, 99.488) Å it equals
    the deposited entry within 0.3 Å: within 0.02 Å but for serine 31, where the
    deposited chain A differs from the other 23.

    References:
        Yip, Fischer, Paknia, Chari and Stark, Nature 587, 157 (2020); PDB 6Z6U.

    Example:
        >>> import vitrax as vx
        >>> len(vx.datasets.apoferritin())
        32616
    """
    return assembled(apoferritin_chain(), apoferritin_operators())


def apoferritin_chain() -> Atoms:
    """Return one chain of the packaged apoferritin, 1359 atoms with one sodium ion.

    Left out are the entry's two magnesium ions on 3-fold axes; it has no hydrogens, no
    waters and no alternate conformers.

    Example:
        >>> import vitrax as vx
        >>> len(vx.datasets.apoferritin_chain())
        1359
    """
    packed = importlib.resources.files("vitrax.datasets").joinpath(_FILE).read_bytes()
    structure = gemmi.read_pdb_string(gzip.decompress(packed))
    atoms = [site.atom for site in structure[0].all()]
    return Atoms(
        np.array([atom.pos.tolist() for atom in atoms]),
        bytes(atom.element.atomic_number for atom in atoms),
        np.array([atom.b_iso for atom in atoms]),
        np.array([atom.occ for atom in atoms]),
    )


def apoferritin_operators() -> Float[Array, "operators 3 3"]:
    """Return the 24 rotations that make the shell of the chain, the identity first.

    Example:
        >>> import vitrax as vx
        >>> vx.datasets.apoferritin_operators().shape
        (24, 3, 3)
    """
    return point_group("O")
