"""Programs written as equations against JAX: by the oracle, and by hand in JAX's own style."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from tests import jax_oracle
from tests.comparison import assert_close
from tests.programs import PROGRAMS


def interpreted(program: Any, values: dict[str, Any]) -> tuple[float, dict[str, np.ndarray]]:
    """Return the cost and the gradient of every parameter, by name, from the interpreter."""
    derived = reverse(normalise(program))
    result = interpret(derived, values)
    assert derived.cost is not None
    gradients = {tensor.name: result[adjoint.name] for tensor, adjoint in derived.gradients}
    return float(result[derived.cost.name]), gradients


@functools.cache
def module_of(name: str, dtype: str = "float64") -> Any:
    """Return the emitted module of a program of the suite, trained with steps of ``RATE``."""
    return bp.compile(PROGRAMS[name]()[0], bp.SGD(RATE), dtype).module


@functools.cache
def by_hand(name: str) -> tuple[float, dict[str, np.ndarray]]:
    """Return the cost and the gradient of every parameter from JAX: compiled once a process."""
    program, values = PROGRAMS[name]()
    varying = {p.name: jnp.asarray(values[p.name], dtype=float) for p in program.parameters}
    cost, gradients = jax.value_and_grad(lambda p: BY_HAND[name]({**values, **p}))(varying)
    return float(cost), {n: np.asarray(gradient) for n, gradient in gradients.items()}


def arguments(program: Any, values: dict[str, Any]) -> tuple[tuple[dict[str, Any], ...], list[Any]]:
    """Return the parameters by name, states too, and arrays in a module's order."""
    parameters = {p.name: values[p.name] for p in program.parameters}
    states = {s.name: values[s.name] for s in program.states}
    arrays = [values[t.name] for t in (*program.inputs, *program.targets)]
    return ((parameters, states) if states else (parameters,)), arrays


def emitted(dtype: str) -> Callable[..., Any]:
    def evaluate(name: str) -> tuple[float, dict[str, np.ndarray]]:
        parameters, arrays = arguments(*PROGRAMS[name]())
        cost, gradients = module_of(name, dtype).gradient(*parameters, *arrays)
        return cost, gradients._asdict()

    return evaluate


RATE = 0.125

# They take seconds to compile: a gradient of each is compared in every run, the rest when there is
# time.
LARGE = {"lstm", "attention", "convolution"}
LARGE_ONES_SLOW = [
    pytest.param(n, marks=[pytest.mark.slow] if n in LARGE else []) for n in PROGRAMS
]

# What is compared with JAX: name -> (evaluate, largest relative error).
EVALUATORS: dict[str, tuple[Callable[..., Any], float]] = {
    "interpreter": (lambda name: interpreted(*PROGRAMS[name]()), 1e-12),
    "emitted module": (emitted("float64"), 1e-11),
    "emitted module in float32": (emitted("float32"), 1e-4),
}


def convolution_in_jax(p: dict[str, Any]) -> Any:
    z = jax.lax.conv_general_dilated(p["x"], p["F"], (2, 2), "VALID", rhs_dilation=(2, 2))
    a = jax.nn.relu(z + p["b"][:, None, None])
    m = jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    out = jnp.einsum("uohw,nohw->nu", p["V"], m) + p["d"]
    return jnp.mean((out - p["y"]) ** 2)


def attention_in_jax(p: dict[str, Any]) -> Any:
    x = p["x"]
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    u = (x - mean) / jnp.sqrt(variance + 1e-5) * p["g"] + p["b"]
    q, k, v = u @ p["WQ"].T, u @ p["WK"].T, u @ p["WV"].T
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    mask = np.tril(np.ones(scores.shape[1:], dtype=bool))
    weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf), axis=-1)
    r = x + (weights @ v) @ p["WO"].T
    return jnp.sum((r - p["y"]) ** 2) / (2 * x.shape[0])


def turning_in_jax(p: dict[str, Any]) -> Any:
    h = jnp.tanh(p["x"] @ p["W"].T)
    v = sum(p["w"][k] * jnp.roll(h, k, axis=1) for k in range(3))
    up = jnp.repeat(v, 2, axis=1) * jnp.cos(jnp.roll(jnp.repeat(v, 2, axis=1), -1, axis=1))
    cost = 0.0
    for row, (length, shift) in enumerate(zip(p["length"], p["shift"], strict=True)):
        backwards = jnp.zeros(5).at[:length].set(v[row, :length][::-1])
        mixed = backwards * jnp.roll(h[row], shift)
        cost += (jnp.mean(jnp.arange(5) * mixed**2) + h[row, length - 1] ** 2) / len(h)
    return (jnp.mean(up**2) + cost) / 10


def embedding_in_jax(p: dict[str, Any]) -> Any:
    z = p["E"][p["token"]].mean(axis=1) @ p["W"].T + p["b"]
    rows = jax.nn.log_softmax(z, axis=-1)
    return -jnp.take_along_axis(rows, p["label"][:, None], axis=1).mean()


def lstm_in_jax(p: dict[str, Any]) -> Any:
    W, U, b = (jnp.concatenate([p[letter + gate] for gate in "ifog"]) for letter in "WUb")

    def step(carry: Any, x: Any) -> Any:
        s, c = carry
        i, f, o, g = jnp.split(x @ W.T + s @ U.T + b, 4, axis=-1)
        c = jax.nn.sigmoid(i) * jnp.tanh(g) + jax.nn.sigmoid(f) * c
        s = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (s, c), s @ p["v"]

    start = jnp.zeros((p["x"].shape[0], p["v"].shape[0]))
    _, out = jax.lax.scan(step, (start, start), p["x"].transpose(1, 0, 2))
    return jnp.sum((out.T - p["y"]) ** 2) / (2 * p["x"].shape[0])


def systems_in_jax(p: dict[str, Any]) -> Any:
    one = jnp.eye(p["P"].shape[0])
    A = jnp.roll(one, 1, 0) + jnp.tanh(jnp.einsum("ikd,nd->nik", p["W"], p["x"])) / 4
    L = jnp.linalg.cholesky(one + A @ A.transpose(0, 2, 1))
    X = jnp.linalg.solve(A, jnp.broadcast_to(p["V"], (len(A), *p["V"].shape)))
    Z = jnp.linalg.solve(jnp.tanh(p["P"]) / 4 + one, p["x"].T).T
    r = jax.scipy.linalg.solve_triangular(L, (Z + p["x"])[:, :, None], lower=True)[:, :, 0]
    z = jnp.einsum("nku,nk->nu", X, r)
    c = jnp.sum((z - p["y"]) ** 2, axis=1) + jnp.linalg.slogdet(A)[1] ** 2
    c += jnp.log(jnp.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
    return jnp.mean(c) + jnp.sum(jnp.linalg.inv(jnp.tanh(p["P"]) + 4 * one) * p["P"] ** 2)


def gram_in_jax(p: dict[str, Any]) -> Any:
    G = p["X"].T @ p["X"]
    d = jnp.diag(p["A"]) * jnp.diag(G)
    return jnp.sum((G - p["A"]) ** 2) + jnp.sum(jnp.tanh(d) * jnp.diag(p["A"]) * d)


def bilinear_in_jax(p: dict[str, Any]) -> Any:
    z = jnp.einsum("kij,ni,nj->nk", p["B"], p["x"], p["y"])
    a = z / jnp.sqrt(1 + z**2)
    return jnp.sum((a - p["target"]) ** 2) / (2 * z.shape[0])


def functions_in_jax(v: dict[str, Any]) -> Any:
    x = jnp.asarray(v["x"])
    u = jax.nn.sigmoid(v["W"] * x)
    a = jnp.tan(u) + jnp.pi / 2 + jnp.arctan2(u, x) + 1 / jnp.cos(u)
    a = a * u + jnp.exp(u) + jnp.arcsinh(u) + jnp.arctanh(u) + jnp.arccosh(1 / u) + jnp.arctan(u)
    special = jax.scipy.special.erfc(u) * jnp.log(jax.scipy.special.ndtr(-u))
    special += jax.scipy.special.gammaln(u) + jnp.exp(jax.scipy.special.gammaln(1 + u))
    steps = jnp.mod(7 * u, 2) + jnp.floor(5 * u) * u + jnp.ceil(3 * u) + jnp.round(4 * u) * u**2
    return jnp.mean(a * (special * u + jnp.where(x > 0, steps, 0)))


def products_in_jax(v: dict[str, Any]) -> Any:
    z = v["W"] * jnp.asarray(v["x"])[:, None]
    s = jnp.cumsum(z, -1)
    p = jnp.prod(v["W"] + z, -1) + jnp.cumprod(s, -1).sum(-1)
    spread = jnp.mean(jnp.std(p, axis=-1, ddof=1) + jnp.min(p, -1))
    return spread + jnp.mean(jnp.linalg.norm(s, axis=-1) + jnp.var(z, axis=-1))


def burgers_in_jax(p: dict[str, Any]) -> Any:
    def u(x: Any) -> Any:
        a = jnp.tanh(p["W2"] @ jnp.tanh(p["W1"] @ x + p["b1"]) + p["b2"])
        return p["v"] @ a + p["c"]

    def residual(x: Any) -> Any:
        slope = jax.grad(u)(x)
        return slope[1] + u(x) * slope[0] - 0.1 * jax.hessian(u)(x)[0, 0]

    return jnp.mean(jax.vmap(residual)(p["x"]) ** 2)


def saliency_in_jax(p: dict[str, Any]) -> Any:
    def u(x: Any) -> Any:
        z = jnp.stack([jnp.correlate(x, F, "valid") for F in p["F"]])
        return jnp.sum(p["v"] * jnp.tanh(z))

    return jnp.mean(jax.vmap(jax.grad(u))(p["x"]) ** 2)


def spread_in_jax(p: dict[str, Any]) -> Any:
    u = jnp.tanh(jnp.einsum("cm,ncpm->ncp", p["V"], p["x"]))
    K = p["K"].reshape(2, 2, 3, 2)
    taps = jnp.einsum("ocpr,ncp->nopr", K, u)
    taps = taps + jnp.max(p["w"][:, :, None] * u[:, 1][:, None, None], axis=2)[..., None]
    a = jnp.zeros((3, 2, 7)).at[:, :, 0:3].add(taps[..., 0]).at[:, :, 2:5].add(taps[..., 1])
    return jnp.mean((jnp.tanh(a) + p["b"] - p["y"]) ** 2)


def running_in_jax(p: dict[str, Any]) -> Any:
    a = jnp.tanh((p["x"] - p["m"]) @ p["W"].T + p["b"] + p["h"])
    return jnp.mean((a - p["y"]) ** 2) + jnp.sum((p["W"] - p["e"]) ** 2) / (2 + p["count"]) / 10


def dropout_in_jax(p: dict[str, Any]) -> Any:
    a = jnp.tanh((p["x"] + p["shift"]) @ p["W"].T + p["b"]) * p["gain"]
    z = jnp.where(p["keep"] == 1, a / 0.75, 0.0) @ p["V"].T
    return jnp.sum((z - p["y"]) ** 2) / (2 * z.shape[0])


def variational_in_jax(p: dict[str, Any]) -> Any:
    a = jnp.tanh(p["x"] @ p["W"].T + p["b"])
    mean, spread = a @ p["M"].T, a @ p["S"].T
    code = mean + jnp.sqrt(jnp.exp(spread)) * p["noise"]
    z = jnp.tanh(code @ p["U"].T + p["c"]) @ p["V"].T
    apart = jnp.sum(mean**2 + jnp.exp(spread) - 1 - spread, axis=1)
    return jnp.mean(jnp.sum((z - p["x"]) ** 2, axis=1) + apart) / 2


BY_HAND: dict[str, Callable[[dict[str, Any]], Any]] = {
    "convolution": convolution_in_jax,
    "attention": attention_in_jax,
    "embedding": embedding_in_jax,
    "turning": turning_in_jax,
    "lstm": lstm_in_jax,
    "gram": gram_in_jax,
    "bilinear": bilinear_in_jax,
    "burgers": burgers_in_jax,
    "saliency": saliency_in_jax,
    "spread": spread_in_jax,
    "scalar_graph": lambda p: (p["x"] + p["y"]) * p["z"],
    "functions": functions_in_jax,
    "products": products_in_jax,
    "dropout": dropout_in_jax,
    "variational": variational_in_jax,
    "running": running_in_jax,
    "systems": systems_in_jax,
}


def test_every_program_has_a_reference_written_by_hand() -> None:
    assert set(BY_HAND) == set(PROGRAMS)


def comparisons() -> list[Any]:
    """Return all names with all evaluators; single precision of the large ones is slow."""
    slow = {(name, "emitted module in float32") for name in LARGE}
    return [
        pytest.param(name, evaluator, marks=[pytest.mark.slow] if (name, evaluator) in slow else [])
        for name in PROGRAMS
        for evaluator in EVALUATORS
    ]


@pytest.mark.parametrize(("name", "evaluator"), comparisons())
def test_cost_and_gradients_are_those_of_jax_written_by_hand(name: str, evaluator: str) -> None:
    evaluate, tolerance = EVALUATORS[evaluator]
    cost, gradients = evaluate(name)
    reference, expected = by_hand(name)
    assert_close({"cost": cost}, {"cost": reference}, tolerance)
    assert_close(gradients, expected, tolerance)


# JAX takes long to compile a recurrence that the oracle has unrolled.
@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - {"lstm"}))
def test_the_oracle_agrees_with_jax_written_by_hand(name: str) -> None:
    program, values = PROGRAMS[name]()
    assert_close(jax_oracle.gradients(program, values), by_hand(name)[1], 1e-12)


@pytest.mark.parametrize("name", LARGE_ONES_SLOW)
def test_the_emitted_loss_and_output_are_those_of_jax(name: str) -> None:
    program, values = PROGRAMS[name]()
    parameters, arrays = arguments(program, values)
    module = module_of(name)
    # Without training, noise is its mean.
    means = {t.name: np.full_like(values[t.name], t.law.mean) for t in program.with_role("noise")}
    expected = jax_oracle.evaluate(program, {**values, **means})
    assert program.cost is not None
    cost = module.loss(*parameters, *arrays)
    assert_close({"cost": cost}, {"cost": expected[program.cost.name]}, 1e-11)
    if program.output is not None:
        output = module.predict(*parameters, *arrays[: len(program.inputs)])
        assert_close({"output": output}, {"output": expected[program.output.name]}, 1e-11)


@pytest.mark.parametrize("name", LARGE_ONES_SLOW)
def test_an_epoch_of_one_batch_is_a_step_along_the_gradient_of_jax(name: str) -> None:
    program, values = PROGRAMS[name]()
    parameters, arrays = arguments(program, values)
    reference, gradients = by_hand(name)
    states = {"state": parameters[1]} if program.states else {}
    trainer = module_of(name).Trainer(parameters=parameters[0], **states)
    rows = max([len(a) for a in arrays], default=1)
    # Noise belongs to a place in the batch, whichever example stands there.
    shuffle = not program.with_role("noise")
    trainer.fit(*arrays, epochs=1, batch_size=rows, shuffle=shuffle)
    expected = {n: parameters[0][n] - RATE * g for n, g in gradients.items()}
    assert_close(trainer.parameters._asdict(), expected, 1e-11)
    assert_close({"cost": trainer.history[0]["cost"]}, {"cost": reference}, 1e-11)
