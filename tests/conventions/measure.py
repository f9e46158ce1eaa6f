"""Measure what JAX, PyTorch, CasADi and SymPy give at the points of ``table.toml``.

Run by hand, outside CI, where all four are installed::

    pip install torch==2.13.0 jax==0.10.2 casadi==3.8.2 sympy==1.14.0
    python -m tests.conventions.measure           # prints the table, and what differs from it
    python -m tests.conventions.measure --write   # writes the cells of these four

It exits with 1 when a cell of the table is not what was measured.
"""

import argparse
import importlib.metadata
import sys
import warnings

from tests.conventions import libraries
from tests.conventions.table import LIBRARIES, TABLE, read, rewritten

MEASURED = {
    "jax": libraries.of_jax,
    "torch": libraries.of_torch,
    "casadi": libraries.of_casadi,
    "sympy": libraries.of_sympy,
}


def main() -> int:
    """Measure, print, compare, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the cells into the table")
    parser.add_argument("--only", nargs="*", choices=MEASURED, default=list(MEASURED))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for library in arguments.only:
        found = importlib.metadata.version(library)
        if not found.startswith(f"{libraries.VERSIONS[library]}."):
            print(f"{library}: expected {libraries.VERSIONS[library]}, found {found}")
            return 2
    points = [point for section in read() for point in section.points]
    different = 0
    for library in arguments.only:
        cells = {}
        for point in points:
            if library not in point.formulas:
                continue
            try:
                cells[str(point)] = MEASURED[library](point)
            except Exception as error:  # a library may refuse a point: that is its answer
                print(f"{LIBRARIES[library]}, {point}: {type(error).__name__}: {error}"[:200])
                cells[str(point)] = libraries.ERROR
            same = cells[str(point)] == point.cells[library]
            different += not same
            note = "" if same else f"   (table: {point.cells[library]})"
            print(f"{LIBRARIES[library]:<8} {point!s:<75} {cells[str(point)]}{note}")
        if arguments.write:
            text = rewritten(TABLE.read_text(encoding="utf-8"), library, cells)
            TABLE.write_text(text, encoding="utf-8")
    print(f"{different} cells differ from the table")
    return int(different > 0 and not arguments.write)


if __name__ == "__main__":
    sys.exit(main())
