"""Sizes at run time besides the batch's: one program and one module for all of them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbp as bp
from symbp.calculus.gradient_program import gradient_program
from symbp.calculus.interpreter import interpret
from symbp.entries.gradient import gradient
from symbp.entries.predict import predict
from symbp.entries.registry import ENTRIES
from symbp.loops.verify import verify
from symbp.notation.errors import NotationError, SymbpError, UnsupportedError
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.loops.running import model_of

jax.config.update("jax_enable_x64", True)

F, H = 2, 3


def recurrence() -> bp.Program:
    """A recurrence that reads its first and last step, a running sum and the steps backwards."""
    n, k, j, m = bp.indices("n k j m", "N", F, H, H)
    t = bp.Index("t", "T", sequential=True)
    T = t.extent
    x, y = bp.input("x", n, t, k), bp.target("y", n, t)
    W, U, v = bp.parameter("W", j, k), bp.parameter("U", j, m), bp.parameter("v", j)
    h, z, C = bp.tensor("h", n, t, j), bp.tensor("z", n, t), bp.tensor("C")
    before = bp.where(t > 0, bp.Sum(U[j, m] * h[n, t - 1, m], m), 0)
    return bp.Program(
        [
            bp.Equation(h[n, t, j], bp.tanh(bp.Sum(W[j, k] * x[n, t, k], k) + before)),
            bp.Equation(
                z[n, t],
                bp.Sum(v[j] * (h[n, t, j] + h[n, T - 1, j] * h[n, T - 1 - t, j]), j)
                + bp.cumsum(h[n, t, 0], t) / T,
            ),
            bp.Equation(C, bp.Mean((z[n, t] - y[n, t]) ** 2, n, t)),
        ],
        cost=C,
        output=z,
    )


def cost_in_jax(parameters: dict[str, Any], x: Any, y: Any) -> Any:
    def step(h: Any, row: Any) -> Any:
        h = jnp.tanh(row @ parameters["W"].T + h @ parameters["U"].T)
        return h, h

    _, states = jax.lax.scan(step, jnp.zeros((len(x), H)), x.transpose(1, 0, 2))
    h = states.transpose(1, 0, 2)
    z = (h + h[:, -1:] * h[:, ::-1]) @ parameters["v"]
    z = z + jnp.cumsum(h[:, :, 0], axis=1) / x.shape[1]
    return jnp.mean((z - y) ** 2)


def drawn(rows: int, steps: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(steps)
    return generator.normal(size=(rows, steps, F)), generator.normal(size=(rows, steps))


PARAMETERS = {
    name: np.random.default_rng(0).normal(size=shape)
    for name, shape in {"W": (H, F), "U": (H, H), "v": (H,)}.items()
}


@pytest.mark.parametrize(("rows", "steps"), [(4, 5), (3, 1)])
def test_the_interpreter_takes_sizes_from_the_arrays(rows: int, steps: int) -> None:
    derived = gradient_program(recurrence(), stable=True).differentiated
    x, y = drawn(rows, steps)
    found = interpret(derived, {**PARAMETERS, "x": x, "y": y})
    cost, slopes = jax.value_and_grad(cost_in_jax)(PARAMETERS, x, y)
    assert np.isclose(found["C"], cost, rtol=1e-13)
    for tensor, adjoint in derived.gradients:
        assert np.allclose(found[adjoint.name], slopes[tensor.name], rtol=1e-11, atol=1e-13)


def test_one_module_is_for_all_sizes() -> None:
    trainer = bp.compile(recurrence(), bp.SGD(0.05), dtype="float64")
    module = trainer.module
    parameters = module.Parameters(**PARAMETERS)
    for rows, steps in ((4, 5), (2, 50), (3, 1)):
        x, y = drawn(rows, steps)
        cost, found = module.gradient(parameters, x, y)
        expected, slopes = jax.value_and_grad(cost_in_jax)(PARAMETERS, x, y)
        assert np.isclose(cost, expected, rtol=1e-13)
        for name, value in found._asdict().items():
            assert np.allclose(value, slopes[name], rtol=1e-11, atol=1e-13)
        assert module.predict(parameters, x).shape == (rows, steps)
        history = trainer.fit(x, y, epochs=5, batch_size=2).history[-5:]
        assert history[-1]["cost"] < history[0]["cost"]
    assert module.check_gradient()
    x, y = drawn(4, 5)
    with pytest.raises(ValueError, match=r"y: axis 1 has 6 elements, T of x is 5"):
        module.loss(parameters, x, np.zeros((4, 6)))
    with pytest.raises(ValueError, match=r"x: expected shape \(N, T, 2\), got \(4, 5, 3\)"):
        module.loss(parameters, np.zeros((4, 5, 3)), y)


def test_what_is_lowered_is_proved_for_all_sizes() -> None:
    limits = Limits(itemsize=8, blas=True)
    model = model_of(recurrence())
    for entry in (gradient(model), predict(model)):
        assert str(verify(lower(entry, limits).function)) == "sound"


def test_it_prints_by_the_names_of_sizes() -> None:
    assert "h_{T+1-t,j}" in str(bp.derive(recurrence()))  # places count from 1
    assert "h_{T-1,j}" in str(bp.derive(recurrence(), count_from=0))
    assert r"\frac{1}{T}" in bp.derive(recurrence()).latex()


def test_layers_take_sequences_of_any_length() -> None:
    length = bp.input("length", bp.Index("n", "N"), kind="integer")
    net = bp.Network(
        [
            bp.Embedding(7, 4),
            bp.PositionalEncoding(),
            bp.TransformerBlock(2, 6, causal=True, lengths=length),
            bp.LSTM(3, bidirectional=True, last=True, lengths=length),
            bp.Dense(2),
        ],
        input=("T",),
        loss="softmax_cross_entropy",
    )
    derived = gradient_program(net, stable=True).differentiated
    made = bp.Network(
        [
            bp.Embedding(7, 4),
            bp.PositionalEncoding(),
            bp.TransformerBlock(2, 6, causal=True, lengths=length),
            bp.LSTM(3, bidirectional=True, last=True, lengths=length),
            bp.Dense(2),
        ],
        input=(9,),
        loss="softmax_cross_entropy",
    )
    fixed = gradient_program(made, stable=True).differentiated
    generator = np.random.default_rng(1)
    values: dict[str, Any] = {p.name: generator.normal(size=p.shape) for p in net.parameters}
    values |= {"x": generator.integers(0, 7, (3, 9)), "y": np.eye(2)[[0, 1, 1]]}
    values["length"] = np.array([4, 9, 1])
    first, second = interpret(derived, values), interpret(fixed, values)
    for name, value in second.items():
        assert np.allclose(first[name], value, rtol=1e-12, atol=1e-14), name


@pytest.mark.slow
def test_points_and_examples_have_sizes_of_their_own() -> None:
    # A residual at P points and conditions at Q: neither is a batch, an epoch is one step.
    p, q, k, j = bp.indices("p q k j", "P", "Q", F, H)
    x, b, u = bp.input("x", p, k), bp.input("b", q, k), bp.target("u", q)
    W, v = bp.parameter("W", j, k), bp.parameter("v", j)
    f, g, C = bp.tensor("f", p), bp.tensor("g", q), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(f[p], bp.Sum(v[j] * bp.tanh(bp.Sum(W[j, k] * x[p, k], k)), j)),
            bp.Equation(g[q], bp.Sum(v[j] * bp.tanh(bp.Sum(W[j, k] * b[q, k], k)), j)),
            bp.Equation(C, bp.Mean(f[p] ** 2, p) + bp.Mean((g[q] - u[q]) ** 2, q)),
        ],
        cost=C,
    )
    assert program.batch is None
    generator = np.random.default_rng(0)
    trainer = bp.compile(program, bp.SGD(0.1), dtype="float64")
    for points, conditions in ((5, 3), (40, 7)):
        data = [
            generator.normal(size=(points, F)), generator.normal(size=(conditions, F)),
            generator.normal(size=conditions),
        ]  # fmt: skip
        values = dict(zip("xbu", data, strict=True))
        parameters = trainer.module.initial_parameters(0)
        derived = gradient_program(program, stable=True).differentiated
        found = interpret(derived, {**values, **parameters._asdict()})
        cost, slopes = trainer.module.gradient(parameters, *data)
        assert np.isclose(cost, found["C"], rtol=1e-13)
        for tensor, adjoint in derived.gradients:
            assert np.allclose(getattr(slopes, tensor.name), found[adjoint.name], atol=1e-13)
        history = trainer.fit(*data, epochs=3).history[-3:]
        assert history[-1]["cost"] < history[0]["cost"]


n, k = bp.indices("n k", "N", F)
t = bp.Index("t", "T", sequential=True)
x, h, C = bp.input("x", n, t, k), bp.tensor("h", n, t), bp.tensor("C")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: bp.Program(
                [bp.Equation(C, bp.Mean(bp.parameter("w", t)[t] * x[n, t, 0], n, t))], cost=C
            ),
            "w: axis 0 has the run-time extent T; the size of a parameter is a number",
        ),
        (
            lambda: bp.Program([bp.Equation(h[n, t], x[n, t - 1, 0])]),
            r"subscript t - 1 of x: it cannot be shown to lie between 0 and T - 1 wherever it is",
        ),
        (
            lambda: bp.Program([bp.Equation(h[n, t], bp.where(t > 1, x[n, t + 1, 0], 0))]),
            r"subscript t \+ 1 of x: it cannot be shown to lie between 0 and T - 1 wherever t > 1",
        ),
        (
            lambda: bp.Program([bp.Equation(h[n, t], x[n, 2, 0])]),
            r"subscript 2 of x: it cannot be shown to lie between 0 and T - 1",
        ),
        (
            lambda: bp.Network([bp.Conv1d(2, 3), bp.Flatten(), bp.Dense(1)], input=(2, "T")),
            "Conv1d: expected a number of",
        ),
        (
            lambda: bp.Program(
                [bp.Equation(h[n, t], bp.cumsum(x[n, t, 0], n))]
            ),
            r"n has N values, known at run time only, and counts the examples",
        ),
    ],
)  # fmt: skip
def test_mistakes(make: Any, message: str) -> None:
    with pytest.raises(SymbpError, match=message):
        make()


def lasting(*layers: Any, **options: Any) -> bp.Network:
    """Return a network whose input has the features T, or the axes given."""
    return bp.Network(list(layers), **{"input": ("T",), **options})


NUMBERS: dict[str, tuple[Any, str]] = {
    "Dense": (lambda: lasting(bp.Dense(2)), "Dense: expected a number of features, got T"),
    "Maxout": (lambda: lasting(bp.Maxout(2, 2)), "Maxout: expected a number of features, got T"),
    "MixtureOfExperts": (
        lambda: lasting(bp.MixtureOfExperts(2, 2)),
        "MixtureOfExperts: expected a number of features, got T",
    ),
    "GroupNorm": (
        lambda: lasting(bp.GroupNorm(2)), "GroupNorm: expected a number of channels, got T"
    ),
    "Flatten": (
        lambda: lasting(bp.Flatten(), bp.Dense(1), input=("T", 2)),
        "Flatten: expected a number of values to put in a row, got T",
    ),
    "Concatenate": (
        lambda: lasting(
            bp.Concatenate([bp.PReLU()], [bp.PReLU()], axis=1), input={"a": ("T", 2), "b": ("T", 2)}
        ),
        "Concatenate axis 1: expected a number of places along the axis, got T",
    ),
    "a cost with parts": (
        lambda: lasting(bp.PReLU(), loss="gaussian_nll"),
        "GaussianNLL: expected a number of outputs, got T",
    ),
    "a cost of classes": (
        lambda: lasting(bp.PReLU(), loss=bp.CrossEntropy(label_smoothing=0.1)),
        "y: the number of classes is T, known at run time only",
    ),
    "N": (
        lambda: lasting(bp.RNN(2), bp.Dense(1), input=("N", 2)),
        "Network input: N is the number of examples, which is not part of the shape of one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("part", NUMBERS)
def test_what_has_to_be_a_number(part: str) -> None:
    make, message = NUMBERS[part]
    with pytest.raises(SymbpError) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("entry", ["jacobian", "input_jacobian", "input_hessian"])
def test_a_row_for_each_number_needs_their_number(entry: str) -> None:
    model = model_of(recurrence())
    with pytest.raises(UnsupportedError, match=rf"^{entry}: how many elements \w+ has is known at"):
        ENTRIES[entry](model)


@pytest.mark.parametrize("steps", [4, 6])
def test_ctc_takes_any_number_of_steps(steps: int) -> None:
    def network(size: int | str) -> bp.Network:
        return bp.Network([bp.Dense(3)], input=(size, 2), loss=bp.CTC(2))

    generator = np.random.default_rng(steps)
    values = {
        "x": generator.normal(size=(3, steps, 2)), "y": np.array([[1, 2], [1, 1], [2, 1]]),
        "W1": generator.normal(size=(3, 2)), "b1": generator.normal(size=3),
    }  # fmt: skip
    found, expected = (
        interpret(gradient_program(network(size), stable=True).differentiated, values)
        for size in ("T", steps)
    )
    assert np.isfinite(found["C"])
    assert np.isclose(found["C"], expected["C"], rtol=1e-14)


def test_c_needs_numbers(tmp_path: Any) -> None:
    with pytest.raises(UnsupportedError, match="C: the size T is known at run time only; write it"):
        bp.generate(recurrence(), tmp_path / "net.c", target="c")


def test_an_output_that_only_the_target_sizes_is_refused() -> None:
    y, z = bp.target("y", n, t), bp.tensor("z", n, t)
    w = bp.input("w", n)
    with pytest.raises(NotationError, match="output z runs over T, which only the target y has"):
        bp.Program(
            [
                bp.Equation(z[n, t], w[n] * t),
                bp.Equation(C, bp.Mean((z[n, t] - y[n, t]) ** 2, n, t)),
            ],
            cost=C,
            output=z,
        )


def test_data_are_checked_against_the_size_that_comes() -> None:
    at, w = bp.input("at", n, kind="integer"), bp.parameter("w")
    program = bp.Program([bp.Equation(C, w * bp.Mean(x[n, at[n], 0], n))], cost=C)
    module = bp.compile(program, bp.SGD(0.1), dtype="float64").module
    rows, one = np.ones((2, 4, F)), module.initial_parameters(0)
    assert np.isclose(module.loss(one, rows, np.array([0, 3])), one.w)
    for wrong in (4, -1):
        with pytest.raises(
            ValueError, match=rf"at\[1\] is {wrong}, expected an integer from 0 to 3"
        ):
            module.loss(one, rows, np.array([0, wrong]))
