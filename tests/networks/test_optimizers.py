import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.networks.optimizers import OPTIMIZERS, optimise, ranges
from symbp.notation.errors import SymbpError
from tests.networks.numerics import random_values

STEPS = 5
ETA, MU, RHO, BETA1, BETA2, EPSILON, DECAY = 0.05, 0.8, 0.85, 0.7, 0.95, 1e-3, 0.1


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


RULES = {
    "sgd": (bp.SGD(ETA), sgd),
    "momentum": (bp.Momentum(ETA, MU), momentum),
    "nesterov": (bp.Nesterov(ETA, MU), nesterov),
    "rmsprop": (bp.RMSProp(ETA, RHO, EPSILON), rmsprop),
    "adam": (bp.Adam(ETA, BETA1, BETA2, EPSILON), adam),
    "adamw": (bp.AdamW(ETA, BETA1, BETA2, EPSILON, DECAY), adamw),
}


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
            np.testing.assert_allclose(values[parameter], value, rtol=1e-11, atol=1e-13)


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
