"""Exit waves and images of abTEM, for test_abtem.py, which runs it.

With a Python that has abTEM 1.0: python abtem_waves.py ATOMS.npz WAVES.npz
"""

import sys

import numpy as np


VOLTAGE = 300e3
CS = 2.7e7
DEFOCI = (2_000.0, 10_000.0)


def waves_of(positions, numbers, box, pixels, thickness):
    """Return slabs (slab, y, x), the exit wave (y, x) and images (defocus, y, x)."""
    import abtem
    import ase

    atoms = ase.Atoms(numbers=numbers, positions=positions, cell=box)
    potential = abtem.Potential(
        atoms, gpts=pixels, slice_thickness=thickness, projection="infinite"
    ).build(lazy=False)
    wave = abtem.PlaneWave(energy=VOLTAGE).multislice(potential, lazy=False)
    images = []
    for defocus in DEFOCI:
        ctf = abtem.CTF(energy=VOLTAGE, defocus=defocus, Cs=CS)
        images.append(np.abs(wave.apply_ctf(ctf).array) ** 2)
    # abTEM's axes are (x, y).
    slabs, images = (np.swapaxes(each, -1, -2) for each in (potential.array, images))
    return slabs, wave.array.T, images, np.asarray(potential.slice_thickness)


def main(source, target):
    import abtem
    from ase import units

    abtem.config.set({"precision": "float64", "diagnostics.progress_bar": False})
    given = dict(np.load(source))
    given |= {name: given[name].item() for name in ("pixels", "thickness")}
    names = ("slabs", "wave", "images", "thickness")
    made = dict(zip(names, waves_of(**given), strict=True))
    # The constants that fix its wavelength and interaction.
    mass, charge, light = units._me, units._e, units._c
    scale = 1e10 * units._hplanck / np.sqrt(2 * mass * charge)
    constants = np.asarray([scale, charge / (2 * mass * light**2)])
    np.savez(target, constants=constants, **made)


if __name__ == "__main__":
    main(*sys.argv[1:])
