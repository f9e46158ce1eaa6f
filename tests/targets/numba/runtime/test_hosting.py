"""A kernel is compiled from its text, once; what cannot be goes to Numba's front end, said once."""

import ast
import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numba import njit

import symbp as bp
from symbp.compiler import module_source
from symbp.targets.numba import module
from symbp.targets.numba.runtime.emitted_expressions import regions_in
from symbp.targets.numba.runtime.hosting import hosted, tree_of
from symbp.targets.numba.runtime.sums import added
from symbp.targets.numba.runtime.vector_maths_float64 import exp, tanh
from symbp.targets.numba.runtime.views import flat, natural, part, view
from tests.targets.numba.runtime.test_cache import network, run

# Counts the kernels whose text is emitted.
USE = """
import sys
sys.path.insert(0, sys.argv[1])
import emitting
emitted, host = [], emitting.hosted
emitting.hosted = lambda *given: emitted.append(given) or host(*given)
trainer = emitting.Trainer(seed=0)
for rows, size in ((4, 2), (7, 3), (7, 7)):
    trainer.fit([1.0] * rows, [0.5] * rows, epochs=2, batch_size=size)
print(trainer.predict([2.0]).shape, len(emitted), len(emitting._epoch_kernel.signatures))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a module whose kernels have loops: others are left to the front end."""
    with patch.object(module, "LIMITS", replace(module.LIMITS, most_operations=0)):
        (tmp_path / "emitting.py").write_text(module_source(network()), encoding="utf-8")
    return tmp_path


def predicted(folder: Path) -> tuple[float, list[str]]:
    """Return what a module predicts, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = bp.load_module(folder / "emitting.py")
        for x in (2.0, [2.0]):
            answer = loaded.predict(loaded.initial_parameters(), np.atleast_1d(x))
    return float(answer[0]), [str(each.message) for each in caught]


def test_machine_code_is_kept_and_serves_all_sizes(place: Path) -> None:
    assert run(place, USE) == ("(1,) 2 1\n", "")
    path = place / "emitting.py"
    path.write_bytes(path.read_bytes())  # generated again: another time, the same text
    os.utime(path, (1, 1))
    assert run(place, USE) == ("(1,) 0 1\n", "")


def test_a_changed_text_is_compiled_anew(place: Path) -> None:
    assert predicted(place) == (6.0, [])
    text = (place / "emitting.py").read_text(encoding="utf-8")
    assert text.count("z[n] = w * x[n]") == 1
    changed = text.replace("z[n] = w * x[n]", "z[n] = w * x[n] + w")
    (place / "emitting.py").write_text(changed, encoding="utf-8")
    assert predicted(place) == (9.0, [])


def test_what_is_outside_of_the_subset_is_compiled_by_numba_and_said_once(place: Path) -> None:
    text = (place / "emitting.py").read_text(encoding="utf-8")
    start = text.index("def _predict_kernel")
    changed = text[start:].replace("N = x.shape[0]", "N: int = x.shape[0]", 1)
    (place / "emitting.py").write_text(text[:start] + changed, encoding="utf-8")
    answer, said = predicted(place)
    assert answer == 6.0
    (message,) = said
    assert "_predict_kernel is compiled by Numba's front end" in message
    assert "N: int = x.shape[0]" in message


def test_a_text_that_is_not_what_was_loaded_is_not_used(place: Path) -> None:
    path = place / "emitting.py"
    loaded = bp.load_module(path)
    path.write_text(path.read_text(encoding="utf-8").replace("w * x[n]", "x[n]"), encoding="utf-8")
    with pytest.warns(RuntimeWarning, match=r"Numba's front end.*its text cannot be read"):
        assert loaded.predict(loaded.initial_parameters(), [2.0])[0] == 6.0


# Kernels of every kind of statement ------------------------------------------------------------


def whole_numbers(numbers, results):  # type: ignore[no-untyped-def]
    n = numbers.shape[0]
    at = 0
    for i in range(n):
        for j in range(n - 1, -1, -1):
            a = numbers[i]
            b = numbers[j]
            if b != 0 and (a // b > 1 or not a % b < 0):
                at += a // b - a % b * min(a, b, 3) + max(i, j)
        results[i] = at
    for k in range(1, n, 3):
        results[k] -= (results[k - 1] << 2) & 255 | 1
    return float(at)


def real_numbers(numbers, results):  # type: ignore[no-untyped-def]
    n = numbers.shape[0]
    one = np.empty(1, np.float64)
    one[0] = 1
    square = view(numbers, 0, (2, 3))
    row = part(numbers, 2)
    total = float(0)
    biggest = -np.inf
    for i in range(natural(n)):
        x = flat(numbers)[i]
        near = (x > -0.5 and x < 0.5) or x == 1.5
        y = exp(x) if near else (abs(x) if i % 2 == 0 else np.sqrt(x * x + one[0]))
        if x >= 0 and numbers[i - 1 if i > 0 else 0] != 0:
            y = -y / 3
        elif not near:
            y -= tanh(x) ** 2.0
        twice = np.empty(2, np.float64)
        twice[0] = y
        results[i] = twice[0]
        biggest = y if y > biggest else biggest
        total = added(total, y)
    return total / n + biggest + row[1] * square[1, 2]


NUMBERS = [-7.25, -0.4, 0.0, 0.3, 1.5, 1e300, -np.inf]


@pytest.mark.parametrize(
    ("kernel", "numbers"),
    [
        (whole_numbers, np.array([7, -7, 3, 0, -2, 5, 2**40])),
        (real_numbers, np.array(NUMBERS)),
        (real_numbers, np.array([np.nan, *NUMBERS[:-1]])),
    ],
)
def test_statements_and_operators_as_numba_compiles_them(
    kernel: Callable[..., Any], numbers: Any
) -> None:
    options: dict[str, Any] = {"error_model": "numpy"}
    tree = tree_of(kernel)
    emitted, found = njit(**options)(hosted(kernel, tree)), np.zeros_like(numbers)
    compiled, expected = njit(**options)(kernel), np.zeros_like(numbers)
    returned = emitted(numbers, found), compiled(numbers, expected)
    np.testing.assert_array_equal(found.view(np.int64), expected.view(np.int64))
    np.testing.assert_array_equal(*np.array(returned).view(np.int64)[:, None])


def memory(n):  # type: ignore[no-untyped-def]
    much = np.empty((n, 2**40), np.float64)
    return much[0, 0]


def test_memory_that_is_not_there_is_an_error() -> None:
    with pytest.raises(MemoryError):
        njit(hosted(memory, tree_of(memory)))(2**18)


OUTSIDE = {
    "x is of type float64 and of int64": """
    x = 1.5
    for i in range(n):
        x = i""",
    "i is not known here": """
    for i in range(n):
        pass
    x = i""",
    "while n > 0": """
    while n > 0:
        n = n - 1""",
    "n < 1 < 2": """
    x = n < 1 < 2""",
    r"line 2, \+1\.5": """
    x = +1.5""",
    "line 2, ~1": """
    x = ~1""",
    "a value of type int64 or of float64": """
    x = n if n > 0 else 1.5""",
    "i is set in and outside of a loop": """
    i = 0
    for i in range(n):
        i = 3""",
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_is_outside_of_the_subset_is_named(what: str) -> None:
    (tree,) = ast.parse(f"def memory(n):{OUTSIDE[what]}\n    return float(n)\n").body
    assert isinstance(tree, ast.FunctionDef)
    with pytest.raises(Exception, match=what):
        njit(hosted(memory, tree))(3)


VIEWS = {
    "view(p, 0, (2, 3)), view(p, 6, (4,))": ["p, 0", "p, 6"],
    "view(p, 0, (2, 3)), view(p, 5, (4,))": [],
    "view(p, 0, (2, 3)), view(p, n, (4,))": [],
    "view(p, 0, (n, 3)), view(p, 6, (4,))": [],
    "view(p, 0, (6,)), view(p, 0, (6,))": [],
    "view(m, offsets[0], (n,)), view(m, offsets[1], (n, 3)), view(a, 0, (2,))": [
        "m, offsets[0]", "m, offsets[1]",
    ],
}  # fmt: skip


@pytest.mark.parametrize("views", VIEWS)
def test_llvm_is_told_only_of_views_that_cannot_overlap(views: str) -> None:
    (tree,) = ast.parse(f"def kernel(p, m, offsets, n):\n    a = {views}\n").body
    assert isinstance(tree, ast.FunctionDef)
    assert regions_in(tree) == VIEWS[views]
