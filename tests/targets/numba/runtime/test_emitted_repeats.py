"""Statements that stand in a kernel several times are emitted once, and do what they did."""

import re
from typing import Any

import numpy as np
import pytest
from numba import njit

from symbp.targets.numba.runtime.emitted_repeats import repeated_in
from symbp.targets.numba.runtime.hosting import hosted, tree_of
from symbp.targets.numba.runtime.views import flat, view

pytestmark = pytest.mark.optimised


def layers(p, x, rate):  # type: ignore[no-untyped-def]
    n = x.shape[0]
    u = view(p, 0, (4,))
    v = view(p, 4, (4,))
    y = np.empty((n, 4), np.float64)
    z = np.empty((n, 4), np.float64)
    t = np.empty((n, 3), np.float64)
    s = float(0)
    # The same but for the names; then arrays that are one; then other extents.
    for i in range(n):
        for j in range(4):
            y[i, j] = x[i, j] * u[j] + rate
    for a in range(n):
        for b in range(4):
            z[a, b] = y[a, b] * v[b] + rate
    for i in range(n):
        for j in range(4):
            z[i, j] = z[i, j] * u[j] + rate
    for i in range(n):
        for j in range(3):
            t[i, j] = z[i, j] * u[j] + rate
    # What is set in these is read after them.
    for i in range(n):
        for j in range(4):
            s += y[i, j] * u[j] + rate
    for i in range(n):
        for j in range(4):
            s += z[i, j] * v[j] + rate
    # Parts of an argument, and then the argument.
    for i in range(n):
        for j in range(4):
            u[j] = u[j] - rate * z[i, j]
    for i in range(n):
        for j in range(4):
            v[j] = v[j] - rate * y[i, j]
    for i in range(n):
        for j in range(4):
            p[j] = u[j] - rate * y[i, j]
    return s + t[0, 0]


def large(n):  # type: ignore[no-untyped-def]
    for _i in range(n):
        much = np.empty((n, 2**40), np.float64)
        for j in range(n):
            much[0, j] = much[1, j] + 1.0
    for _i in range(n):
        more = np.empty((n, 2**40), np.float64)
        for j in range(n):
            more[0, j] = more[1, j] + 1.0
    return float(n)


def functions(compiled: Any) -> int:
    """Return how many functions of statements that repeat LLVM has been given."""
    (text,) = compiled.inspect_llvm().values()
    return len(re.findall(r"^define internal .*@symbp_repeated", text, re.MULTILINE))


def test_equal_statements_are_one_function_and_do_the_same() -> None:
    tree = tree_of(layers)
    found = repeated_in(tree)
    assert len(found) == 4
    assert len({each.form for each in found.values()}) == 2
    emitted, compiled = njit(hosted(layers, tree)), njit(layers)
    gen = np.random.default_rng(0)
    p, x = gen.normal(size=8), gen.normal(size=(33, 4))
    parameters = p.copy(), p.copy()
    returned = [
        kernel(of, x, 0.25) for kernel, of in zip((emitted, compiled), parameters, strict=True)
    ]
    assert returned[0] == returned[1]
    np.testing.assert_array_equal(*parameters)
    # What x overlaps is not known, as it is of y: these are two functions; the others are one.
    assert functions(emitted) == 3


def test_memory_that_is_not_there_is_an_error_in_what_repeats() -> None:
    tree = tree_of(large)
    assert len(repeated_in(tree)) == 2
    with pytest.raises(MemoryError):
        njit(hosted(large, tree))(2**18)


def test_a_kernel_without_repeats_has_no_functions() -> None:
    def once(x):  # type: ignore[no-untyped-def]
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                flat(x)[i * x.shape[1] + j] = x[i, j] * 2.0 + x[i, 0]

    assert not repeated_in(tree_of(once))
