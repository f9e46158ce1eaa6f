"""What an epoch's rows are computed by: one loop over whole arrays, products that start from what
they are added to, and that read the batch's rows where they are."""

import re
from pathlib import Path

import numpy as np
import pytest
from numba.core.caching import NullCache

import symbp as bp
from symbp.compiler import module_source
from tests.emitted_text import assert_text_agrees

pytestmark = pytest.mark.optimised

SOFTMAX = "softmax_cross_entropy"


def epoch(program: bp.Program, optimizer: object = None) -> str:
    text = module_source(program, optimizer or bp.SGD(0.1))  # type: ignore[arg-type]
    return text[text.index("def _epoch_part") : text.index("# --- Arguments")]


def dense(*, skip: bool = False, scaled: bool = False, input_used: bool = False) -> bp.Program:
    """A hidden layer of 40 units, with something out of the ordinary."""
    n, j, k, m = bp.indices("n j k m", "N", 40, 40, 20)
    x, y = bp.input("x", n, k), bp.target("y", n, m)
    W, b, V = bp.parameter("W", j, k), bp.parameter("b", j), bp.parameter("V", m, j)
    z, a, o, C = bp.tensor("z", n, j), bp.tensor("a", n, j), bp.tensor("o", n, m), bp.tensor("C")
    sums = bp.Sum(W[j, k] * x[n, k], k)
    addend = x[n, j] if skip else 2 * b[j] if scaled else b[j]
    return bp.Program(
        [
            bp.Equation(z[n, j], sums + addend),
            bp.Equation(a[n, j], bp.tanh(z[n, j]) * (x[n, j] if input_used else 1)),
            bp.Equation(o[n, m], bp.Sum(V[m, j] * a[n, j], j)),
            bp.Equation(C, bp.Mean((o[n, m] - y[n, m]) ** 2, n, m)),
        ],
        cost=C,
        output=o,
    )


def test_a_product_starts_from_the_biases() -> None:
    text = epoch(dense())
    assert re.search(r"tiled_onto\(.*, b, 0, part\(z, row_first \* 40\), 40\)", text)
    assert "b[j]" not in "".join(line for line in text.splitlines() if "# " not in line)
    assert_text_agrees(dense(), bp.Adam(0.01))


def test_a_product_starts_from_the_rows_that_skip_it() -> None:
    # x is read by the product and as its start: its rows are copied.
    text = epoch(dense(skip=True))
    assert "part(x, row_first * 40), 40, part(z, row_first * 40), 40)" in text
    assert "copy_row(x, n, x_all, example, 40)" in text
    assert_text_agrees(dense(skip=True), bp.SGD(0.1))


def test_a_product_does_not_start_from_what_has_to_be_computed() -> None:
    text = epoch(dense(scaled=True))
    assert "tiled_onto" not in text
    assert_text_agrees(dense(scaled=True), bp.SGD(0.1))


def test_rows_that_products_read_are_not_copied_and_asked_for_in_time() -> None:
    text = epoch(dense())
    assert "copy_row(x" not in text
    assert "(x_all, part(order, start + row_first))" in text
    assert "(x_all, part(order, start), part(order, min(start + batch_size, examples - N)))" in text


def test_rows_that_something_else_reads_are_copied() -> None:
    program = dense(input_used=True)
    assert "copy_row(x, n, x_all, example, 40)" in epoch(program)
    assert_text_agrees(program, bp.SGD(0.1))


def test_a_turned_input_is_copied() -> None:
    # Its rows are short and not for products only: it is kept with its axes exchanged.
    n, i, j = bp.indices("n i j", "N", 3, 40)
    x, W = bp.input("x", n, i), bp.parameter("W", j, i)
    h, z, C = bp.tensor("h", n, i), bp.tensor("z", n, j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(h[n, i], bp.tanh(x[n, i])),
            bp.Equation(z[n, j], bp.Sum(W[j, i] * h[n, i], i)),
            bp.Equation(C, bp.Mean(z[n, j] ** 2, n, j)),
        ],
        cost=C,
    )
    assert "x[i, n] = x_all[example, i]" in epoch(program)
    assert_text_agrees(program, bp.SGD(0.1))


def test_loops_over_whole_rows_are_one_loop() -> None:
    text = epoch(bp.mlp(20, 40, 30, activation="relu", loss=SOFTMAX))
    assert "for i in range(natural(row_first) * 40, natural(row_last) * 40):" in text
    assert "flat(a1)[i]" in text


@pytest.mark.parametrize("optimizer", [bp.Momentum(0.1), bp.Adam(0.01)], ids=["momentum", "adam"])
def test_parts_of_rows_are_not_one_loop(optimizer: object) -> None:
    # The longer axis of 22 by 40 weights, divided among the members, is the inner one.
    text = epoch(bp.mlp(7, 40, 22), optimizer)
    assert "for k in range(natural(first_40), natural(last_40)):" in text
    assert "range(natural(first_40) * 7, natural(last_40) * 7)" in text


def test_the_update_of_a_bias_is_a_loop_of_its_own() -> None:
    text = epoch(bp.mlp(20, 40, 40, loss=SOFTMAX), bp.Adam(0.01))
    body = text[text.index("# b1_m[j] = ") :]
    loop = body[body.index("for j") : body.index("# ", body.index("for j"))]
    assert "W1" not in loop
    assert "W2" not in loop


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_the_softmax_of_a_strip_runs_in_vectors(dtype: str) -> None:
    # It did not, silently, while LLVM could not exclude that an index counts from the end.
    trainer = bp.compile(bp.mlp(21, 67, 10, activation="relu", loss=SOFTMAX), bp.SGD(0.1), dtype)
    trainer.module._epoch_part._cache = NullCache()  # what is loaded cannot be looked at
    x, y = np.zeros((3, 21)), np.eye(3, 10)
    trainer.fit(x, y, epochs=1, batch_size=3)
    (code,) = trainer.module._epoch_part.inspect_llvm().values()
    assert re.search(rf"@llvm\.maximum\.v\d+f{dtype[-2:]}", code)
    kind = {"float32": "float", "float64": "double"}[dtype]
    assert re.search(rf"fdiv [a-z ]*<\d+ x {kind}>", code)
    assert "masked.scatter" not in code


def test_few_rows_of_a_large_layer_are_not_left_to_blas() -> None:
    trainer = bp.compile(bp.mlp(500, 1030, 520, activation="relu", loss=SOFTMAX), bp.SGD(0.1))
    text = Path(str(trainer.module.__file__)).read_text()
    predict = text[text.index("def _predict_kernel") : text.index("def _loss_kernel")]
    assert "if N <= 64:" in predict
    W1, b1, W2, b2 = trainer.parameters
    for rows in (1, 3, 64, 65):
        x = np.random.default_rng(rows).normal(size=(rows, 500))
        expected = np.maximum(x @ W1.T + b1, 0) @ W2.T + b2
        np.testing.assert_allclose(trainer.predict(x), expected, rtol=1e-10, atol=1e-12)
