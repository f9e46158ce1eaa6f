"""Frozen parameters: no update, no decay, no gradient; all else as if they were data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from symbp.entries.gradient import gradient
from symbp.entries.model import Model
from symbp.notation.errors import NotationError, SymbpError

OPTIMIZERS = {
    "SGD": bp.SGD(0.1), "momentum": bp.Momentum(0.1), "Adam": bp.Adam(0.05),
    "AdamW": bp.AdamW(0.05, weight_decay=0.5),
}  # fmt: skip
generator = np.random.default_rng(5)
I = bp.Index("i", 3)
X, Y = generator.normal(size=(11, 4)), generator.uniform(size=(11, 2))


def net() -> bp.Network:
    return bp.mlp(4, 5, 2, activation="tanh")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_frozen_parameter_stays_and_the_others_train_as_if_it_were_data(name: str) -> None:
    whole, part = (bp.compile(n, OPTIMIZERS[name]) for n in (net(), net().freeze("W1", "b2")))
    start = {f: a.copy() for f, a in part.parameters._asdict().items()}
    # One step: afterwards, what is trained has met other values of what is not.
    whole.fit(X, Y, epochs=1, batch_size=11, shuffle=False)
    part.fit(X, Y, epochs=1, batch_size=11, shuffle=False)
    assert np.array_equal(part.parameters.W1, start["W1"])
    assert np.array_equal(part.parameters.b2, start["b2"])
    np.testing.assert_allclose(part.parameters.W2, whole.parameters.W2, rtol=1e-13)
    np.testing.assert_allclose(part.parameters.b1, whole.parameters.b1, rtol=1e-13)
    part.fit(X, Y, epochs=3, batch_size=4)
    assert np.array_equal(part.parameters.W1, start["W1"])
    assert not np.array_equal(part.parameters.b1, whole.parameters.b1)


def test_the_gradient_of_a_frozen_parameter_is_zero_and_not_computed() -> None:
    trainer = bp.compile(net().freeze("W1"), "adam")
    cost, gradients = trainer.gradient(X, Y)
    expected_cost, expected = bp.compile(net(), "adam").module.gradient(trainer.parameters, X, Y)
    assert cost == pytest.approx(expected_cost, rel=1e-13)
    assert not gradients.W1.any()
    np.testing.assert_allclose(gradients.W2, expected.W2, rtol=1e-12)
    assert trainer.module.check_gradient() < 1e-6
    assert bp.check(net().freeze("W1")).passed
    # Nothing before the last frozen layer is differentiated.
    names = {t.name for t in Model(net().freeze("W1", "b1")).differentiated.tensors}
    assert "z1_adjoint" not in names
    entry = gradient(Model(net().freeze("W1")))
    assert [t.shape for slot in entry.slots if slot.role == "out" for t in slot.tensors] == [
        (5, 4), (5,), (2, 5), (2,)
    ]  # fmt: skip


def test_an_optimizer_keeps_nothing_for_it() -> None:
    whole, part = net(), net().freeze("W1")
    sizes = [
        int(text.split("_STATE_SIZE = ")[1].split()[0])
        for text in (module_source(n, "adam") for n in (whole, part))
    ]
    assert sizes[0] - sizes[1] == 2 * 20


def test_what_is_asked_for_explicitly_is_by_all_parameters() -> None:
    frozen = bp.compile(net().freeze("W1"), entries=("hvp", "per_example_gradients")).module
    free = bp.compile(net(), entries=("hvp", "per_example_gradients")).module
    parameters, v = free.initial_parameters(1), free.initial_parameters(2)
    for found, expected in zip(
        frozen.hvp(parameters, v, X, Y), free.hvp(parameters, v, X, Y), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    rows = [m.per_example_gradients(parameters, X, Y) for m in (frozen, free)]
    np.testing.assert_allclose(*rows, rtol=1e-12, atol=1e-15)


def test_a_parameter_may_be_declared_so() -> None:
    n = bp.Index("n", "N")
    x, y, C = bp.input("x", n), bp.target("y", n), bp.tensor("C")
    w = bp.parameter("w", initial=("constant", 1.0))
    s = bp.parameter("s", initial=("constant", 3.0), trainable=False)
    program = bp.Program([bp.Equation(C, bp.Mean((s * w * x[n] - y[n]) ** 2, n))], cost=C)
    assert program.trained == (w,)
    assert str(bp.derive(program).gradient("w"))
    trainer = bp.compile(program, bp.AdamW(0.1)).fit([1.0, 2.0], [6.0, 12.0], epochs=300)
    assert trainer.parameters.s == 3.0
    assert trainer.parameters.w == pytest.approx(2.0, abs=1e-2)


def test_a_network_stays_one_and_the_first_is_unchanged() -> None:
    free = net()
    frozen = free.freeze("W1").freeze("b1")
    assert isinstance(frozen, bp.Network)
    assert [p.name for p in frozen.trained] == ["W2", "b2"]
    assert frozen.sizes == free.sizes
    assert len(free.trained) == 4


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    trainer = bp.compile(net().freeze("W1"), "adamw").fit(X, Y, epochs=2)
    trainer.save(tmp_path / "t.npz")
    other = type(trainer).load(tmp_path / "t.npz")
    trainer.fit(X, Y)
    other.fit(X, Y)
    assert np.array_equal(trainer._flat, other._flat)
    with pytest.raises(ValueError, match="saved by program"):
        type(bp.compile(net(), "adamw")).load(tmp_path / "t.npz")


def smoothed() -> bp.Program:
    """A window of fixed weights over a sequence, scaled by a parameter."""
    n, i, q = bp.indices("n i q", "N", 6, 3)
    x, y = bp.input("x", n, bp.Index("s", 8)), bp.target("y", n, i)
    K = bp.constant("K", q, value=[0.25, 0.5, 0.25])
    w, a, C = bp.parameter("w"), bp.tensor("a", n, i), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(a[n, i], w * bp.Sum(K[q] * x[n, i + q], q)),
            bp.Equation(C, bp.Mean((a[n, i] - y[n, i]) ** 2, n, i)),
        ],
        cost=C,
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_an_array_of_constants_starts_from_its_values_and_stays(optimizer: str) -> None:
    program = smoothed()
    trainer = bp.compile(program, optimizer)
    x = generator.normal(size=(9, 8))
    window = np.array([0.25, 0.5, 0.25])
    smooth = np.stack([np.convolve(row, window, "valid") for row in x])
    trainer.fit(x, 2 * smooth, epochs=1500, batch_size=9)
    assert trainer.parameters.K.tolist() == window.tolist()
    assert trainer.parameters.w == pytest.approx(2.0, rel=2e-2)
    np.testing.assert_allclose(trainer.predict(x), trainer.parameters.w * smooth, rtol=1e-12)
    assert trainer.module.check_gradient() < 1e-6
    assert bp.check(program).passed


def test_a_large_array_of_constants_is_written_to_the_last_bit() -> None:
    values = generator.normal(size=(7, 30))
    n, i, j = bp.indices("n i j", "N", 7, 30)
    x, w, C = bp.input("x", n, j), bp.parameter("w", i), bp.tensor("C")
    K = bp.constant("K", i, j, value=values)
    cost = bp.Mean((bp.Sum(K[i, j] * x[n, j], j) * w[i]) ** 2, n, i)
    module = bp.compile(bp.Program([bp.Equation(C, cost)], cost=C)).module
    assert np.array_equal(module.initial_parameters(3).K, values)


MISTAKES: dict[str, tuple[Any, str]] = {
    "no value": (lambda: bp.constant("K", I), "constant K: expected one value, got none"),
    "two values": (
        lambda: bp.constant("K", 1.0, value=2.0),
        "constant K: expected one value, got 2",
    ),
    "another shape": (
        lambda: bp.constant("K", I, value=[1.0, 2.0]),
        "constant K: expected shape (3,), got (2,)",
    ),
    "not finite": (
        lambda: bp.constant("K", I, value=[1.0, 2.0, float("nan")]),
        "constant K: expected finite numbers",
    ),
    "words": (
        lambda: bp.constant("K", I, value="abc"),
        "constant K: expected real numbers, got 'abc'",
    ),
    "ragged": (
        lambda: bp.constant("K", I, I, value=[[1.0], [1.0, 2.0]]),
        "constant K: got rows of unequal lengths",
    ),
    "none": (lambda: net().freeze(), "freeze: expected the names of parameters, such as 'W1'"),
    "a list": (lambda: net().freeze(["W1"]), "freeze: expected names, such as 'W1', got a list"),
    "a tensor": (
        lambda: net().freeze(net().parameters[0]),
        "freeze: expected names, such as 'W1', got a Tensor",
    ),
    "unknown": (lambda: net().freeze("W3"), "freeze: no parameter 'W3'; did you mean"),
    "an input": (lambda: net().freeze("x"), "freeze: no parameter 'x'; "),
    "all": (
        lambda: bp.compile(net().freeze("W1", "W2", "b1", "b2")),
        "all parameters of the program are frozen, there is nothing to train",
    ),
    "checked": (
        lambda: bp.check(net().freeze("W1", "W2", "b1", "b2")),
        "nothing to check: all parameters are frozen",
    ),
    "an input that is not trainable": (
        lambda: bp.input("x", trainable=False),
        "input x: no option 'trainable'; known: ",
    ),
    "no bool": (
        lambda: bp.parameter("x", trainable="no"),
        "parameter x: trainable='no' is for parameters, a bool",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_in_one_line(name: str) -> None:
    mistake, message = MISTAKES[name]
    with pytest.raises((NotationError, SymbpError)) as raised:
        mistake()
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
