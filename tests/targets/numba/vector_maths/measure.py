"""Measure the largest errors of the float64 functions at many points, for docs/vector_maths.md.

``python -m tests.targets.numba.vector_maths.measure [points]`` prints a line a function.
"""

import sys

from mpmath import mp

from tests.targets.numba.vector_maths.functions import BOUNDS, largest_error, sample


def main(count: int) -> None:
    """Print each function's largest error in ulp at `count` points, and the point."""
    mp.dps = 40
    for name, bound in BOUNDS.items():
        error, place = largest_error(name, "float64", sample(name, "float64", count, seed=1))
        print(f"{name:11s} {error:.3f} ulp at {place!r}, bound {bound['float64']}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
