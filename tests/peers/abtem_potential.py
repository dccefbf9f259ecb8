"""Projected potentials of abTEM, from scattering factors in place of Gaussians.

Run by the tests with a Python that has abTEM 1.0.11: python abtem_potential.py in.npz
out.npz. In: positions (x, y, z) in a box whose corner is the origin, Å; numbers, box
(Å), size (pixels), deviation (of atoms along an axis, Å). Out: for each formula the
infinite projection, V·Å, as [y, x].
"""

import sys

import numpy as np


FORMULAS = ("Lobato", "Kirkland")


def projected(formula, atoms, size, deviation):
    """Return the projection of atoms in a periodic box."""
    import abtem
    from abtem import parametrizations

    kind = getattr(parametrizations, f"{formula}Parametrization")
    potential = abtem.Potential(
        atoms,
        gpts=(size, size),
        slice_thickness=atoms.cell[2, 2],
        parametrization=kind(sigmas=deviation),
        projection="infinite",
    )
    array = np.asarray(potential.build(lazy=False).array, float)
    return array.sum(axis=0).T


if __name__ == "__main__":
    import abtem
    import ase

    abtem.config.set({"precision": "float64"})
    given = np.load(sys.argv[1])
    box = float(given["box"])
    atoms = ase.Atoms(given["numbers"], given["positions"], cell=[box] * 3, pbc=True)
    settings = int(given["size"]), float(given["deviation"])
    arrays = {name: projected(name, atoms, *settings) for name in FORMULAS}
    np.savez(sys.argv[2], **arrays)
