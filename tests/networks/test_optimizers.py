from dataclasses import dataclass

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.networks.optimizers import OPTIMIZERS, optimise, ranges
from symbp.notation.errors import SymbpError
from tests.networks.numerics import random_values

STEPS = 20
ETA, MU, RHO, BETA1, BETA2, EPSILON, DECAY, PSI = 0.05, 0.8, 0.85, 0.7, 0.95, 1e-3, 0.1, 0.1


def sgd(w, g, state, t):
    return w - ETA * g


def momentum(w, g, state, t):
    state["v"] = MU * state.get("v", 0) + g
    return w - ETA * state["v"]


def nesterov(w, g, state, t):
    state["v"] = MU * state.get("v", 0) + g
    return w - ETA * (g + MU * state["v"])


def rmsprop(w, g, state, t):
    state["s"] = RHO * state.get("s", 0) + (1 - RHO) * g**2
    return w - ETA * g / (np.sqrt(state["s"]) + EPSILON)


def adam(w, g, state, t):
    state["m"] = BETA1 * state.get("m", 0) + (1 - BETA1) * g
    state["v"] = BETA2 * state.get("v", 0) + (1 - BETA2) * g**2
    m, v = state["m"] / (1 - BETA1**t), state["v"] / (1 - BETA2**t)
    return w - ETA * m / (np.sqrt(v) + EPSILON)


def adamw(w, g, state, t):
    return adam(w, g, state, t) - ETA * DECAY * w


def nadam(w, g, state, t):
    mu, mu_next = (BETA1 * (1 - 0.5 * 0.96 ** (s * PSI)) for s in (t, t + 1))
    product = state["product"] = state.get("product", 1) * mu
    state["m"] = BETA1 * state.get("m", 0) + (1 - BETA1) * g
    state["v"] = BETA2 * state.get("v", 0) + (1 - BETA2) * g**2
    divisor = np.sqrt(state["v"] / (1 - BETA2**t)) + EPSILON
    along_m = mu_next / (1 - product * mu_next) * state["m"]
    return w - ETA * ((1 - mu) / (1 - product) * g + along_m) / divisor


def radam(w, g, state, t):
    state["m"] = BETA1 * state.get("m", 0) + (1 - BETA1) * g
    state["v"] = BETA2 * state.get("v", 0) + (1 - BETA2) * g**2
    most, m = 2 / (1 - BETA2) - 1, state["m"] / (1 - BETA1**t)
    rho = most - 2 * t * BETA2**t / (1 - BETA2**t)
    if rho <= 5:
        return w - ETA * m
    r = np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return w - ETA * m * r * np.sqrt(1 - BETA2**t) / (np.sqrt(state["v"]) + EPSILON)


def adamax(w, g, state, t):
    state["m"] = BETA1 * state.get("m", 0) + (1 - BETA1) * g
    state["u"] = np.maximum(BETA2 * state.get("u", 0), np.abs(g) + EPSILON)
    return w - ETA / (1 - BETA1**t) * state["m"] / state["u"]


def lamb(w, g, state, t):
    state["m"] = BETA1 * state.get("m", 0) + (1 - BETA1) * g
    state["v"] = BETA2 * state.get("v", 0) + (1 - BETA2) * g**2
    m, v = state["m"] / (1 - BETA1**t), state["v"] / (1 - BETA2**t)
    d = m / (np.sqrt(v) + EPSILON) + DECAY * w
    norms = np.sqrt(np.sum(w**2)), np.sqrt(np.sum(d**2))
    return w - ETA * (norms[0] / norms[1] if min(norms) > 0 else 1) * d


def lion(w, g, state, t):
    m = state.get("m", 0)
    direction = np.sign(BETA1 * m + (1 - BETA1) * g)
    state["m"] = BETA2 * m + (1 - BETA2) * g
    return w - ETA * (direction + DECAY * w)


def adagrad(w, g, state, t):
    state["s"] = state.get("s", 0) + g**2
    return w - ETA * g / (np.sqrt(state["s"]) + EPSILON)


def adadelta(w, g, state, t):
    state["s"] = RHO * state.get("s", 0) + (1 - RHO) * g**2
    d = np.sqrt(state.get("u", 0) + EPSILON) / np.sqrt(state["s"] + EPSILON) * g
    state["u"] = RHO * state.get("u", 0) + (1 - RHO) * d**2
    return w - ETA * d


RULES = {
    "sgd": (bp.SGD(ETA), sgd),
    "momentum": (bp.Momentum(ETA, MU), momentum),
    "nesterov": (bp.Nesterov(ETA, MU), nesterov),
    "rmsprop": (bp.RMSProp(ETA, RHO, EPSILON), rmsprop),
    "adam": (bp.Adam(ETA, BETA1, BETA2, EPSILON), adam),
    # Without tables that are looked up, it is Adam.
    "lazyadam": (bp.LazyAdam(ETA, BETA1, BETA2, EPSILON), adam),
    "adamw": (bp.AdamW(ETA, BETA1, BETA2, EPSILON, DECAY), adamw),
    "nadam": (bp.NAdam(ETA, BETA1, BETA2, EPSILON, PSI), nadam),
    "radam": (bp.RAdam(ETA, BETA1, BETA2, EPSILON), radam),
    "adamax": (bp.Adamax(ETA, BETA1, BETA2, EPSILON), adamax),
    "lamb": (bp.LAMB(ETA, BETA1, BETA2, EPSILON, DECAY), lamb),
    "lion": (bp.Lion(ETA, BETA1, BETA2, DECAY), lion),
    "adagrad": (bp.Adagrad(ETA, EPSILON), adagrad),
    "adadelta": (bp.Adadelta(ETA, RHO, EPSILON), adadelta),
}


@dataclass(frozen=True)
class Nothing(bp.Optimizer):
    """An optimizer whose author has forgotten its rule."""


def differentiated():
    return reverse(normalise(bp.mlp(3, 4, 2, penalty=bp.L2(0.1))))


def test_every_optimizer_has_a_rule_here():
    assert RULES.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", RULES)
def test_steps_are_those_of_the_textbook_rule(name):
    optimizer, rule = RULES[name]
    program = optimise(differentiated(), optimizer)
    values = random_values(program, batch=6)
    for state in program.with_role("state"):
        values[state.name] = np.zeros(state.shape)
    expected = {p.name: values[p.name] for p in program.parameters}
    states = {parameter: {} for parameter in expected}
    for t in range(1, STEPS + 1):
        result = interpret(program, values)
        for parameter, gradient in program.gradients:
            expected[parameter.name] = rule(
                expected[parameter.name], result[gradient.name], states[parameter.name], t
            )
        values |= {tensor.name: result[following.name] for tensor, following in program.updates}
        for parameter, value in expected.items():
            np.testing.assert_allclose(values[parameter], value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_every_parameter_and_state_has_a_next_value(name):
    program = optimise(differentiated(), RULES[name][0])
    replaced = [tensor for tensor, _ in program.updates]
    assert set(replaced) == {*program.parameters, *program.with_role("state")}
    assert len(replaced) == len(set(replaced))
    assert all(s.initial == ("constant", 0.0) for s in program.with_role("state"))
    assert all(equation.lhs.is_plain for equation in program.equations)


def test_hyperparameters_and_the_step_count_are_shared():
    program = optimise(differentiated(), bp.Adam())
    constants = {tensor.name: tensor.value for tensor in program.with_role("constant")}
    assert constants == {
        "l2_strength": 0.1,
        "learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
    }  # fmt: skip
    assert [t.name for t in program.with_role("state") if not t.rank] == ["step"]


def test_a_users_tensor_may_be_called_learning_rate():
    learning_rate, C = bp.parameter("learning_rate"), bp.tensor("C")
    program = reverse(bp.Program([bp.Equation(C, learning_rate**2)], cost=C))
    updated = optimise(program, bp.SGD(0.25))
    result = interpret(updated, {"learning_rate": 3.0})
    assert result["learning_rate_next"] == 3.0 - 0.25 * 6.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bp.SGD(0), "SGD learning_rate: expected a number > 0, got 0"),
        (lambda: bp.SGD(float("nan")), "SGD learning_rate: expected"),
        (lambda: bp.SGD("fast"), "SGD learning_rate: expected a number > 0, got 'fast'"),
        (lambda: bp.Momentum(0.1, 1), "Momentum momentum: expected a number >= 0 and < 1, got 1"),
        (lambda: bp.RMSProp(decay=-0.1), "RMSProp decay: expected"),
        (lambda: bp.Adam(beta2=1.0), "Adam beta2: expected a number >= 0 and < 1"),
        (lambda: bp.Adam(epsilon=0), "Adam epsilon: expected a number > 0"),
        (lambda: bp.AdamW(weight_decay=-1), "AdamW weight_decay: expected a number >= 0"),
        (lambda: bp.Momentum(0.1, bp.Warmup(0.9, 5)), "only a learning rate has a schedule"),
        (lambda: optimise(differentiated(), bp.Optimizer()), "Optimizer: expected a dataclass"),
        (lambda: optimise(differentiated(), Nothing()), "Nothing: .* needs a method update"),
        (lambda: bp.Adam(lr=0.1), "Adam: no option 'lr'.*learning_rate"),
        (lambda: optimise(differentiated(), "adm"), "did you mean 'Adam'"),
        (lambda: optimise(differentiated(), bp.Adam), "expected an instance"),
        (lambda: optimise(bp.mlp(2, 1), bp.SGD(1.0)), "no gradients"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(SymbpError, match=message):
        make()


def test_the_range_of_each_hyperparameter_of_a_step_is_told() -> None:
    inf = float("inf")
    rate, below_one = (0.0, True, inf), (0.0, False, 1.0)
    for optimizer, expected in (
        (bp.SGD(0.1), {"learning_rate": rate}),
        (bp.Momentum(0.1), {"learning_rate": rate, "momentum": below_one}),
        (
            bp.AdamW(0.1),
            {
                "learning_rate": rate, "beta1": below_one, "beta2": below_one, "epsilon": rate,
                "weight_decay": (0.0, False, inf),
            },
        ),
    ):  # fmt: skip
        program = optimise(reverse(normalise(bp.mlp(3, 2))), optimizer)
        assert ranges(program) == expected


REFUSED = {
    "nothing": (lambda w, g, updates: None, "no parameter has a next value"),
    "only a state": (
        lambda w, g, updates: updates.replace(updates.state(w, "m"), g),
        "no parameter has a next value",
    ),
    "a state that nobody reads": (
        lambda w, g, updates: (
            updates.replace(w, w.element - g), updates.replace(updates.state(w, "m"), g)
        ),
        "state W1_m is unused: no formula reads it",
    ),
    "twice": (
        lambda w, g, updates: [updates.replace(w, w.element - g) for _ in range(2)],
        "replace: W1 is replaced already",
    ),
    "a name": (
        lambda w, g, updates: updates.replace("W1", g),
        "replace: expected a parameter or a state, got 'W1'",
    ),
    "a state of a name": (
        lambda w, g, updates: updates.state("W1", "m"), "state: expected a parameter, got 'W1'"
    ),
    "no indices": (
        lambda w, g, updates: updates.replace(w, w - g),
        "W1 is a tensor with 2 indices, write W1[j, k]",
    ),
    "a free index": (
        lambda w, g, updates: updates.replace(w, g * bp.Index("q", 3)), "q"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_of_ones_own_that_cannot_be_meant_is_refused(case):
    rule, message = REFUSED[case]

    @dataclass(frozen=True)
    class Own(bp.Optimizer):
        def update(self, parameter, g, updates):
            rule(parameter, g, updates)

    with pytest.raises((SymbpError, bp.NotationError)) as caught:
        optimise(reverse(normalise(bp.mlp(2, 1))), Own())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
