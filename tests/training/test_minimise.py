"""SciPy's minimisers over the flat vector: where they end, what they record, when they stop."""

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import symbp as bp
from symbp.compiler import module_source
from symbp.targets.numba.runtime.stand_in import NETWORK, Trainer
from tests.emitted_text import load_as_python

GENERATOR = np.random.default_rng(1)
X = GENERATOR.normal(size=(12, 3))
Y = X @ np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]]).T + GENERATOR.normal(size=(12, 2))


class WithJacobian(Trainer):
    """The stand-in with the entry point of its Jacobian."""

    @staticmethod
    def jacobian(parameters: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        result = np.zeros((len(x), 2, 8))
        for output in (0, 1):
            result[:, output, 3 * output : 3 * output + 3] = x
            result[:, output, 6 + output] = 1.0
        return result


def solution() -> NDArray[Any]:
    """Return the least squares of the regression by linear algebra."""
    design = np.hstack([X, np.ones((12, 1))])
    found = np.linalg.lstsq(design, Y, rcond=None)[0]
    return np.concatenate([found[:3].T.ravel(), found[3]])


@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP", "Newton-CG"])
def test_the_least_cost_is_found_and_recorded(method: str) -> None:
    trainer = Trainer(seed=1)
    trainer.minimise(X, Y, method=method, iterations=200, validation=(X, Y), tol=1e-10)
    np.testing.assert_allclose(trainer._flat, solution(), atol=1e-4)
    assert [record["epoch"] for record in trainer.history] == [*range(1, trainer.epochs + 1)]
    last = trainer.history[-1]
    assert last["cost"] == last["validation_cost"] == trainer.loss(X, Y)
    assert last["message"]


@pytest.mark.parametrize("method", ["lm", "trf", "dogbox"])
def test_least_squares_are_found(method: str) -> None:
    trainer = WithJacobian(seed=1).minimise(X, Y, method=method)
    np.testing.assert_allclose(trainer._flat, solution(), atol=1e-9)
    assert trainer.history[-1]["cost"] == trainer.loss(X, Y)
    assert trainer.epochs == len(trainer.history) > 0


@pytest.mark.parametrize("method", ["L-BFGS-B", "trf"])
def test_it_ends_after_so_many_iterations_or_when_the_callback_says_so(method: str) -> None:
    full = WithJacobian(seed=1).minimise(X, Y, method=method, iterations=50).history
    trainer = WithJacobian(seed=1)
    assert trainer.minimise(X, Y, method=method, iterations=0).epochs == 0
    trainer.minimise(X, Y, method=method, iterations=1)
    assert [r["cost"] for r in trainer.history] == [r["cost"] for r in full[:1]]
    stopped = WithJacobian(seed=1)
    seen: list[float] = []

    def callback(epoch: int, record: dict[str, Any]) -> bool:
        seen.append(stopped.loss(X, Y))  # the parameters are those of the record
        return epoch == min(2, len(full))

    stopped.minimise(X, Y, method=method, iterations=50, callback=callback)
    assert seen == [record["cost"] for record in stopped.history]
    assert len(seen) == min(2, len(full))


def test_it_goes_on_after_epochs_and_before_them() -> None:
    trainer = Trainer(seed=1).fit(X, Y, epochs=2).minimise(X, Y, iterations=3).fit(X, Y)
    assert [record["epoch"] for record in trainer.history] == [*range(1, trainer.epochs + 1)]
    assert [i for i, record in enumerate(trainer.history) if "message" in record] == [4]


def test_where_nothing_better_is_found_it_says_so() -> None:
    trainer = Trainer(solution_parameters())
    with pytest.warns(RuntimeWarning, match="found no lower cost"):
        trainer.minimise(X, Y, method="trust-constr", options={"maxiter": 0})
    assert trainer.history == []


def solution_parameters() -> tuple[NDArray[Any], NDArray[Any]]:
    flat = solution()
    return flat[:6].reshape(2, 3), flat[6:]


def test_without_scipy_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match="minimise: this needs SciPy"):
        Trainer().minimise(X, Y)


@pytest.mark.parametrize(
    ("trainer", "options", "error", "message"),
    [
        (Trainer, {"method": "lm"}, TypeError, r"needs a module with entries=\('jacobian',\)"),
        (Trainer, {"method": "nothing"}, ValueError, "nothing"),
        (Trainer, {"iterations": -1}, ValueError, "iterations: expected"),
        (Trainer, {"validation": (X,)}, TypeError, "validation"),
    ],
)
def test_bad_use_is_refused(
    trainer: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    made = trainer()
    with pytest.raises(error, match=message):
        made.minimise(X, Y, **options)
    assert made.epochs == 0


def test_a_cost_that_is_no_sum_of_squares_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NETWORK, "loss_kernel", lambda flat, x, y: float(np.abs(flat).sum()))
    with pytest.raises(ValueError, match=r"a multiple of the sum of \(output - target\)\*\*2"):
        WithJacobian(seed=1).minimise(X, Y, method="lm")


def test_a_module_is_minimised_by_its_own_jacobian() -> None:
    net = bp.mlp(3, 2, loss="mean_squared_error")
    trainer = load_as_python(module_source(net, entries=("jacobian",))).Trainer(seed=4)
    targets = X @ np.array([[0.3, -0.2, 0.5], [0.0, 1.0, -0.4]]).T + 0.5
    trainer.minimise(X, targets, method="lm")
    assert trainer.loss(X, targets) < 1e-25


@pytest.mark.parametrize("method", ["lm", "L-BFGS-B"])
def test_a_frozen_parameter_stays(method: str) -> None:
    net = bp.mlp(3, 2, 2, loss="mean_squared_error").freeze("W1")
    trainer = load_as_python(module_source(net, entries=("jacobian",))).Trainer(seed=4)
    kept, before = trainer.parameters.W1.copy(), trainer.loss(X, Y)
    trainer.minimise(X, Y, method=method, iterations=5)
    assert np.array_equal(trainer.parameters.W1, kept)
    assert trainer.loss(X, Y) < before


def noisy() -> bp.Network:
    """Return a linear regression with noise on its inputs."""
    layers = [bp.GaussianNoise(0.3), bp.Dense(2)]
    return bp.Network(layers, input=3, loss="mean_squared_error")


@pytest.mark.parametrize("epochs", [0, 2])
def test_noise_is_that_of_the_next_step_from_the_beginning_to_the_end(epochs: int) -> None:
    trainer = load_as_python(module_source(noisy(), bp.SGD(0.01))).Trainer(seed=4)
    trainer.fit(X, Y, epochs=epochs, batch_size=12).minimise(X, Y, tol=1e-10)
    drawn = X + bp.replayed(noisy(), rows=12, seed=4, step=epochs)["e1"]
    design = np.hstack([drawn, np.ones((12, 1))])
    found, squares, *_ = np.linalg.lstsq(design, Y, rcond=None)
    np.testing.assert_allclose(trainer.parameters.W2, found[:3].T, atol=1e-4)
    # The cost is that with the noise, which was minimised, and not that in use.
    costs = [record["cost"] for record in trainer.history[epochs:]]
    assert costs[-1] == pytest.approx(squares.sum() / 24)
    assert costs == sorted(costs, reverse=True)


def test_least_squares_are_refused_where_the_residuals_have_noise() -> None:
    drawn = bp.noise("e", *(a := bp.indices("n j", "N", 2)), at_inference="drawn")
    x, y, w = bp.input("x", *a), bp.target("y", *a), bp.parameter("w", a[1])
    z, C = bp.tensor("z", *a), bp.tensor("C")
    equations = [
        bp.Equation(z[a], w[a[1]] * (x[a] + drawn[a])),
        bp.Equation(C, bp.Mean((z[a] - y[a]) ** 2, *a)),
    ]
    in_use_too = bp.Program(equations, cost=C, output=z)
    for program, inputs, error, message in (
        (noisy(), X, ValueError, "the same in training as in use"),
        (in_use_too, X[:, :2], TypeError, "an output that is not drawn"),
    ):
        module = load_as_python(module_source(program, entries=("jacobian",)))
        with pytest.raises(error, match=message):
            module.Trainer().minimise(inputs, Y, method="lm")


@pytest.mark.parametrize("method", ["lm", "L-BFGS-B"])
def test_states_are_refused_by_name(method: str) -> None:
    net = bp.Network([bp.BatchNorm1d(), bp.Dropout(), bp.Dense(2)], input=3)
    trainer = load_as_python(module_source(net, entries=("jacobian",))).Trainer()
    with pytest.raises(TypeError, match=r"states of this program \(running_mean1, running_var1\)"):
        trainer.minimise(X, Y, method=method)
    assert trainer.history == []


def test_compile_takes_a_seed() -> None:
    net = bp.mlp(3, 2)
    trainer, again = bp.compile(net, seed=4), bp.compile(net).module.Trainer(seed=4)
    assert np.array_equal(trainer.parameters.W1, again.parameters.W1)
    assert not np.array_equal(trainer.parameters.W1, bp.compile(net).parameters.W1)
    with pytest.raises(bp.SymbpError, match="seed: expected an int >= 0, got -1"):
        bp.compile(net, seed=-1)
