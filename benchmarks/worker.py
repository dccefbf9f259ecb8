"""Time cases by name, as they are asked for on standard input.

One line `CASE REPEATS` in, one line of JSON out: seconds of the first call, and of the
quickest and the median of the others. `compare.py` asks two workers in turn.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import jax


def serve(cases: dict[str, Callable[[], Callable[[], object]]]) -> None:
    """Answer requests until standard input ends."""
    ready: dict[str, Callable[[], object]] = {}
    for line in sys.stdin:
        name, repeats = line.split()
        answer = {"case": name, "first": None}
        if name not in ready:
            ready[name] = cases[name]()
            answer["first"] = seconds(ready[name])
        times = [seconds(ready[name]) for _ in range(int(repeats))]
        answer |= {"median": statistics.median(times), "quickest": min(times)}
        print(json.dumps(answer), flush=True)


def seconds(call: Callable[[], object]) -> float:
    """Return how long one call takes, its result waited for."""
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start
