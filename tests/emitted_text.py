"""Runs the text of a generated module as plain Python, and compares it with the interpreter.

Numba takes seconds to compile a program, Python milliseconds to run it on a few examples: so
hundreds of programs can be tried. Numba's and BLAS's part is left to NumPy, fresh memory holds
NaN instead of whatever was there, and a matrix that leaves its array is an error.
"""

import functools
import inspect
import math
import operator
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numba
import numpy as np
import scipy.special
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

import symbp as bp
from symbp import compiler
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.phases import inference_form, training_form
from symbp.calculus.reverse import reverse
from symbp.checking.check import random_values
from symbp.compiler import module_source
from symbp.networks.optimizers import Optimizer, optimise
from symbp.notation.prime import expand_primes
from symbp.notation.program import Program
from symbp.targets.numba import module
from tests.comparison import assert_close

# Values differ by the order of sums only. But RMSProp and Adam divide by the size of a gradient,
# which enlarges the rounding of one that cancels.
TOLERANCE, DIVIDED_TOLERANCE = 1e-11, 1e-4
# The second batch is short.
EXAMPLES, BATCH_SIZE = 5, 3


def matrix(array: Any, *axes: tuple[int, int]) -> NDArray[Any]:
    """Return the entries from an array's first one on, by the extent and stride of each axis."""
    array = np.asarray(array)
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    last = array.ctypes.data + array.itemsize * sum((extent - 1) * step for extent, step in axes)
    assert last < np.lib.array_utils.byte_bounds(owner)[1], "a matrix leaves its array"
    extents, steps = zip(*axes, strict=True)
    return as_strided(array, extents, [array.itemsize * step for step in steps])


def operand(given: Any, rows: int, columns: int, step: int) -> NDArray[Any]:
    """Return a matrix, or one of rows that are picked by their numbers."""
    if not isinstance(given, tuple):
        return matrix(given, (rows, step), (columns, 1))
    array, numbers, *soon = given
    assert all(len(later) >= rows for later in soon)
    flat = np.asarray(array).reshape(-1)
    picked = [flat[number * step : number * step + columns] for number in numbers[:rows]]
    assert len(picked) == rows
    return np.asarray(picked).reshape(rows, columns)


def store(result: NDArray[Any], product: NDArray[Any], beta: float) -> None:
    """Write a product; as in BLAS, nothing of the result is read when beta is zero."""
    result[...] = product + beta * result if beta else product


def gemm(
    turned_a: bool, turned_b: bool, m: int, n: int, k: int,
    alpha: float, a: Any, lda: int, b: Any, ldb: int, beta: float, c: Any, ldc: int,
) -> None:  # fmt: skip
    left = operand(a, k, m, lda).T if turned_a else operand(a, m, k, lda)
    right = operand(b, n, k, ldb).T if turned_b else operand(b, k, n, ldb)
    result = matrix(c, (m, ldc), (n, 1))
    assert not any(np.may_share_memory(result, given) for given in (left, right))
    store(result, alpha * (left @ right), beta)


def view(memory: NDArray[Any], start: int, shape: tuple[int, ...]) -> NDArray[Any]:
    assert memory.flags.c_contiguous
    return memory.reshape(-1)[start : start + math.prod(shape)].reshape(shape)


def whole_numbers(memory: NDArray[Any], start: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    places = math.prod(shape) * 8 // memory.itemsize
    return memory[start : start + places].view(np.int64).reshape(shape)


def natural(number: int) -> int:
    assert 0 <= number < 2**48
    return number


def tiled_onto(
    turned_a: bool, turned_b: bool, m: int, n: int, k: int,
    alpha: float, a: Any, lda: int, b: Any, ldb: int, d: Any, ldd: int, c: Any, ldc: int,
) -> None:  # fmt: skip
    result, start = matrix(c, (m, ldc), (n, 1)), matrix(d, (m, ldd), (n, 1))
    assert not np.may_share_memory(result, start), "it is written before it is read"
    gemm(turned_a, turned_b, m, n, k, alpha, a, lda, b, ldb, 0, c, ldc)
    result += start


def copy_row(target: Any, row: int, source: Any, example: int, size: int) -> None:
    assert target[row].size == source[example].size == size
    target[row] = source[example]


def gemv(
    turned: bool, m: int, n: int,
    alpha: float, a: Any, lda: int, x: Any, incx: int, beta: float, y: Any, incy: int,
) -> None:  # fmt: skip
    left = matrix(a, (m, lda), (n, 1))
    left = left.T if turned else left
    vector = matrix(x, (left.shape[1], incx))
    store(matrix(y, (left.shape[0], incy)), alpha * (left @ vector), beta)


# Three, so that there are members without examples or parameters of their own too.
MEMBERS = 3


class Turns:
    """Runs the members of a team one after another, from one meeting to the next.

    The last one goes first, and then in turn the first one: who reads what another member should
    have computed before a meeting that is missing, finds NaN or an old value.
    """

    def __init__(self) -> None:
        self.order, self.done = list(range(MEMBERS)), 0
        self.changed = threading.Condition()
        self.current = threading.local()

    def take(self) -> None:
        with self.changed:
            mine = self.current.member
            assert self.changed.wait_for(lambda: self.order[self.done] == mine, timeout=60)

    def give(self) -> None:
        with self.changed:
            self.done += 1
            if self.done == MEMBERS:
                self.order, self.done = self.order[::-1], 0
            self.changed.notify_all()

    def meet(self, team: Any, members: int, arrived: int) -> int:
        assert members == MEMBERS
        self.give()
        self.take()
        return arrived

    def run(self, part: Callable[..., Any]) -> Callable[..., Any]:
        def in_turn(*arguments: Any) -> Any:
            self.current.member = arguments[inspect.getfullargspec(part).args.index("member")]
            self.take()
            try:
                return part(*arguments)
            finally:
                self.give()

        in_turn.signatures = ["none to compile"]  # type: ignore[attr-defined]
        return in_turn


class FreshMemoryIsNaN:
    """NumPy, except that what an emitted function reads before it writes it is NaN."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = np.float64) -> NDArray[Any]:
        kind = np.dtype(dtype)
        fresh = np.iinfo(kind).min if kind.kind in "iu" else np.nan
        return np.full(shape, fresh, kind)

    def empty_like(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.full_like(array, np.nan)


STAND_INS: dict[str, Any] = {
    "np": FreshMemoryIsNaN(),
    "gemm": gemm,
    "tiled": gemm,
    "tiled_onto": tiled_onto,
    "gemv": gemv,
    "prefetch": lambda array, row: None,
    "copy_row": copy_row,
    "view": view,
    "whole_numbers": whole_numbers,
    "natural": natural,
    "flat": lambda array: array.reshape(-1),
    "part": lambda array, start: array.reshape(-1)[start:],
    "available_threads": lambda: MEMBERS,
    "WORTHWHILE": 0,
    "blas_threads": lambda: 1,
    "limit_threads": lambda multiplications: 0,
    "restore_threads": lambda threads: None,
    "added": lambda *terms: functools.reduce(operator.add, terms),
    "products_in_any_order": lambda: None,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sigmoid": scipy.special.expit,
    "silu": lambda x: x * scipy.special.expit(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "tanh": np.tanh,
    "erf": scipy.special.erf,
    "sin": np.sin,
    "cos": np.cos,
    "maximum": np.maximum,
    "gelu": lambda x: x * scipy.special.ndtr(x),
    "gelu_prime": lambda x: scipy.special.ndtr(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    "gelu_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    # The other functions run as they are written, on what Numba's intrinsics do.
    "polynomial": lambda x, coefficients: np.polynomial.polynomial.polyval(x, coefficients),
    "fused_multiply_add": lambda a, b, c: float(Fraction(a) * Fraction(b) + Fraction(c)),
    "to_bits": lambda x: np.float64(x).view(np.int64),
    "from_bits": lambda bits: np.int64(bits).view(np.float64),
}


def load_as_python(text: str) -> ModuleType:
    """Return a generated module whose functions are left as they are written."""
    module = ModuleType("emitted")
    with patch.object(numba, "njit", lambda **options: lambda function: function):
        exec(compile(text, "emitted.py", "exec"), vars(module))
    vars(module).update(STAND_INS)
    if hasattr(module, "_epoch_part"):
        turns = Turns()
        module._epoch_kernel.part = turns.run(module._epoch_part)
        module.wait_for_team = turns.meet
        module.Pace.next = lambda pace: (MEMBERS, 1)
        module.Pace.note = lambda pace, *taken: None
    return module


def run_as_python(
    program: bp.Program, optimizer: Optimizer | None = None, dtype: str = "float64"
) -> SimpleNamespace:
    """Stand in for ``bp.compile``: the same text, not compiled."""
    return SimpleNamespace(module=load_as_python(module_source(program, optimizer, dtype)))


def emitted_module(program: bp.Program, optimizer: Optimizer) -> ModuleType:
    # The LaTeX in a module has tests of its own, and would take a fifth of the time of these.
    # Strips of two rows, so that there are several.
    with (
        patch.object(compiler, "_latex", lambda program: {}),
        patch.object(module, "LIMITS", replace(module.LIMITS, strip=2)),
    ):
        return load_as_python(compiler.module_source(program, optimizer, "float64"))


def with_fast_derivatives(program: Program) -> Program:
    """Return a program whose derivatives are the fast ones, which a module computes by default.

    The interpreter takes the accurate ones: ``a (1 - a)`` has fewer digits where a function is
    flat, as the page of the functions says, and the difference is no error of the emitted text.
    """
    return program.replace(
        equations=tuple(e.replace(body=expand_primes(e.body, "fast")) for e in program.equations)
    )


def trained(
    updated: Program, values: Mapping[str, Any], batches: list[slice]
) -> dict[str, NDArray[Any]]:
    """Return the interpreter's parameters after a step for each batch, and what is kept.

    States of the optimizer start from zero.
    """
    data = {t.name: t for t in (*updated.inputs, *updated.targets)}
    states = {t.name: np.zeros(t.shape) for t in updated.states}
    current = {**states, **values}
    for batch in batches:
        for name, tensor in data.items():
            batched = tensor.shape and not isinstance(tensor.shape[0], int)
            current[name] = values[name][batch] if batched else values[name]
        found = interpret(updated, current)
        current.update({old.name: found[new.name] for old, new in updated.updates})
    kept = [t for t in updated.states if t.name in values]
    return {t.name: np.asarray(current[t.name]) for t in (*updated.parameters, *kept)}


def assert_text_agrees(
    program: bp.Program, optimizer: Optimizer | None = None, seed: int = 0
) -> None:
    """Assert that a program's emitted functions compute what the interpreter does.

    Compared are the cost, the output, the gradients, and the parameters and the program's own
    states after an epoch.
    """
    optimizer = optimizer or bp.SGD(0.1)
    values = random_values(program, EXAMPLES, seed)
    differentiated = with_fast_derivatives(reverse(normalise(training_form(program))))
    expected = interpret(differentiated, values)
    used = interpret(normalise(inference_form(program)), values)
    assert program.cost is not None
    cost = {"cost": expected[program.cost.name]}
    gradients = {of.name: expected[g.name] for of, g in differentiated.gradients}

    found_module = emitted_module(program, optimizer)
    parameters = {t.name: values[t.name] for t in program.parameters}
    kept = {t.name: values[t.name] for t in program.states}
    given = (parameters, kept) if kept else (parameters,)
    data = [*program.inputs, *program.targets]
    arrays = [values[t.name] for t in data]
    with np.errstate(all="ignore"):
        in_use = {"cost": used[program.cost.name]}
        assert_close({"cost": found_module.loss(*given, *arrays)}, in_use, TOLERANCE)
        found, gradient = found_module.gradient(*given, *arrays)
        assert_close({"cost": found}, cost, TOLERANCE)
        assert_close(gradient._asdict(), gradients, TOLERANCE)
        if program.output is not None:
            output = found_module.predict(*given, *arrays[: len(program.inputs)])
            reference = {"output": used[program.output.name]}
            assert_close({"output": output}, reference, TOLERANCE)
        trainer = found_module.Trainer(parameters, 0, *given[1:])
        trainer.fit(*arrays, epochs=1, batch_size=BATCH_SIZE, shuffle=False)
    batched = any(t.shape and not isinstance(t.shape[0], int) for t in data)
    batches = [slice(i, i + BATCH_SIZE) for i in range(0, EXAMPLES, BATCH_SIZE)]
    updated = optimise(differentiated, optimizer)
    stepped = trained(updated, values, batches if batched else batches[:1])
    divides = isinstance(optimizer, bp.RMSProp | bp.Adam)
    tolerance = DIVIDED_TOLERANCE if divides else TOLERANCE
    found_after = trainer.parameters._asdict() | (trainer.state._asdict() if kept else {})
    assert_close(found_after, stepped, tolerance)
