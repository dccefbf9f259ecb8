"""Read a data set with cryosparc-tools, and save it in each of its formats.

Run by test_cryosparc_tools.py with a Python that has cryosparc-tools 5: arguments are
the data set, and the folder to write to.
"""

import pathlib
import sys

import numpy as np


def main():
    from cryosparc.dataset import CSDAT_FORMAT, NUMPY_FORMAT, Dataset

    source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    dataset = Dataset.load(source)
    dataset.save(folder / "numpy.cs", format=NUMPY_FORMAT)
    dataset.save(folder / "packed.cs", format=CSDAT_FORMAT)
    (folder / "plain.cs").write_bytes(b"".join(dataset.stream()))
    fields = {}
    for number, name in enumerate(dataset.fields()):
        values = np.asarray(dataset[name])
        fields[f"{number} {name}"] = (
            values.astype("U") if values.dtype == object else values
        )
    np.savez(folder / "fields.npz", **fields)


if __name__ == "__main__":
    main()
