"""How loop programs are written for Numba, where that decides over speed, safety or digits."""

import ast
import itertools
import re
from typing import Any

import numpy as np
import pytest
import sympy

import symbp as bp
from symbp.entries.epoch import epoch
from symbp.entries.gradient import gradient
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    AllReduce,
    Argument,
    Assign,
    For,
    Function,
    Return,
    View,
)
from symbp.notation.errors import UnsupportedError
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.targets.numba.kernels import gradient_kernel
from symbp.targets.numba.printer import kernel
from symbp.targets.numba.runtime_names import files_of
from tests.loops.running import model_of
from tests.targets.numba.compiled import compiled

N = sympy.Symbol("N", integer=True, positive=True)


def lines_of(*body: Any, arguments: tuple[Any, ...] = (), **options: Any) -> list[str]:
    """Return the lines of a function's body."""
    printed = kernel(Function("f", arguments, (N,) if arguments else (), body, **options), "f")
    return [line[4:] for line in printed.text.splitlines()[2:]]


def printed_value(value: Any, *tensors: bp.Tensor) -> list[str]:
    """Return the lines that store a value."""
    target = bp.Tensor("r")
    own = [Allocate(tensor, (), "register") for tensor in (*tensors, target)]
    return lines_of(*own, Assign(target[()], value))


A, B, C = (bp.Tensor(name)[()] for name in "abc")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (A + B - C, "a + b - c"),
        (A + (B - C), "a + (b - c)"),
        (A - (B + C), "a - (b + c)"),
        (-A + B, "b - a"),
        (A / B * C, "a / b * c"),
        (A * (B * C), "a * (b * c)"),
        (A / (B * C), "a / (b * c)"),
        (2 * (A + B), "real(2) * (a + b)"),
        (A**2, "(a * a)"),
        (A**-2, "(v * v)"),
        (bp.sigmoid(A) * B, "sigmoid(a) * b"),
        (bp.relu(A), "(real(0) if a <= real(0) else a)"),
        (bp.where(sympy.Gt(A, B), A, B), "a if a > b else b"),
        (1 + bp.where(sympy.Gt(A, B), A, B), "real(1) + (a if a > b else b)"),
    ],
)
def test_an_expression_keeps_its_order(value: Any, text: str) -> None:
    tensors = [element.tensor for element in (A, B, C)]
    assert printed_value(value, *tensors)[-1] == f"r = {text}"


def test_a_base_that_is_no_variable_is_computed_once() -> None:
    lines = printed_value((A + B) ** 3, A.tensor, B.tensor)
    assert lines == ["v = a + b", "r = (v * v * v)"]


def test_a_guarded_read_happens_in_its_branch() -> None:
    n = bp.Index("n", N)
    x = bp.input("x", n)
    total = bp.Tensor("total")[()]
    value = bp.where(sympy.Gt(n, 0), x[n - 1] ** 2, 0)
    lines = lines_of(
        Allocate(total.tensor, (), "register"),
        Assign(total, sympy.S.Zero),
        For(n, 0, N, (Accumulate(total, value, free_order=True),)),
        arguments=(Argument(x, "in"),),
    )
    inside = [line.strip() for line in lines if line.startswith("    ")]
    assert inside[:4] == ["if n > 0:", "v = x[n - 1]", "v_2 = (v * v)", "else:"]
    assert inside[-1] == "total = added(total, v_2)"


def test_sums_into_one_place_are_free_and_others_run_along_memory() -> None:
    n, j = bp.Index("n", N), bp.Index("j", 5)
    x, s = bp.input("x", n, j), bp.Tensor("s", (j,))
    leaf = Accumulate(s[j], x[n, j], free_order=True)
    arguments = (Argument(x, "in"), Argument(s, "inout"))
    across = lines_of(For(n, 0, N, (For(j, 0, 5, (leaf,)),)), arguments=arguments)
    along = lines_of(For(j, 0, 5, (For(n, 0, N, (leaf,)),)), arguments=arguments)
    assert across[-1].strip() == "s[j] += x[n, j]"
    assert along[-1].strip() == "s[j] = added(s[j], x[n, j])"


def test_ends_that_llvm_cannot_know_are_natural() -> None:
    first, last = sympy.symbols("first last", integer=True)
    n = bp.Index("n", N)
    x = bp.Tensor("x", (n,))
    loop = For(n, 3 * first, 3 * last, (Assign(x[n], sympy.S.Zero),))
    function = Function("f", (Argument(x, "out"),), (N, first, last), (loop,))
    assert "for n in range(natural(first) * 3, natural(last) * 3):" in kernel(function, "f").text


def test_a_row_is_looked_up_once_and_copied_in_one_piece() -> None:
    n, k, i = bp.Index("n", N), bp.Index("k", 7), bp.Index("i", "examples")
    whole, order = bp.input("x_all", i, k), bp.input("order", n, kind="integer")
    x = bp.Tensor("x", (n, k))
    arguments = (Argument(whole, "in"), Argument(order, "in"), Argument(x, "out"))
    copy = Assign(x[n, k], whole[order[n], k])
    loop = For(n, 0, N, (For(k, 0, 7, (copy,)),))
    *_, lookup, copied = lines_of(loop, arguments=arguments)
    assert lookup.strip() == "example = np.uintp(order[n])"
    assert copied.strip() == "copy_row(x, n, x_all, example, 7)"


def test_the_next_batch_is_asked_for() -> None:
    text = kernel(lower(epoch(model_of(bp.mlp(64, 30, 10))), Limits()).function, "f").text
    assert "part(order, min(start + batch_size, examples - N))" in text
    assert "later = np.uintp(order[min(start + n + batch_size, examples - 1)])" in text


def test_the_cost_of_an_epoch_is_summed_in_double_precision() -> None:
    function = lower(epoch(model_of(bp.mlp(2, 3, 1), bp.SGD(1e-9))), Limits(most_operations=0))
    run = compiled(kernel(function.function, "_kernel"), "float32")
    generator = np.random.default_rng(0)
    rows = 20_000
    x = generator.random((rows, 2), dtype=np.float32)
    y = generator.random((rows, 1), dtype=np.float32)
    parameters = np.zeros(13, np.float32)
    arguments = [parameters, np.full(1, 1e-9, np.float32), x, y, np.arange(rows), 1]
    if function.function.team:
        arguments += [np.zeros(4096, np.float32), np.arange(0, 4096, 64), np.zeros(1, int), 0, 1]
    exact = np.mean((0.5 - y.astype(float)) ** 2) / 2
    assert abs(run(*arguments) - exact) < 1e-7 * exact


def test_names_of_a_users_own_mean_nothing_else_in_the_text() -> None:
    n, k = bp.indices("n k", "N", 3)
    x = bp.input("sigmoid", n, k)
    w = bp.parameter("view", k)
    z, cost = bp.tensor("natural", n), bp.tensor("real")
    program = bp.Program(
        [
            bp.Equation(z[n], bp.sigmoid(bp.Sum(x[n, k] * w[k], k))),
            bp.Equation(cost, bp.Mean(z[n] ** 2, n)),
        ],
        cost=cost,
    )
    printed = kernel(lower(gradient(model_of(program)), Limits()).function, "_kernel")
    stored = {
        node.id
        for node in ast.walk(ast.parse(printed.text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    given = set(re.findall(r"\w+", printed.text.splitlines()[1].split("(")[1]))
    assert not (stored | given) & {*files_of(), "real", "np", "min"}
    assert np.isfinite(compiled(printed)(np.ones(3), np.ones((2, 3)), np.zeros(3)))


def test_what_is_no_ascii_name_gets_one_of_the_generators() -> None:
    n = bp.Index("строка", N)
    x = bp.Tensor("λ", (n,))
    lines = lines_of(For(n, 0, N, (Assign(x[n], sympy.S.One),)), arguments=(Argument(x, "out"),))
    assert lines == ["N = t.shape[0]", "for i in range(N):", "    t[i] = real(1)"]


def test_scalars_of_a_buffer_are_read_once_unless_they_change() -> None:
    flat = bp.Tensor("flat_buffer", (bp.Index("i", 4),))
    a = bp.Tensor("a")
    for role, lines in (
        ("in", ["a = flat_buffer[2]", "return float(a)"]),
        ("inout", ["flat_buffer[2] = real(1)", "return float(flat_buffer[2])"]),
    ):
        change = [Assign(a[()], sympy.S.One)] if role == "inout" else []
        body = (View(a, flat, 2), *change, Return(a[()]))
        printed = kernel(Function("f", (Argument(flat, role),), (), body), "f")
        assert [line.strip() for line in printed.text.splitlines()[2:]] == lines


def test_every_line_between_the_first_passage_and_the_last_is_in_one() -> None:
    printed = gradient_kernel(model_of(bp.mlp(20, 30, 24)), Limits())
    passages = printed.passages
    assert all(a.end == b.start for a, b in itertools.pairwise(passages))
    text = printed.text.splitlines()
    assert text[passages[-1].end].strip() == "return float(C_total)"
    named = {e.tensor.name for passage in passages for e in passage.equations}
    assert {"z1", "a1", "z2", "C", "W1_adjoint", "b2_adjoint"} <= named


def test_what_numba_has_no_code_for_is_said() -> None:
    x = bp.Tensor("x", (bp.Index("i", 4),))
    function = Function("f", (Argument(x, "inout"),), (), (AllReduce(x),))
    with pytest.raises(UnsupportedError, match="AllReduce"):
        kernel(function, "f")
    with pytest.raises(UnsupportedError, match="no place for its argument"):
        kernel(function.replace(body=()), "f", [])
