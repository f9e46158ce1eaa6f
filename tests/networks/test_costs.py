import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.networks.costs import COSTS
from symbp.notation.errors import SymbpError
from tests.networks.cost_cases import CASES
from tests.networks.numerics import (
    assert_gradients_match_differences,
    cost_at,
    gradients_of,
    random_values,
)


def log_softmax(z):
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Of the pre-activation of a 3-2 network without hidden layer, and the target.
FORMULAS = {
    "quadratic": lambda z, y: np.sum((sigmoid(z) - y) ** 2) / (2 * len(z)),
    "mean_squared_error": lambda z, y: np.mean((z - y) ** 2),
    "cross_entropy": lambda z, y: (
        -np.sum(y * np.log(sigmoid(z)) + (1 - y) * np.log(1 - sigmoid(z))) / len(z)
    ),
    "binary_cross_entropy": lambda z, y: (
        -np.mean(y * np.log(sigmoid(z)) + (1 - y) * np.log(1 - sigmoid(z)))
    ),
    "softmax_cross_entropy": lambda z, y: -np.sum(y * log_softmax(z)) / len(z),
}


def test_every_cost_has_a_formula_here():
    assert FORMULAS.keys() | CASES.keys() >= COSTS.keys()  # those of tests/networks/cost_cases.py


@pytest.mark.parametrize("name", FORMULAS)
def test_value_is_the_formula(name):
    network = bp.mlp(3, 2, loss=name)
    values = random_values(network, batch=5)
    z = values["x"] @ values["W1"].T + values["b1"]
    assert cost_at(network, values) == pytest.approx(FORMULAS[name](z, values["y"]), rel=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_match_differences(name):
    activation = "sigmoid" if name == "cross_entropy" else "tanh"
    assert_gradients_match_differences(bp.mlp(3, 4, 2, activation=activation, loss=name))


@pytest.mark.parametrize(
    "penalty", [bp.L1(0.3), bp.L2(0.2), [bp.L1(0.1), bp.L2(0.5)]], ids=["L1", "L2", "both"]
)
def test_a_penalty_adds_its_term_for_weights_only(penalty):
    plain, network = bp.mlp(3, 4, 2), bp.mlp(3, 4, 2, penalty=penalty)
    values = random_values(network, batch=3)
    weights = [values["W1"], values["W2"]]
    strengths = {type(p): p.strength for p in (penalty if isinstance(penalty, list) else [penalty])}
    added = sum(
        strengths.get(bp.L1, 0) * np.abs(w).sum() + strengths.get(bp.L2, 0) / 2 * (w**2).sum()
        for w in weights
    )
    assert cost_at(network, values) == pytest.approx(cost_at(plain, values) + added, rel=1e-12)
    assert_gradients_match_differences(network)


def test_logits_of_any_size_give_finite_costs_and_gradients():
    for name in ("binary_cross_entropy", "softmax_cross_entropy"):
        network = bp.mlp(1, 2, loss=name)
        values = {
            "x": [[1.0]], "y": [[1.0, 0.0]], "W1": [[-2000.0], [2000.0]], "b1": [0.0, 0.0],
        }  # fmt: skip
        assert np.isfinite(cost_at(network, values))
        assert all(np.isfinite(g).all() for g in gradients_of(network, values).values())


def test_the_softmax_is_defined_for_print_and_the_output_stays_the_logits():
    network = bp.mlp(3, 4, 2, loss="softmax_cross_entropy")
    assert network.output is network.tensor("z2")
    a = network.tensor("a2")
    assert (a.symbol, a.label) == ("a", 3)
    values = interpret(normalise(network), random_values(network, batch=3))
    np.testing.assert_allclose(values["a2"], np.exp(log_softmax(values["z2"])), rtol=1e-12)


def test_an_activated_output_under_a_softmax_keeps_its_own_name():
    network = bp.mlp(3, 2, loss="softmax_cross_entropy", output="tanh")
    assert network.output is network.tensor("a1")
    assert network.tensor("a1_softmax").symbol == "p"


def test_targets_say_what_they_accept():
    kinds = {name: bp.mlp(3, 2, loss=name).tensor("y").kind for name in COSTS}
    assert kinds == {
        "quadratic": "classes",
        "mean_squared_error": "real",
        "cross_entropy": "classes",
        "binary_cross_entropy": "classes",
        "softmax_cross_entropy": "distribution",
        **dict.fromkeys(("huber", "smooth_l1", "quantile", "log_cosh", "poisson"), "real"),
        **dict.fromkeys(("gaussian_nll", "hinge", "cosine"), "real"),
        **dict.fromkeys(("multi_margin", "focal"), "classes"),
        "kl_divergence": "distribution",
    }


def test_a_users_cost_is_a_function_of_two_tensors():
    def huber(a, y):
        error = abs(a.element - y.element)
        return bp.Mean(bp.where(error < 1, error**2 / 2, error - 0.5), *a.indices)

    network = bp.mlp(3, 4, 2, loss=huber)
    assert network.loss == "huber"
    assert network.output is network.tensor("z2")
    values = random_values(network, batch=3)
    z = interpret(normalise(network), values)["z2"]
    error = np.abs(z - values["y"])
    expected = np.mean(np.where(error < 1, error**2 / 2, error - 0.5))
    assert cost_at(network, values) == pytest.approx(expected, rel=1e-12)
    assert_gradients_match_differences(network)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "quadratc"}, "loss 'quadratc': did you mean 'quadratic'"),
        ({"loss": 3}, "loss 3: expected a name or a function"),
        ({"loss": "cross_entropy", "activation": "tanh"}, "'cross_entropy' needs a sigmoid output"),
        ({"penalty": 0.1}, r"penalty 0\.1: expected bp\.L1"),
        ({"penalty": bp.L2}, "penalty .*: expected bp"),
        ({"penalty": [bp.L2(0.1), bp.L2(0.2)]}, "each kind can be given once"),
    ],
)
def test_a_wrong_cost_or_penalty_is_refused(options, message):
    with pytest.raises(SymbpError, match=message):
        bp.mlp(3, 2, **options)


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), "0.1", True])
def test_a_strength_is_a_finite_number_that_is_not_negative(strength):
    for kind in (bp.L1, bp.L2):
        with pytest.raises(SymbpError, match=f"{kind.__name__} strength: expected"):
            kind(strength)
