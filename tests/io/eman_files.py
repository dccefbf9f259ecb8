"""EMAN2's files, written as its source does: libEM/hdfio2.cpp, libpyEM/EMAN2.py."""

import json

import numpy as np


NAMES = [f"{row}{column}" for row in range(3) for column in range(4)]
TRANSFORM = np.dtype([(name, np.float32) for name in NAMES])


def attribute(group, name, value):
    """Write an attribute of the type that EMAN2 gives a value of this one."""
    if isinstance(value, np.ndarray) and value.shape == (3, 4):
        packed = np.array([tuple(value.astype(np.float32).ravel())], TRANSFORM)
        group.attrs.create(name, packed)
    elif isinstance(value, bool):
        group.attrs.create(name, np.array([ord("T" if value else "F")], np.int8))
    elif isinstance(value, int):
        group.attrs.create(name, np.array([value], np.int32))
    elif isinstance(value, float):
        group.attrs.create(name, np.array([value], np.float32))
    elif isinstance(value, str):
        group.attrs.create(name, np.bytes_(value.encode() + b"\0"))
    else:
        array = np.asarray(value)
        kind = np.int32 if array.dtype.kind == "i" else np.float32
        group.attrs.create(name, array.astype(kind))


def scaled(image, bits):
    """Return an image as whole numbers, and the attributes that say so."""
    low, high = float(image.min()), float(image.max())
    steps = (image - low) / (high - low) * (2**bits - 1)
    kind = np.uint8 if bits <= 8 else np.uint16
    return np.round(steps).astype(kind), {
        "stored_rendermin": low,
        "stored_rendermax": high,
        "stored_renderbits": bits,
        "stored_truncated": 0,
    }


def write_hdf(path, images, headers, bits=0):
    """Write images and headers, in so many bits if any."""
    import h5py

    with h5py.File(path, "w") as file:
        group = file.create_group("MDF/images")
        group.attrs.create("imageid_max", np.array([len(images) - 1], np.int32))
        for number, (image, header) in enumerate(zip(images, headers, strict=True)):
            one = group.create_group(str(number))
            more, packing = {}, {}
            pixels = np.asarray(image, np.float32)
            if bits:
                pixels, more = scaled(pixels, bits)
                packing = {"compression": "gzip", "chunks": (8, pixels.shape[-1])}
            one.create_dataset("image", data=pixels, **packing)
            size = {"nx": pixels.shape[-1], "ny": pixels.shape[-2], "nz": 1}
            for name, value in {**size, "is_complex": 0, **header, **more}.items():
                attribute(one, f"EMAN.{name}", value)
    return path


def as_json(value):
    """Return a value as lists have it: Transforms with six digits."""
    if isinstance(value, np.ndarray) and value.shape == (3, 4):
        numbers = ",".join(f"{number:.6g}" for number in value.ravel())
        return {"__class__": "Transform", "matrix": f"[{numbers}]"}
    return value


def write_list(path, entries):
    """Write (index, file, values) of each image as lines of one length."""
    lines = []
    for index, file, values in entries:
        words = [str(index), str(file)]
        if values:
            plain = {name: as_json(value) for name, value in values.items()}
            words.append(json.dumps(plain, sort_keys=True, separators=(",", ":")))
        lines.append("\t".join(words))
    length = max(map(len, lines)) + 5
    comment = "# This file is in fast LST format."
    padded = "".join(f"{line:<{length - 1}}\n" for line in lines)
    path.write_text(f"#LSX\n{comment}\n# {length}\n{padded}")
    return path


def ctf(defocus, dfdiff, dfang, bfactor, ampcont, voltage, cs, apix, more=" 0 0 0"):
    """Return a CTF as EMAN2 keeps it, with the four digits that it gives."""
    numbers = (defocus, dfdiff, dfang, bfactor, ampcont, voltage, cs, apix)
    return "E" + " ".join(f"{number:1.4g}" for number in numbers) + more


def transform(az, alt, phi, tx=0.0, ty=0.0, *, mirror=False, scale=1.0):
    """Return the matrix of a Transform of type eman, by libEM/transform.cpp's formula.

    Its rotation, then its last column; a mirror negates the first row.
    """
    a, b, p = np.radians([az, alt, phi])
    ca, sa, cb, sb = np.cos(a), np.sin(a), np.cos(b), np.sin(b)
    cp, sp = np.cos(p), np.sin(p)
    matrix = np.zeros((3, 4))
    matrix[:, :3] = [
        [cp * ca - cb * sa * sp, cp * sa + cb * ca * sp, sb * sp],
        [-sp * ca - cb * sa * cp, -sp * sa + cb * ca * cp, sb * cp],
        [sb * sa, -sb * ca, cb],
    ]
    matrix[:, :3] *= scale
    matrix[:2, 3] = tx, ty
    if mirror:
        matrix[0] *= -1.0
    return matrix
