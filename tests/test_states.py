"""States and phases: what a program keeps from step to step, and what it computes in use.

Compared with the same training written by hand in JAX, and with the interpreter.
"""

import copy
import functools
import pickle
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.phases import inference_form, training_form
from symbp.compiler import module_source
from symbp.entries.epoch import epoch
from symbp.entries.gradient import gradient
from symbp.entries.loss import loss
from symbp.entries.model import Model
from symbp.entries.predict import predict
from symbp.entries.step import step
from symbp.interop import to_jax
from symbp.loops.verify import verify
from symbp.networks.optimizers import optimise
from symbp.notation.errors import SymbpError
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from symbp.training.loading import load_module
from tests.comparison import assert_close
from tests.emitted_text import assert_text_agrees
from tests.programs import normal

jax.config.update("jax_enable_x64", True)

RATE, KEPT, EPSILON = 0.05, 0.9, 1e-3
D, H, U = 20, 40, 20
ROWS, BATCH = 22, 8


@functools.cache
def normalised() -> bp.Program:
    """Standardised by the batch in training and by running statistics in use.

    The cost compares with a moving average of the weights too.
    """
    n, d, h, u = bp.indices("n d h u", "N", D, H, U)
    x, y = bp.input("x", n, d), bp.target("y", n, u)
    W, V, b = bp.parameter("W", h, d), bp.parameter("V", u, h), bp.parameter("b", u)
    mean, var = bp.state("mean", h), bp.state("var", h, initial=1.0)
    average = bp.state("average", u, h)
    z, a, out = bp.tensor("z", n, h), bp.tensor("a", n, h), bp.tensor("out", n, u)
    mu, s2 = bp.tensor("mu", h), bp.tensor("s2", h)
    nexts = [bp.tensor(f"{t.name}_next", *t.indices) for t in (mean, var, average)]
    mean_next, var_next, average_next = nexts
    C = bp.tensor("C")
    shift = bp.where(bp.is_training, mu[h], mean[h])
    scale = bp.where(bp.is_training, s2[h], var[h])
    return bp.Program(
        [
            bp.Equation(z[n, h], bp.Sum(W[h, d] * x[n, d], d)),
            bp.Equation(mu[h], bp.Mean(z[n, h], n)),
            bp.Equation(s2[h], bp.Mean((z[n, h] - mu[h]) ** 2, n)),
            bp.Equation(a[n, h], bp.tanh((z[n, h] - shift) / bp.sqrt(scale + EPSILON))),
            bp.Equation(out[n, u], bp.Sum(V[u, h] * a[n, h], h) + b[u]),
            bp.Equation(mean_next[h], KEPT * mean[h] + (1 - KEPT) * mu[h]),
            bp.Equation(var_next[h], KEPT * var[h] + (1 - KEPT) * s2[h]),
            bp.Equation(average_next[u, h], KEPT * average[u, h] + (1 - KEPT) * V[u, h]),
            bp.Equation(
                C,
                bp.Mean((out[n, u] - y[n, u]) ** 2, n, u)
                + bp.Sum((V[u, h] - average[u, h]) ** 2, u, h) / 1000,
            ),
        ],
        cost=C,
        updates=dict(zip((mean, var, average), nexts, strict=True)),
    )


@functools.cache
def data() -> tuple[dict[str, Any], NDArray[Any], NDArray[Any]]:
    values = normal(3, x=(ROWS, D), y=(ROWS, U), W=(H, D), V=(U, H), b=(U,))
    parameters = {name: values[name] for name in ("W", "V", "b")}
    return parameters, values["x"], values["y"]


def start() -> dict[str, Any]:
    return {"mean": np.zeros(H), "var": np.ones(H), "average": np.zeros((U, H))}


# In JAX ----------------------------------------------------------------------------------------


def in_jax(p: Any, s: Any, x: Any, y: Any, training: bool) -> tuple[Any, Any]:
    z = x @ p["W"].T
    mu, s2 = z.mean(0), z.var(0)
    shift, scale = (mu, s2) if training else (s["mean"], s["var"])
    out = jnp.tanh((z - shift) / jnp.sqrt(scale + EPSILON)) @ p["V"].T + p["b"]
    cost = jnp.mean((out - y) ** 2) + jnp.sum((p["V"] - s["average"]) ** 2) / 1000
    after = {
        "mean": KEPT * s["mean"] + (1 - KEPT) * mu,
        "var": KEPT * s["var"] + (1 - KEPT) * s2,
        "average": KEPT * s["average"] + (1 - KEPT) * p["V"],
    }
    return cost, (after, out)


@functools.cache
def trained_in_jax(steps: int) -> tuple[dict[str, Any], dict[str, Any], list[float]]:
    """Return parameters, states and costs after steps of batches in order, the last one short."""
    parameters, x, y = data()
    states: Any = start()
    step = jax.jit(jax.value_and_grad(functools.partial(in_jax, training=True), has_aux=True))
    costs = []
    starts = [i for _ in range(steps) for i in range(0, ROWS, BATCH)][:steps]
    for i in starts:
        (cost, (states, _)), gradients = step(
            parameters, states, x[i : i + BATCH], y[i : i + BATCH]
        )
        parameters = {name: parameters[name] - RATE * gradients[name] for name in parameters}
        costs.append(float(cost))
    return parameters, states, costs


# The module ------------------------------------------------------------------------------------


@functools.cache
def module() -> ModuleType:
    made: ModuleType = bp.compile(normalised(), bp.SGD(RATE)).module
    return made


def trainer() -> Any:
    return module().Trainer(parameters=data()[0])


def test_twenty_steps_are_those_of_jax_states_too() -> None:
    _, x, y = data()
    found = trainer().fit(x, y, epochs=7, batch_size=BATCH, shuffle=False)  # 21 steps
    parameters, states, costs = trained_in_jax(21)
    assert_close(found.parameters._asdict(), parameters, 1e-11)
    assert_close(found.state._asdict(), states, 1e-11)
    sizes = [BATCH, BATCH, ROWS - 2 * BATCH]
    last = sum(size * cost for size, cost in zip(sizes, costs[-3:], strict=True)) / ROWS
    assert found.history[-1]["cost"] == pytest.approx(last, rel=1e-12)


def test_loss_and_output_are_those_of_use_and_the_gradient_is_that_of_training() -> None:
    _, x, y = data()
    parameters, states, _ = trained_in_jax(5)
    cost, (_, out) = in_jax(parameters, states, x, y, training=False)
    assert module().loss(parameters, states, x, y) == pytest.approx(float(cost), rel=1e-12)
    found = {"out": module().predict(parameters, states, x)}
    assert_close(found, {"out": out}, 1e-12)
    with_grad = jax.value_and_grad(functools.partial(in_jax, training=True), has_aux=True)
    (cost, _), gradients = with_grad(parameters, states, x, y)
    returned, found_gradients = module().gradient(parameters, states, x, y)
    assert returned == pytest.approx(float(cost), rel=1e-12)
    assert_close(found_gradients._asdict(), gradients, 1e-11)


def test_the_interpreter_steps_as_jax_does() -> None:
    program = normalised()
    model = Model(program, lambda made: optimise(made, bp.SGD(RATE)))
    parameters, x, y = data()
    values = {**parameters, **start()}
    constants = {t.name: t.value for t in model.updated.with_role("constant")}
    for i in (0, BATCH, 2 * BATCH):
        batch = {"x": x[i : i + BATCH], "y": y[i : i + BATCH]}
        found = interpret(model.updated, {**values, **batch, **constants})
        values = {old.name: found[new.name] for old, new in model.updated.updates}
    expected_parameters, expected_states, _ = trained_in_jax(3)
    assert_close(values, {**expected_parameters, **expected_states}, 1e-12)


def test_the_emitted_text_is_what_three_members_compute() -> None:
    assert "def _epoch_part" in module_source(normalised(), bp.SGD(RATE))
    assert_text_agrees(normalised(), bp.Momentum(0.1))


@pytest.mark.parametrize("members", [2, 3])
def test_the_bits_of_states_do_not_depend_on_the_number_of_threads(members: int) -> None:
    alone, together = (_epoch_by(number) for number in (1, members))
    assert np.array_equal(alone[0], together[0])
    assert np.array_equal(alone[1], together[1])
    _, states, _ = trained_in_jax(3)
    kept = np.concatenate([np.ravel(states[name]) for name in ("mean", "var", "average")])
    np.testing.assert_allclose(alone[1][: kept.size], kept, rtol=1e-11, atol=1e-13)


def _epoch_by(members: int) -> tuple[NDArray[Any], NDArray[Any]]:
    made, (_, x, y) = trainer(), data()
    values = made.network.hyperparameter_values(made.hyperparameters)
    memory, offsets = module()._epoch_kernel.workspace(BATCH)
    team = np.zeros(16, np.int64)

    def part(member: int) -> None:
        module()._epoch_part(
            made._flat, made._state, values, np.arange(ROWS), BATCH, memory, offsets, team,
            member, members, x, y,
        )  # fmt: skip

    others = [threading.Thread(target=part, args=(m,)) for m in range(1, members)]
    for thread in others:
        thread.start()
    part(0)
    for thread in others:
        thread.join()
    return made._flat, made._state


@pytest.mark.parametrize("how", ["saved", "copied", "pickled"])
def test_training_goes_on_to_the_bit(how: str, tmp_path: Path) -> None:
    _, x, y = data()
    first = trainer().fit(x, y, epochs=2, batch_size=BATCH)
    if how == "saved":
        first.save(tmp_path / "trainer.npz")
        other = module().Trainer.load(tmp_path / "trainer.npz")
    else:
        other = copy.deepcopy(first) if how == "copied" else pickle.loads(pickle.dumps(first))
    before = other.state.var.copy()
    first.fit(x, y, epochs=2, batch_size=BATCH)
    assert np.array_equal(before, other.state.var), "each has its own"
    other.fit(x, y, epochs=2, batch_size=BATCH)
    assert np.array_equal(first._flat, other._flat)
    assert np.array_equal(first._state, other._state)
    assert np.array_equal(first.predict(x), other.predict(x))
    assert first.loss(x, y) == module().loss(first.parameters, first.state, x, y)


def test_validation_is_of_use() -> None:
    _, x, y = data()
    found = trainer().fit(x, y, validation=(x, y), batch_size=BATCH)
    assert found.history[0]["validation_cost"] == found.loss(x, y)


def test_a_module_checks_the_gradient_of_training() -> None:
    assert module().check_gradient() < 1e-6
    assert bp.check(training_form_only()).passed


def training_form_only() -> bp.Program:
    """A small program whose training has another cost than its use, and no state."""
    n, d = bp.indices("n d", "N", 3)
    x, w, C = bp.input("x", n, d), bp.parameter("w", d), bp.tensor("C")
    z = bp.tensor("z", n)
    body = bp.Sum(w[d] * bp.where(bp.is_training, x[n, d] ** 2, x[n, d]), d)
    equations = [bp.Equation(z[n], body), bp.Equation(C, bp.Mean(z[n] ** 2, n))]
    return bp.Program(equations, cost=C)


def test_phases_need_no_state() -> None:
    made = bp.compile(training_form_only(), bp.SGD(0.1))
    x = np.array([[1.0, 2.0, 3.0], [2.0, 0.0, 1.0]])
    w = {"w": np.array([1.0, -1.0, 2.0])}
    assert made.module.predict(w, x).tolist() == [5.0, 4.0]
    assert made.module.loss(w, x) == 20.5
    cost, _ = made.module.gradient(w, x)
    assert cost == ((1 - 4 + 18) ** 2 + (4 + 2) ** 2) / 2
    assert made.module.check_gradient() < 1e-6


def test_the_runtime_may_lie_beside(tmp_path: Path) -> None:
    path = bp.generate(normalised(), tmp_path / "one.py", bp.SGD(RATE), runtime="beside")
    parameters, x, y = data()
    made = load_module(path).Trainer(parameters=parameters)
    made.fit(x, y, epochs=1, batch_size=BATCH, shuffle=False)
    assert_close(made.state._asdict(), trained_in_jax(3)[1], 1e-11)


def test_its_loops_are_proved_for_any_number_of_threads() -> None:
    model = Model(normalised(), lambda made: optimise(made, bp.Momentum(RATE)))
    for entry in (epoch(model), step(model), gradient(model), loss(model), predict(model)):
        assert str(verify(lower(entry, Limits()).function)) == "sound"


def test_other_libraries_are_told_that_a_function_keeps_no_state() -> None:
    with pytest.raises(SymbpError, match=r"^the program has a state \(mean, var, average\)"):
        to_jax(normalised())


def test_a_program_without_phases_is_its_own_form() -> None:
    program = bp.mlp(3, 2)
    assert training_form(program) is program
    assert inference_form(program) is program


def test_each_form_has_what_it_needs() -> None:
    training, inference = training_form(normalised()), inference_form(normalised())
    assert {t.name for t in training.states} == {"mean", "var", "average"}
    assert not inference.updates
    assert "s2" not in {t.name for t in inference.tensors}
    normalise(inference)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"mean": np.zeros(H)}, "state: expected mean, var, average, got mean"),
        ((np.zeros(H),) * 2, "state: expected State, or a tuple or dict of 3 arrays"),
        ((np.zeros(3), np.zeros(H), np.zeros((U, H))), "state.mean: expected (40,), got (3,)"),
        (None, "state: expected State, or a tuple or dict of 3 arrays"),
    ],
)
def test_a_wrong_state_is_answered_in_one_line(state: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        module().loss(data()[0], state, *data()[1:])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
