"""Modules draw the bits that the interpreter draws, whatever runs them and wherever they resume."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.checking.check import random_values
from symbp.compiler import module_source
from symbp.notation import philox
from tests import jax_oracle
from tests.comparison import assert_close
from tests.random_noise import LAWS, noisy_example

ROWS, WIDTH = 48, 40
DTYPES = ["float64", "float32"]


def shown(**law: Any) -> bp.Program:
    """Return a program whose parameter shows what is drawn.

    The cost is linear in W, so that its gradient is noise, and where x has a one in each row, a sum
    of a single term: a step of rate 1 from zero makes W the noise of each row, to the bit.
    """
    n, j, k = bp.indices("n j k", "N", WIDTH, ROWS)
    x, e, W = bp.input("x", n, k), bp.noise("e", n, j, **law), bp.parameter("W", j, k)
    z, C = bp.tensor("z", n, j), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k)),
            bp.Equation(C, -bp.Sum(z[n, j] * e[n, j], n, j)),
        ],
        cost=C,
    )


def trained(module: ModuleType, seed: int, batch_size: int, epochs: int = 1) -> Any:
    """Return a trainer after some epochs from W = 0."""
    trainer = module.Trainer([np.zeros((WIDTH, ROWS))], seed=seed)
    return trainer.fit(np.eye(ROWS), epochs=epochs, batch_size=batch_size, shuffle=False)


def replayed(program: bp.Program, seed: int, batch_size: int, epochs: int = 1) -> Any:
    """Return the noise of all rows of some epochs, the sum of those of one row."""
    total, step = np.zeros((ROWS, WIDTH)), 0
    for _ in range(epochs):
        for start in range(0, ROWS, batch_size):
            rows = min(batch_size, ROWS - start)
            total[start : start + rows] += bp.replayed(program, rows, seed, step)["e"]
            step += 1
    return total.T


def assert_bits(found: Any, expected: Any, law: dict[str, Any]) -> None:
    """Assert that draws are the same: to the last bit, if no function rounds them."""
    if found.dtype == np.float64:
        # A normal law's draws go through a logarithm, a root and a cosine.
        ulps = 8 if law["law"] == "normal" else 0
        np.testing.assert_allclose(found, expected, rtol=ulps * 2e-16, atol=ulps * 1e-16)
    elif law["law"] == "bernoulli":
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-6)  # the angle is rounded


def in_single_precision(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Return what draws the first 24 bits only, as a module of single precision does."""
    return lambda *arguments: np.floor(draw(*arguments) * 2**24) / 2**24


def combinations() -> list[Any]:
    """Return each law in each precision; every run has each of them at least once."""
    return [
        pytest.param(law, dtype, marks=[pytest.mark.slow] if (i + j) % 2 and i > 1 else [])
        for i, law in enumerate(LAWS)
        for j, dtype in enumerate(DTYPES)
    ]


@pytest.mark.parametrize(("law", "dtype"), combinations())
def test_a_module_draws_what_is_replayed(
    law: dict[str, Any], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if dtype == "float32":
        for name in ("unit", "turn"):
            monkeypatch.setattr(philox, name, in_single_precision(getattr(philox, name)))
    program = shown(**law)
    module = bp.compile(program, bp.SGD(1.0), dtype).module
    # The last batch is short; one batch holds one example.
    for seed, batch_size in ((0, 20), (2**64 - 1, 48), (2**33 + 5, 1)):
        found = trained(module, seed, batch_size).parameters.W
        assert_bits(found, replayed(program, seed, batch_size), law)


@pytest.mark.parametrize(
    ("law", "dtype"),
    [
        ("normal", "float32"),
        ("normal", "float64"),
        pytest.param("uniform", "float32", marks=pytest.mark.slow),
        ("uniform", "float64"),
        ("bernoulli", "float32"),
        pytest.param("bernoulli", "float64", marks=pytest.mark.slow),
    ],
)
def test_any_number_of_threads_draws_the_same_bits(
    law: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = bp.compile(shown(law=law), bp.SGD(1.0), dtype).module
    assert "def _epoch_part" in module_source(shown(law=law), bp.SGD(1.0))
    found = {}
    for threads in (1, 2, 3):
        monkeypatch.setattr(module, "WORTHWHILE", 0)
        monkeypatch.setattr(module, "available_threads", lambda threads=threads: threads)
        # The team runs every step, not only those in which it is tried.
        monkeypatch.setattr(module.Pace, "next", lambda self, threads=threads: (threads, 2))
        trainer = trained(module, seed=3, batch_size=13, epochs=2)
        found[threads] = trainer.parameters.W.copy()
        assert trainer._state[-2:].tolist() == [8, 0]
    np.testing.assert_array_equal(found[2], found[1])
    np.testing.assert_array_equal(found[3], found[1])


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_a_training_that_is_resumed_draws_as_if_it_had_never_stopped(
    dtype: str, tmp_path: Path
) -> None:
    module = bp.compile(shown(), bp.Adam(0.01), dtype).module
    whole = trained(module, seed=7, batch_size=10, epochs=4)
    part = trained(module, seed=7, batch_size=10, epochs=2)
    part.save(tmp_path / "training.npz")
    resumed = module.Trainer.load(tmp_path / "training.npz")
    resumed.fit(np.eye(ROWS), epochs=2, batch_size=10, shuffle=False)
    np.testing.assert_array_equal(resumed.parameters.W, whole.parameters.W)
    other = trained(module, seed=8, batch_size=10, epochs=4)
    assert not np.array_equal(other.parameters.W, whole.parameters.W)


def test_steps_are_counted_beyond_what_a_float32_counts() -> None:
    program = shown(law="uniform")
    module = bp.compile(program, bp.SGD(1.0), "float32").module
    trainer = module.Trainer([np.zeros((WIDTH, ROWS))], seed=1)
    trainer._state[-2:] = 2**22 - 2, 9
    trainer.fit(np.eye(ROWS), batch_size=12, shuffle=False)
    assert trainer._state[-2:].tolist() == [2, 10]
    expected = bp.replayed(program, 12, 1, 9 * 2**22 + 2**22 + 1)["e"]
    np.testing.assert_allclose(trainer.parameters.W[:, 36:].T, expected, atol=1e-7)


def test_a_gradient_takes_a_seed_and_a_step_and_is_what_a_training_step_takes() -> None:
    program = shown()
    module = bp.compile(program, bp.SGD(1.0)).module
    zero = [np.zeros((WIDTH, ROWS))]
    trainer = module.Trainer(zero, seed=4)
    for step in range(3):
        before = trainer.parameters.W.copy()
        cost, gradients = module.gradient(trainer.parameters, np.eye(ROWS), seed=4, step=step)
        trainer.fit(np.eye(ROWS), batch_size=ROWS, shuffle=False)
        np.testing.assert_array_equal(trainer.parameters.W, before - gradients.W)
        assert trainer.history[-1]["cost"] == pytest.approx(cost, rel=1e-12)
    again = trainer.gradient(np.eye(ROWS), seed=4, step=2)[1]
    np.testing.assert_array_equal(again.W, gradients.W)
    with pytest.raises(ValueError, match=r"^seed: expected at least 0, got -1$"):
        module.gradient(zero, np.eye(ROWS), seed=-1)
    with pytest.raises(ValueError, match=r"^step: expected less than 2\*\*44, got "):
        module.gradient(zero, np.eye(ROWS), step=2**44)
    with pytest.raises(ValueError, match=r"^seed: expected less than 2\*\*64, got "):
        module.Trainer(seed=2**64)
    with pytest.raises(TypeError, match=r"^seed: expected an integer, got 1\.5$"):
        module.gradient(zero, np.eye(ROWS), seed=1.5)


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
def test_a_module_checks_its_gradient_with_the_noise_held(dtype: str) -> None:
    program = noisy_example("equations 2")
    assert bp.compile(program, dtype=dtype).module.check_gradient() < 1e-2


@pytest.mark.parametrize("seed", [0, pytest.param(3, marks=pytest.mark.slow)])
def test_check_holds_the_noise(seed: int) -> None:
    report = bp.check(noisy_example(f"equations {seed}"), dtype=("float64", "float32"))
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "name",
    [
        "equations 0",
        "recurrence 1",
        *(
            pytest.param(f"{kind} {seed}", marks=pytest.mark.slow)
            for kind in ("equations", "recurrence")
            for seed in range(2, 12)
        ),
    ],
)
def test_gradients_of_random_programs_are_those_of_jax_for_the_same_noise(name: str) -> None:
    program = noisy_example(name)
    values = random_values(program, 3)
    module = bp.compile(program, entries=("hvp",)).module
    parameters = {p.name: values[p.name] for p in program.parameters}
    arrays = [values[t.name] for t in (*program.inputs, *program.targets)]
    for seed, step in ((0, 0), (2**40, 2**30)):
        noise = bp.replayed(program, 3, seed, step)
        _, gradients = module.gradient(parameters, *arrays, seed=seed, step=step)
        expected = jax_oracle.gradients(program, {**values, **noise})
        assert_close(gradients._asdict(), expected, 1e-11)


# Inference ----------------------------------------------------------------------------------------


def stochastic(at_inference: str) -> bp.Program:
    n, j = bp.indices("n j", "N", 4)
    x, y, w = bp.input("x", n, j), bp.target("y", n, j), bp.parameter("w", j)
    e = bp.noise("e", n, j, mean=0.5, scale=2, at_inference=at_inference)
    s, a, C = bp.parameter("s", j), bp.tensor("a", n, j), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(a[n, j], w[j] * x[n, j] + s[j] * (e[n, j] - 0.5)),
            bp.Equation(C, bp.Mean((a[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )


def numbers() -> tuple[list[Any], Any, Any]:
    generator = np.random.default_rng(1)
    parameters = [generator.normal(size=4), generator.normal(size=4)]
    return parameters, generator.normal(size=(5, 4)), generator.normal(size=(5, 4))


def test_without_training_noise_is_its_mean() -> None:
    entries = ("input_gradient", "jvp", "hvp", "loss_and_gradient")
    module = bp.compile(stochastic("mean"), entries=entries).module
    (w, s), x, y = numbers()
    names = module.Parameters._fields
    given = module.Parameters(**{"w": w, "s": s})
    np.testing.assert_allclose(module.predict(given, x), w * x, rtol=1e-15)
    assert module.loss(given, x, y) == pytest.approx(((w * x - y) ** 2).mean(), rel=1e-14)
    cost, by_x = module.input_gradient(given, x, y)
    assert cost == pytest.approx(module.loss(given, x, y), rel=1e-14)
    np.testing.assert_allclose(by_x, 2 * w * (w * x - y) / 20, rtol=1e-12)
    # What is only read with noise moves nothing without it, but has its place.
    direction = module.Parameters(**{"w": np.zeros(4), "s": np.ones(4)})
    assert not module.jvp(given, direction, x)[1].any()
    # What is made of the gradient is of the program as it is trained.
    cost, gradient = module.loss_and_gradient(module.as_vector(given), (3, 8), x, y)
    expected = module.gradient(given, x, y, seed=3, step=8)
    assert cost == expected[0]
    np.testing.assert_array_equal(module.as_parameters(gradient).s, expected[1].s)
    moved = module.Parameters(**{"w": w, "s": s + 1e-5})
    slope = (module.gradient(moved, x, y, seed=3, step=8)[1].s - expected[1].s) / 1e-5
    np.testing.assert_allclose(module.hvp(given, (3, 8), direction, x, y).s, slope, rtol=1e-4)
    with pytest.raises(TypeError, match=r"^noise: expected a tuple of a seed and a step, got 3$"):
        module.hvp(given, 3, direction, x, y)
    assert set(names) == {"w", "s"}
    trainer = module.Trainer(given).fit(x, y, validation=(x, y), epochs=1)
    assert trainer.history[0]["validation_cost"] == pytest.approx(trainer.loss(x, y), rel=1e-12)
    with pytest.raises(TypeError, match="seed"):
        module.predict(given, x, seed=1)


def test_what_is_drawn_at_inference_takes_a_seed_and_a_step() -> None:
    program = stochastic("drawn")
    module = bp.compile(program).module
    (w, s), x, y = numbers()
    given = module.Parameters(**{"w": w, "s": s})
    for seed, step in ((0, 0), (5, 9)):
        noise = bp.replayed(program, 5, seed, step)["e"] - 0.5
        found = module.predict(given, x, seed=seed, step=step)
        np.testing.assert_allclose(found, w * x + s * noise, rtol=1e-12)
        one = module.Trainer(given).predict(x[:1], seed=seed, step=step)
        np.testing.assert_allclose(one, found[:1], rtol=1e-13)
        loss = module.loss(given, x, y, seed=seed, step=step)
        assert loss == pytest.approx(module.gradient(given, x, y, seed=seed, step=step)[0])


def test_noise_beside_states_and_frozen_parameters(tmp_path: Path) -> None:
    n, j = bp.indices("n j", "N", 4)
    x, w, v = bp.input("x", n, j), bp.parameter("w", j), bp.parameter("v", j, trainable=False)
    e, m = bp.noise("e", n, j, at_inference="drawn"), bp.state("m", j, initial=0.5)
    a, C = bp.tensor("a", n, j), bp.tensor("C")
    m_next = bp.tensor("m_next", j)
    program = bp.Program(
        [
            bp.Equation(m_next[j], 0.5 * m[j] + bp.Mean(e[n, j], n)),
            bp.Equation(a[n, j], w[j] * x[n, j] + v[j] * e[n, j] + m[j]),
            bp.Equation(C, bp.Mean(a[n, j] ** 2, n, j)),
        ],
        cost=C,
        output=a,
        updates={m: m_next},
    )
    module = bp.compile(program, bp.SGD(0.5)).module
    (w_, v_), x_, _ = numbers()
    given = {"w": w_, "v": v_}
    state = np.full(4, 0.5)
    trainer = module.Trainer(given, seed=6)
    for step in range(3):
        noise = bp.replayed(program, 5, 6, step)["e"]
        found = module.predict(trainer.parameters, trainer.state, x_, seed=6, step=step)
        wanted = trainer.parameters.w * x_ + v_ * noise + state
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
        cost, _ = module.gradient(trainer.parameters, trainer.state, x_, seed=6, step=step)
        assert cost == pytest.approx((wanted**2).mean(), rel=1e-12)
        np.testing.assert_allclose(trainer.predict(x_, seed=6, step=step), wanted, rtol=1e-12)
        trainer.fit(x_, batch_size=5, shuffle=False)
        state = 0.5 * state + noise.mean(axis=0)
        np.testing.assert_allclose(trainer.state.m, state, rtol=1e-12)
        np.testing.assert_array_equal(trainer.parameters.v, v_)
    trainer.save(tmp_path / "half.npz")
    resumed = module.Trainer.load(tmp_path / "half.npz").fit(x_, batch_size=3)
    np.testing.assert_array_equal(resumed.parameters.w, trainer.fit(x_, batch_size=3).parameters.w)
    assert module.check_gradient() < 1e-6


def test_a_module_whose_runtime_lies_beside_it_draws_the_same(tmp_path: Path) -> None:
    program = stochastic("mean")
    (w, s), x, y = numbers()
    bp.generate(program, tmp_path / "net.py", runtime="beside", entries=("hvp",), dtype="float32")
    found = bp.load_module(tmp_path / "net.py")
    module = bp.compile(program, dtype="float32").module
    given = {"w": w, "s": s}
    assert found.gradient(given, x, y, seed=3)[0] == module.gradient(given, x, y, seed=3)[0]
    one, other = (each.Trainer(given, seed=2).fit(x, y, epochs=3) for each in (found, module))
    np.testing.assert_array_equal(one.parameters.s, other.parameters.s)


def test_a_module_without_noise_has_nothing_of_it() -> None:
    text = module_source(bp.mlp(2, 3, 1))
    assert not any(word in text for word in ("random_unit", "Philox", "WithNoise", "step: int"))
