"""Damaged files end in an `InputError` or a valid object, soon, in little memory."""

import pathlib
import resource

import mutations
import pytest


SHARED = pathlib.Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize("count", [600, pytest.param(20_000, marks=pytest.mark.slow)])
def test_damaged_files(count, tmp_path):
    shared = SHARED if SHARED.is_dir() else None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    crashes, slowest = [], 0.0
    for name, what, seconds, _ in mutations.run(count, tmp_path, shared):
        slowest = max(slowest, seconds)
        if what not in ("valid", "refused"):
            crashes.append((name, what))
    assert not crashes
    assert slowest < mutations.SECONDS
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < mutations.MEMORY


def test_mutations_change_files():
    import numpy as np

    content = bytes(range(200))
    changed = [
        mutations.mutated(content, [content], np.random.default_rng(i)) != content
        for i in range(50)
    ]
    assert sum(changed) > 40
