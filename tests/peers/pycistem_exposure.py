"""Critical exposures and dose filters of cisTEM, into pycistem_exposure.npz.

Run by hand with a Python that has pycistem 0.4.1: python pycistem_exposure.py.
`ReturnCriticalDose` takes the squared frequency. The cumulative filter is the integral
of the filter from the exposure's start to its end, divided by the end. (The filters of
whole images that pycistem returns lie in memory that it has freed.)
"""

import pathlib

import numpy as np


FREQUENCIES = [0.02, 0.05, 0.1, 0.2, 0.25, 0.33, 0.5, 0.7]
VOLTAGES = [300.0, 200.0, 100.0]
# Exposure at the start and at the end, e/Å².
EXPOSURES = [(0.0, 1.0), (0.0, 20.0), (10.0, 11.5), (40.0, 50.0)]


def filters(voltage):
    """Return the critical exposure and both filters at each frequency."""
    from pycistem.core import ElectronDose

    dose = ElectronDose(voltage, 1.0)
    critical = [dose.ReturnCriticalDose(k**2) for k in FREQUENCIES]
    at_end = [[dose.ReturnDoseFilter(b, c) for c in critical] for _, b in EXPOSURES]
    cumulative = [
        [dose.ReturnCummulativeDoseFilter(a, b, c) for c in critical]
        for a, b in EXPOSURES
    ]
    return critical, at_end, cumulative


if __name__ == "__main__":
    columns = zip(*[filters(voltage) for voltage in VOLTAGES], strict=True)
    names = ("critical", "at_end", "cumulative")
    arrays = {n: np.asarray(c, np.float32) for n, c in zip(names, columns, strict=True)}
    np.savez_compressed(
        pathlib.Path(__file__).with_suffix(".npz"),
        frequencies=FREQUENCIES,
        voltages=VOLTAGES,
        exposures=EXPOSURES,
        **arrays,
    )
