"""Batch normalisation against JAX by hand, and against PyTorch where it is installed."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.phases import inference_form
from symbp.entries.model import Model
from symbp.networks.optimizers import optimise
from symbp.notation.errors import SymbpError
from tests.comparison import assert_close

jax.config.update("jax_enable_x64", True)

RATE = 0.1
SHAPES = {"1d": (5,), "1d with a length": (3, 4), "2d": (3, 4, 2)}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"momentum": 0.3, "eps": 1e-3},
    {"momentum": None},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": False, "momentum": None, "eps": 1e-2},
]
CASES = list(itertools.product(SHAPES, range(len(OPTIONS))))
# Two full batches and a short one.
SIZES = (6, 6, 3)


def layer_of(kind: str, options: dict[str, Any]) -> Any:
    return (bp.BatchNorm2d if kind == "2d" else bp.BatchNorm1d)(**options)


@functools.cache
def program(kind: str, option: int) -> bp.Program:
    """A scaling of the input, the layer, and a cost whose gradient is not zero anywhere."""
    axes = [bp.Index(f"i{a}", extent) for a, extent in enumerate(SHAPES[kind])]
    n = bp.Index("n", "N")
    x, y = bp.input("x", n, *axes), bp.target("y", n, *axes)
    w, u, C = bp.parameter("w", *axes), bp.tensor("u", n, *axes), bp.tensor("C")
    equations, a = layer_of(kind, OPTIONS[option]).equations(u, 1)
    cost = bp.Mean((bp.tanh(a[(n, *axes)]) - y[(n, *axes)]) ** 2, n, *axes)
    first = bp.Equation(u[(n, *axes)], w[tuple(axes)] * x[(n, *axes)])
    return bp.Program([first, *equations, bp.Equation(C, cost)], cost=C, output=a)


@functools.cache
def numbers(kind: str) -> dict[str, Any]:
    generator = np.random.default_rng(4)
    shape = SHAPES[kind]
    data = [
        (generator.normal(1.0, 2.0, (N, *shape)), generator.normal(size=(N, *shape))) for N in SIZES
    ]
    return {"w": generator.uniform(0.5, 2.0, shape), "batches": data}


def start(kind: str, option: int) -> tuple[dict[str, Any], dict[str, Any]]:
    generator = np.random.default_rng(7)
    made = program(kind, option)
    parameters = {"w": numbers(kind)["w"]}
    for tensor in made.parameters:
        if tensor.name != "w":
            parameters[tensor.name] = generator.uniform(0.5, 1.5, tensor.shape)
    initial = {t.name: (t.initial or ("", 0.0))[1] for t in made.states}
    return parameters, {t.name: np.full(t.shape, initial[t.name]) for t in made.states}


# In JAX ----------------------------------------------------------------------------------------


def in_jax(
    p: Any, s: Any, x: Any, y: Any, options: dict[str, Any], training: bool
) -> tuple[Any, tuple[dict[str, Any], Any]]:
    u = p["w"] * x
    axes = (0, *range(2, u.ndim))
    shape = (1, -1, *[1] * (u.ndim - 2))
    mean, var = u.mean(axes), u.var(axes)
    count = u.size // u.shape[1]
    after: dict[str, Any] = {}
    shift, scale = mean, var
    if options.get("track_running_stats", True):
        weight = options.get("momentum", 0.1)
        if weight is None:
            after["num_batches_tracked1"] = s["num_batches_tracked1"] + 1
            weight = 1 / after["num_batches_tracked1"]
        unbiased = var * count / (count - 1)
        after["running_mean1"] = (1 - weight) * s["running_mean1"] + weight * mean
        after["running_var1"] = (1 - weight) * s["running_var1"] + weight * unbiased
        if not training:
            shift, scale = s["running_mean1"], s["running_var1"]
    a = (u - shift.reshape(shape)) / jnp.sqrt(scale.reshape(shape) + options.get("eps", 1e-5))
    if options.get("affine", True):
        a = a * p["gamma1"].reshape(shape) + p["beta1"].reshape(shape)
    return jnp.mean((jnp.tanh(a) - y) ** 2), (after, a)


def steps_in_jax(kind: str, option: int) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters, states = start(kind, option)
    step = jax.grad(functools.partial(in_jax, options=OPTIONS[option], training=True), has_aux=True)
    for x, y in numbers(kind)["batches"]:
        gradients, (states, _) = step(parameters, states, x, y)
        parameters = {n: p - RATE * gradients[n] for n, p in parameters.items()}
    return parameters, states


@pytest.mark.parametrize(("kind", "option"), CASES)
def test_the_equations_train_and_predict_as_jax_by_hand(kind: str, option: int) -> None:
    made = program(kind, option)
    model = Model(made, lambda derived: optimise(derived, bp.SGD(RATE)))
    parameters, states = start(kind, option)
    values = {**parameters, **states}
    for x, y in numbers(kind)["batches"]:
        found = interpret(model.updated, {**values, "x": x, "y": y})
        values = {old.name: found[new.name] for old, new in model.updated.updates}
    expected_parameters, expected_states = steps_in_jax(kind, option)
    assert_close(values, {**expected_parameters, **expected_states}, 1e-11)
    x, y = numbers(kind)["batches"][0]
    used = interpret(normalise(inference_form(made)), {**values, "x": x, "y": y})
    cost, (_, a) = in_jax(
        expected_parameters, expected_states, x, y, OPTIONS[option], training=False
    )
    assert_close({"C": used["C"], "a": used["a1"]}, {"C": cost, "a": a}, 1e-11)


@pytest.mark.parametrize(("kind", "option"), [("1d", 0), ("2d", 2), ("1d with a length", 4)])
def test_a_module_trains_and_predicts_as_jax_by_hand(kind: str, option: int) -> None:
    parameters, states = start(kind, option)
    kept = {"state": states} if states else {}
    trainer = bp.compile(program(kind, option), bp.SGD(RATE)).module.Trainer(parameters, **kept)
    x, y = (np.concatenate(parts) for parts in zip(*numbers(kind)["batches"], strict=True))
    trainer.fit(x, y, batch_size=SIZES[0], shuffle=False)
    expected_parameters, expected_states = steps_in_jax(kind, option)
    assert_close(trainer.parameters._asdict(), expected_parameters, 1e-11)
    if states:
        assert_close(trainer.state._asdict(), expected_states, 1e-11)
    _, (_, a) = in_jax(expected_parameters, expected_states, x, y, OPTIONS[option], training=False)
    assert_close({"a": trainer.predict(x)}, {"a": a}, 1e-11)


@pytest.mark.parametrize(("kind", "option"), CASES)
def test_twenty_steps_are_those_of_torch(kind: str, option: int) -> None:
    torch = pytest.importorskip("torch")
    made = program(kind, option)
    parameters, states = start(kind, option)
    channels = SHAPES[kind][0]
    layer = (torch.nn.BatchNorm2d if kind == "2d" else torch.nn.BatchNorm1d)(
        channels, dtype=torch.float64, **OPTIONS[option]
    )
    w = torch.tensor(parameters["w"], requires_grad=True)
    if layer.affine:
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(parameters["gamma1"]))
            layer.bias.copy_(torch.tensor(parameters["beta1"]))
    optimizer = torch.optim.SGD([w, *layer.parameters()], RATE)
    model = Model(made, lambda derived: optimise(derived, bp.SGD(RATE)))
    values = {**parameters, **states}
    batches = numbers(kind)["batches"]
    for step in range(20):
        x, y = batches[step % len(batches)]
        optimizer.zero_grad()
        out = layer(w * torch.tensor(x))
        loss = ((torch.tanh(out) - torch.tensor(y)) ** 2).mean()
        loss.backward()
        optimizer.step()
        found = interpret(model.updated, {**values, "x": x, "y": y})
        assert float(found["C"]) == pytest.approx(loss.item(), rel=1e-11)
        values = {old.name: found[new.name] for old, new in model.updated.updates}
    expected = {"w": w.detach().numpy()}
    if layer.affine:
        expected |= {"gamma1": layer.weight.detach().numpy(), "beta1": layer.bias.detach().numpy()}
    for name in ("running_mean", "running_var"):
        if layer.track_running_stats:
            expected[f"{name}1"] = getattr(layer, name).numpy()
    if "num_batches_tracked1" in values:
        expected["num_batches_tracked1"] = layer.num_batches_tracked.double().numpy()
    assert_close(values, expected, 1e-11)
    layer.eval()
    x, y = batches[0]
    used = interpret(normalise(inference_form(made)), {**values, "x": x, "y": y})
    assert_close({"a": used["a1"]}, {"a": layer(w * torch.tensor(x)).detach().numpy()}, 1e-11)


def test_a_network_has_it_between_its_layers() -> None:
    net = bp.Network(
        [bp.Dense(6, bias=False), bp.BatchNorm1d(), bp.Activation("relu"), bp.Dense(3)],
        input=4, loss="softmax_cross_entropy",
    )  # fmt: skip
    assert [p.name for p in net.parameters] == ["W1", "gamma2", "beta2", "W4", "b4"]
    assert [s.name for s in net.states] == ["running_mean2", "running_var2"]
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 3, 90)
    x = 10 * generator.normal(size=(3, 4))[labels] + generator.normal(size=(90, 4)) + 3
    trainer = bp.compile(net, bp.Adam(0.03)).fit(x, labels, epochs=30, batch_size=16)
    assert trainer.accuracy(x, labels) == 1.0
    # One example alone: nothing of a batch is asked for.
    assert np.allclose(trainer.predict(x[:1]), trainer.predict(x)[:1])
    assert bp.check(net).passed


def test_a_batch_of_one_has_no_variance_and_keeps_the_statistics_finite() -> None:
    net = bp.Network([bp.Dense(2), bp.BatchNorm1d()], input=3, loss="mean_squared_error")
    trainer = bp.compile(net, bp.SGD(0.1)).fit([[1.0, 2.0, 3.0]], [[0.5, 0.5]], epochs=2)
    assert np.isfinite(trainer._flat).all()
    assert np.allclose(trainer.state.running_var2, 0.81)


def test_a_bias_that_has_no_effect_does_not_hinder_a_check() -> None:
    # Its gradient is 0, and what rounding leaves of it is not what it could be compared with.
    net = bp.Network([bp.Dense(2), bp.BatchNorm1d(), bp.Dense(1)], input=2)
    report = bp.check(net)
    assert report.passed, report
    assert max(report.modules[0].errors.values()) < 1e-12


MISTAKES: dict[str, tuple[Any, str]] = {
    "eps": (
        lambda: bp.BatchNorm1d(eps=-1), "BatchNorm1d eps: expected a number >= 0 and < 1, got -1"
    ),
    "features, as other libraries are given": (
        lambda: bp.BatchNorm2d(64),
        "BatchNorm2d eps: expected a number >= 0 and < 1, got 64; the number of features is that "
        "of the source, and is not given",
    ),
    "momentum": (
        lambda: bp.BatchNorm2d(momentum=1.5), "BatchNorm2d momentum: expected at most 1, got 1.5"
    ),
    "affine": (
        lambda: bp.BatchNorm1d(affine=1),  # type: ignore[arg-type]
        "BatchNorm1d affine: expected True or False, got 1",
    ),
    "an image": (
        lambda: bp.BatchNorm1d().equations(
            bp.input("x", *bp.indices("n c h w", "N", 2, 3, 3)), 1
        ),
        "BatchNorm1d: expected a source of shape (N, features) or (N, channels, length), got "
        "(N, 2, 3, 3)",
    ),
    "no image": (
        lambda: bp.Network([bp.BatchNorm2d(), bp.Dense(2)], input=3),
        "BatchNorm2d: expected a source of shape (N, channels, height, width), got (N, 3)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_in_one_line(name: str) -> None:
    mistake, message = MISTAKES[name]
    with pytest.raises(SymbpError) as raised:
        mistake()
    assert str(raised.value) == message
