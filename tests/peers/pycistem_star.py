"""What cisTEM's own code makes of a parameter file of ours, into pycistem_star.npz.

Run by hand with a Python that has pycistem 0.4.1: python pycistem_star.py FILE, where
FILE is what `write` of test_pycistem_star.py writes. cisTEM reads it and writes it
again, as text and as binary; pycistem has no binding for that, so the functions are
called by their names in its library. Then it images a point with the CTF, beam tilt and
shift of each row in the way of its program project3d.
"""

import ctypes
import glob
import pathlib
import sys
import tempfile

import numpy as np


BOX = 16
_KEPT = []


def wx_string(text):
    """Return a wxString: a std::wstring, and nothing converted."""
    buffer = ctypes.create_unicode_buffer(text)
    string = (ctypes.c_uint64 * 8)(ctypes.addressof(buffer), len(text), len(text) + 8)
    _KEPT.extend((buffer, string))
    return ctypes.byref(string)


def written_by_cistem(source):
    """Return a parameter file as cisTEM writes it, as text and as binary."""
    import pycistem.core

    name = glob.glob(f"{pycistem.core.__path__[0]}/core*.so")[0]
    cistem = ctypes.CDLL(name)
    parameters = ctypes.create_string_buffer(2**16)
    cistem._ZN16cisTEMParametersC1Ev(parameters)
    cistem._ZN16cisTEMParameters22ReadFromcisTEMStarFileE8wxStringb(
        parameters, wx_string(str(source)), ctypes.c_bool(False)
    )
    folder = pathlib.Path(tempfile.mkdtemp())
    text, binary = folder / "out.star", folder / "out.cistem"
    cistem._ZN16cisTEMParameters21WriteTocisTEMStarFileE8wxStringiiii(
        parameters, wx_string(str(text)), -1, -1, -1, -1
    )
    cistem._ZN16cisTEMParameters23WriteTocisTEMBinaryFileE8wxStringii(
        parameters, wx_string(str(binary)), -1, -1
    )
    return text.read_bytes(), binary.read_bytes()


def transfer(row):
    """Return the half spectrum of a point that cisTEM images with a row's numbers."""
    from pycistem.core import CTF, Image

    pixel = row["cisTEMPixelSize"]
    ctf = CTF(
        kV=row["cisTEMMicroscopeVoltagekV"],
        cs=row["cisTEMMicroscopeCsMM"],
        ac=row["cisTEMAmplitudeContrast"],
        defocus1=row["cisTEMDefocus1"],
        defocus2=row["cisTEMDefocus2"],
        astig_angle=row["cisTEMDefocusAngle"],
        pixel_size=pixel,
        phase_shift=np.deg2rad(row["cisTEMPhaseShift"]),
        beam_tilt_x=-row["cisTEMBeamTiltX"] / 1000,
        beam_tilt_y=-row["cisTEMBeamTiltY"] / 1000,
        particle_shift_x=-row["cisTEMImageShiftX"],
        particle_shift_y=-row["cisTEMImageShiftY"],
    )
    point = Image()
    point.Allocate(BOX, BOX, True)
    point.SetToConstant(0.0)
    point.real_values[0, 0] = 1.0
    point.ForwardFFT(False)
    point.ApplyCTF(ctf, False, True, False)
    point.PhaseShift(row["cisTEMXShift"] / pixel, row["cisTEMYShift"] / pixel, 0.0)
    point.BackwardFFT()
    # cisTEM scales neither transform.
    return np.fft.rfft2(np.array(point.real_values, float)) / BOX**2


def rows_of(path):
    """Return the numbers of each row of a file of ours by the names of its columns."""
    lines = [line.split() for line in path.read_text().splitlines()]
    names = [words[0][1:] for words in lines if words and words[0].startswith("_")]
    for words in lines:
        if len(words) >= len(names) and words[0].isdigit():
            pairs = [(n, w) for n, w in zip(names, words, strict=False)]
            own = [(n, w) for n, w in pairs if n.startswith("cisTEM")]
            yield {n: float(w) for n, w in own if not w.startswith("'")}


if __name__ == "__main__":
    source = pathlib.Path(sys.argv[1])
    text, binary = written_by_cistem(source)
    files = {"source": source.read_bytes(), "text": text, "binary": binary}
    np.savez_compressed(
        pathlib.Path(__file__).with_suffix(".npz"),
        transfers=np.stack([transfer(row) for row in rows_of(source)]).astype("c8"),
        **{name: np.frombuffer(data, np.uint8) for name, data in files.items()},
    )
