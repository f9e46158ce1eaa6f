"""compile: what it refuses, and which class the single output of a module says."""

from pathlib import Path

import numpy as np
import pytest
from sympy import MatrixSymbol, Symbol, Trace

import symbp as bp


def regression(output: str) -> bp.Program:
    n, k = bp.indices("n k", "N", 2)
    x, y = bp.input("x", n, k), bp.target("y", n)
    w, b = bp.parameter("w", k), bp.parameter("b")
    z, e, C = bp.tensor("z", n), bp.tensor("e", n), bp.tensor("C")
    equations = [
        bp.Equation(z[n], bp.Sum(w[k] * x[n, k], k) + b),
        bp.Equation(e[n], z[n] - y[n]),
        bp.Equation(C, bp.Mean(e[n] ** 2, n)),
    ]
    return bp.Program(equations, cost=C, output={"z": z, "e": e, "C": C}[output])


@pytest.mark.parametrize("output", ["e", "C"])
def test_an_output_that_depends_on_a_target_is_refused(output: str) -> None:
    with pytest.raises(bp.SymbpError) as caught:
        bp.compile(regression(output))
    assert str(caught.value) == (
        f"output {output} depends on the target y, which predict is not given; expected a tensor "
        "that is computed from inputs and parameters"
    )


def test_so_is_one_of_matrices() -> None:
    N = Symbol("N")
    X, Y, W = MatrixSymbol("X", N, 3), MatrixSymbol("Y", N, 2), MatrixSymbol("W", 2, 3)
    E = X * W.T - Y
    cost = Trace(E.T * E)
    program = bp.from_matrices(cost, parameters=[W], inputs=[X], targets=[Y], output=E)
    with pytest.raises(bp.SymbpError, match="depends on the target Y, which predict is not given"):
        bp.generate(program, "never.py")


def test_the_output_of_inputs_is_predicted() -> None:
    trainer = bp.compile(regression("z"))
    parameters = trainer.module.Trainer([[1.0, 2.0], 0.5])
    np.testing.assert_array_equal(parameters.predict([[1.0, 1.0], [0.0, 2.0]]), [3.5, 4.5])


@pytest.mark.parametrize(
    ("loss", "output", "right"),
    [("binary_cross_entropy", "identity", 1.0), ("quadratic", "identity", 0.5),
     ("cross_entropy", "sigmoid", 1.0)],
)  # fmt: skip
def test_a_single_output_is_a_logit_or_a_probability(loss: str, output: str, right: float) -> None:
    net = bp.mlp(1, 1, loss=loss, output=output)
    trainer = bp.compile(net).module.Trainer([[[1.0]], [0.0]])
    # The logit 0.25 says class 1; as a probability it says class 0.
    x, labels = [[-0.25], [0.25]], [0, 1]
    assert trainer.accuracy(x, labels) == right


@pytest.mark.optimised
def test_a_file_to_be_read_and_what_compile_makes_give_the_same_numbers(tmp_path: Path) -> None:
    # The one is left to Numba's front end, as that makes it short.
    net = bp.mlp(2, 3, 1, activation="tanh")
    generated = bp.load_module(bp.generate(net, tmp_path / "read.py", dtype="float32"))
    compiled = bp.compile(net, dtype="float32").module
    assert "emitted_kernel" in vars(compiled)
    assert "emitted_kernel" not in vars(generated)
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(7, 2)), generator.normal(size=(7, 1))
    results = []
    for module in (generated, compiled):
        trainer = module.Trainer(seed=0).fit(x, y, epochs=3, batch_size=3)
        cost, gradients = module.gradient(trainer.parameters, x, y)
        results.append((*trainer.parameters, cost, *gradients, trainer.predict(x)))
    # The same bits with LLVM 22; sums may be added in any order, and older ones choose another.
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
