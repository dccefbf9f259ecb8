"""CTFs of cisTEM on whole grids, its own azimuth included, into pycistem_ctf.npz.

Run by hand with a Python that has pycistem 0.4.1: python pycistem_ctf.py. It multiplies
the transform of a point at the first pixel by the CTF (`Image.ApplyCTF`), so cisTEM
finds frequency and azimuth of each pixel itself.
"""

import pathlib

import numpy as np


# Size, kV, Cs (mm), amplitude contrast, defocus 1 and 2 (Å), angle (degrees), pixel
# size (Å), phase shift (degrees).
SETTINGS = [
    (16, 300.0, 2.7, 0.07, 11000.0, 9000.0, 0.0, 2.0, 0.0),
    (16, 300.0, 2.7, 0.07, 12500.0, 9000.0, 30.0, 1.5, 0.0),
    (16, 200.0, 1.2, 0.10, 15000.0, 12000.0, -50.0, 1.3, 90.0),
    (15, 300.0, 2.7, 0.07, 9000.0, 7000.0, 120.0, 1.7, 40.0),
]


def ctf_on_grid(size, voltage, cs, contrast, defocus_1, defocus_2, angle, pixel, phase):
    """Return the CTF in the layout of numpy.fft.rfft2."""
    from pycistem.core import CTF, Image

    point = Image()
    point.Allocate(size, size, True)
    point.SetToConstant(0.0)
    point.real_values[0, 0] = 1.0
    ctf = CTF(
        kV=voltage,
        cs=cs,
        ac=contrast,
        defocus1=defocus_1,
        defocus2=defocus_2,
        astig_angle=angle,
        pixel_size=pixel,
        phase_shift=np.deg2rad(phase),
    )
    point.ForwardFFT(False)
    point.ApplyCTF(ctf, False, False, False)
    point.BackwardFFT()
    # cisTEM scales neither transform.
    return np.fft.rfft2(np.array(point.real_values, float)).real / size**2


if __name__ == "__main__":
    arrays = {f"ctf_{i}": ctf_on_grid(*s) for i, s in enumerate(SETTINGS)}
    arrays = {name: ctf.astype(np.float32) for name, ctf in arrays.items()}
    target = pathlib.Path(__file__).with_suffix(".npz")
    np.savez_compressed(target, settings=np.asarray(SETTINGS), **arrays)
