"""Outputs by name: any tensor of a program, as it is in use, per-example losses and metrics too."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.compiler import module_source
from symbp.notation.errors import SymbpError
from tests.comparison import assert_close
from tests.emitted_text import load_as_python
from tests.programs import attention

n, j, k = bp.indices("n j k", "N", 3, 2)
x, y = bp.input("x", n, k), bp.target("y", n, j)
W, z, C = bp.parameter("W", j, k), bp.tensor("z", n, j), bp.tensor("C")
each, error, mean = bp.tensor("each", n), bp.tensor("error"), bp.tensor("mean", j)
after, steps = bp.tensor("after"), bp.state("steps")


def program() -> bp.Program:
    return bp.Program(
        [
            bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k)),
            bp.Equation(each[n], bp.Sum((z[n, j] - y[n, j]) ** 2, j) / bp.sqrt(1 + steps)),
            bp.Equation(C, bp.Mean(each[n], n)),
            bp.Equation(error, bp.Mean(bp.Abs(z[n, j] - y[n, j]), n, j)),
            bp.Equation(mean[j], bp.Mean(bp.where(bp.is_training, 0, z[n, j]), n)),
            bp.Equation(after, steps + 1),
        ],
        cost=C,
        output=z,
        updates={steps: after},
    )


generator = np.random.default_rng(2)
X, Y = generator.normal(size=(7, 2)), generator.normal(size=(7, 3))


def test_an_output_is_what_the_equations_say_of_the_current_parameters() -> None:
    trainer = bp.compile(program(), bp.SGD(0.1), outputs=["each", error, mean])
    for epochs in (0, 3):
        trainer.fit(X, Y, epochs=epochs, batch_size=7)
        predicted = X @ trainer.parameters.W.T
        scale = np.sqrt(1 + trainer.state.steps)
        expected = {
            "each": ((predicted - Y) ** 2).sum(1) / scale,
            "error": np.abs(predicted - Y).mean(),
            "mean": predicted.mean(0),
        }
        found = {
            "each": trainer.evaluate("each", X, Y),
            "error": trainer.evaluate("error", X, Y),
            "mean": trainer.evaluate("mean", X),
        }
        assert_close(found, expected, 1e-12)
        assert found["each"].mean() == pytest.approx(trainer.loss(X, Y), rel=1e-13)
        assert isinstance(found["error"], float)
    arguments = (trainer.parameters, trainer.state, X)
    assert np.array_equal(trainer.module.evaluate_mean(*arguments), found["mean"])


@pytest.mark.parametrize("runtime", ["pasted", "beside"])
def test_the_weights_of_an_attention(runtime: str, tmp_path: Path) -> None:
    made, values = attention()
    path = bp.generate(made, tmp_path / "attention.py", runtime=runtime, outputs=["P"])
    parameters = {p.name: values[p.name] for p in made.parameters}
    found = bp.load_module(path).Trainer(parameters).evaluate("P", values["x"])
    assert_close({"P": found}, {"P": interpret(normalise(made), values)["P"]}, 1e-12)
    assert np.allclose(found.sum(-1), 1)


def test_names_that_differ_in_case_and_other_letters() -> None:
    a, A, mu = bp.tensor("a", n), bp.tensor("A", n), bp.tensor("μ", n)
    made = bp.Program(
        [
            bp.Equation(a[n], bp.Sum(x[n, k], k)),
            bp.Equation(A[n], 2 * a[n]),
            bp.Equation(mu[n], 3 * a[n]),
            bp.Equation(C, bp.Mean((A[n] * bp.Sum(W[j, k], j, k)) ** 2, n)),
        ],
        cost=C,
    )
    trainer = bp.compile(made, outputs=["a", "A", "μ"])
    for factor, name in enumerate(("a", "A", "μ"), start=1):
        np.testing.assert_allclose(trainer.evaluate(name, X), factor * X.sum(1))


def test_an_output_draws_where_use_does_and_no_other_is_asked_for_noise() -> None:
    e = bp.noise("e", n, k, at_inference="drawn")
    made = program()
    noisy = made.replace(
        equations=[
            bp.Equation(z[n, j], bp.Sum(W[j, k] * (x[n, k] + e[n, k]), k)),
            *made.equations[1:],
        ]
    )
    module = load_as_python(module_source(noisy, outputs=("each", "after")))
    trainer = module.Trainer(seed=3)
    predicted = (X + bp.replayed(noisy, rows=7)["e"]) @ trainer.parameters.W.T
    np.testing.assert_allclose(trainer.evaluate("each", X, Y), ((predicted - Y) ** 2).sum(1))
    assert trainer.evaluate("after", X) == 1


def test_the_public_functions_do_not_change() -> None:
    assert "evaluat" not in module_source(bp.mlp(2, 1))


MISTAKES: dict[str, tuple[Any, str]] = {
    "unknown": (
        lambda: bp.compile(program(), outputs=["eech"]),
        "outputs: no equation defines 'eech'; did you mean 'each'?",
    ),
    "an input": (lambda: bp.compile(program(), outputs=["x"]), "outputs: no equation defines 'x'"),
    "a text": (
        lambda: bp.compile(program(), outputs="each"),
        "outputs='each': expected a tuple of names, such as ('a1',)",
    ),
    "a number": (
        lambda: bp.compile(program(), outputs=[1]),  # type: ignore[list-item]
        "outputs: expected a tensor of the program or its name, got 1",
    ),
    "another tensor": (
        lambda: bp.compile(program(), outputs=[bp.tensor("each", n)]),
        "outputs: each is another tensor than the program's of that name",
    ),
    "twice": (
        lambda: bp.compile(program(), outputs=["each", each]), "outputs: 'each' is there twice"
    ),
    "C": (
        lambda: bp.generate(program(), "net.c", target="c", outputs=["each"]),
        "outputs: only target 'numba' takes it, not 'c'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_in_one_line(name: str) -> None:
    mistake, message = MISTAKES[name]
    with pytest.raises(SymbpError) as raised:
        mistake()
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_a_trainer_says_which_arrays_it_expects() -> None:
    trainer = bp.compile(program(), outputs=["each"])
    with pytest.raises(TypeError, match=r"expected 2 arrays for each \(x, y\), got 1"):
        trainer.evaluate("each", X)
    with pytest.raises(ValueError, match="evaluate: no output 'z'; it has each"):
        trainer.evaluate("z", X)
    with pytest.raises(ValueError, match=r"evaluate: no output \['each'\]; it has each"):
        trainer.evaluate(["each"], X)
