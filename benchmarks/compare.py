"""Time vitrax, and beside it cryoJAX where VITRAX_PEER_PYTHON names a Python with it.

The two are asked in turn, so that a ratio isn't moved by what else the machine does.
Prints milliseconds per image, the ratio of the medians, and for slices the ratio to one
inverse FFT of the same size.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys


HERE = pathlib.Path(__file__).parent
# (vitrax's case, the peer's, the ratio to reach, images per call)
PAIRS = [
    (f"slice-{n}-default{gradient}", f"slice-{n}-{peer}{gradient}", least, 64)
    for n in (128, 256)
    for gradient in ("", "-gradient")
    for peer, least in (("linear", 1.3), ("cubic", 8.0 if gradient else 10.0))
] + [
    ("gaussians", "gaussians", 3.0, 1),
    ("gaussians-gradient", "gaussians-gradient", 5.0, 1),
    ("nufft", "gaussians", 8.0, 1),
    ("nufft-gradient", "gaussians-gradient", 5.0, 1),
]
ALONE = [("fft-128", 64), ("fft-256", 64)] + [
    (f"slice-{n}-fine{gradient}", 64)
    for n in (128, 256)
    for gradient in ("", "-gradient")
]


class Worker:
    """A process that times cases on request."""

    def __init__(self, python: str, script: str):
        self.process = subprocess.Popen(
            [python, str(HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "cpu")},
        )
        self.first: dict[str, float] = {}

    def time(self, case: str, repeats: int) -> dict:
        """Return the answer of the worker to one request."""
        self.process.stdin.write(f"{case} {repeats}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["first"] is not None:
            self.first[case] = answer["first"]
        return answer


def compare(ours: Worker, theirs: Worker, pair: tuple, rounds: int) -> dict:
    """Return the medians of both sides, and the median of their ratios by round."""
    case, peer_case, least, images = pair
    mine, other = [], []
    for _ in range(rounds):
        mine.append(ours.time(case, 3)["median"])
        other.append(theirs.time(peer_case, 3)["median"])
    ratios = [b / a for a, b in zip(mine, other, strict=True)]
    return {
        "case": case,
        "peer": peer_case,
        "ms": 1e3 * statistics.median(mine) / images,
        "peer_ms": 1e3 * statistics.median(other) / images,
        "ratio": statistics.median(ratios),
        "least": least,
        "first": ours.first[case],
        "peer_first": theirs.first[peer_case],
    }


def main() -> None:
    """Run the comparison and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument(
        "--gate", action="store_true", help="fail below the ratios meant"
    )
    arguments = parser.parse_args()
    peer = os.environ.get("VITRAX_PEER_PYTHON")
    ours = Worker(sys.executable, "vitrax_worker.py")
    missed = 0
    if peer:
        theirs = Worker(peer, "cryojax_worker.py")
        print(
            f"{'vitrax':28}{'cryoJAX':28}{'ms':>9}{'ms':>9}{'ratio':>8}{'meant':>7}"
            "  first call, s"
        )
        for pair in PAIRS:
            if arguments.only in pair[0]:
                row = compare(ours, theirs, pair, arguments.rounds)
                missed += row["ratio"] < row["least"]
                print(
                    f"{row['case']:28}{row['peer']:28}{row['ms']:9.3f}{row['peer_ms']:9.3f}"
                    f"{row['ratio']:8.2f}{row['least']:7.1f}  {row['first']:.2f}"
                    f" / {row['peer_first']:.2f}",
                    flush=True,
                )
    else:
        print("VITRAX_PEER_PYTHON isn't set: vitrax alone")
        alone = [(pair[0], pair[3]) for pair in PAIRS[::2] if arguments.only in pair[0]]
        for case, images in alone:
            answer = ours.time(case, 3 * arguments.rounds)
            print(f"{case:28}{1e3 * answer['median'] / images:9.3f} ms", flush=True)
    for case, images in ALONE:
        if arguments.only in case:
            answer = ours.time(case, 3 * arguments.rounds)
            print(f"{case:28}{1e3 * answer['median'] / images:9.3f} ms", flush=True)
    if arguments.gate and missed:
        sys.exit(f"{missed} ratios below what is meant")


if __name__ == "__main__":
    main()
