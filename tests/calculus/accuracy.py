"""The bound on errors of what is made of exponentials, and a check of a program against it."""

import math
from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.stabilise import stabilise
from tests.calculus.many_digits import exact, mp

RELATIVE = 1e-13
SMALLEST_NORMAL, LARGEST = 2.2250738585072014e-308, 1.7976931348623157e308


def excess(got: float, right: Any, sensitivity: Any) -> float:
    """Return the error of a number over the bound, 1e-13 · max(1, condition number) of it.

    ``sensitivity`` is the condition number times the size of the right number. What is beyond the
    range has to be infinite, or within a factor of 10 of the end.
    """
    if abs(right) > LARGEST:
        return 0.0 if got * mpmath.sign(right) > LARGEST / 10 else math.inf
    if not math.isfinite(got):
        return math.inf
    bound = RELATIVE * max(abs(right), sensitivity) + SMALLEST_NORMAL
    return float(abs(mpmath.mpf(got) - right) / bound)


def stable_results(program: bp.Program, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cost and the gradients of a program as its module computes them."""
    return interpret(reverse(stabilise(normalise(program))), values)


def faults(
    program: bp.Program, values: Mapping[str, Any], results: Mapping[str, Any] | None = None
) -> list[str]:
    """Return what is off by more than the bound, in words.

    Parameters
    ----------
    program : Program
        Its cost is ``f``.
    values : mapping
        Of its inputs, targets and parameters.
    results : mapping, optional
        The cost by its name, and the gradients as ``x_adjoint``; by default the interpreter's.
    """
    wrt = tuple(tensor.name for tensor in program.parameters)
    results = stable_results(program, values) if results is None else results
    jet = exact(program, "f", values, wrt)
    size = {(n, p): abs(float(np.asarray(values[n])[p])) for n in wrt
            for p in np.ndindex(np.shape(values[n]))}  # fmt: skip
    found = []
    with mp.workdps(60):
        sensitivity = sum(abs(jet.first.get(i, 0)) * size[i] for i in size)
        rows = [("f", float(results["f"]), jet.value, sensitivity)]
        for name, place in size:
            here = sum(abs(jet.second.get(((name, place), i), 0)) * size[i] for i in size)
            got = float(np.asarray(results[f"{name}_adjoint"])[place])
            rows.append((f"∂f/∂{name}{list(place)}", got, jet.first.get((name, place), 0), here))
        for label, got, right, sensitive in rows:
            over = excess(got, right, sensitive)
            if not over <= 1:
                found.append(f"{label}: {got!r}, right {mpmath.nstr(right, 17)}, {over:.2g} times")
    return found
