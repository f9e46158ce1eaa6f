import math

import numpy as np
import pytest

import symbp as bp
from symbp.notation.errors import NotationError, SymbpError
from tests.networks.numerics import assert_gradients_match_differences, cost_at, random_values


def test_mlp_is_the_network_of_its_dense_layers():
    short = bp.mlp(4, 3, 2, activation="relu", loss="softmax_cross_entropy")
    long = bp.Network([bp.Dense(3, "relu"), bp.Dense(2)], input=4, loss="softmax_cross_entropy")
    assert str(short) == str(long)
    assert short.sizes == long.sizes == (4, 3, 2)
    assert repr(short) == "<Network 4-3-2: relu, identity; softmax_cross_entropy; 23 parameters>"


def test_parameters_are_in_order_with_units_first():
    network = bp.mlp(4, 3, 2)
    shapes = [(p.name, p.shape) for p in network.parameters]
    assert shapes == [("W1", (3, 4)), ("b1", (3,)), ("W2", (2, 3)), ("b2", (2,))]


def test_tensors_print_in_nielsens_notation():
    network = bp.mlp(4, 3, 2)
    printed = {t.name: (t.symbol, t.label) for t in network.tensors}
    assert printed == {
        "x": ("a", 1),
        "W1": ("w", 2), "b1": ("b", 2), "z1": ("z", 2), "a1": ("a", 2),
        "W2": ("w", 3), "b2": ("b", 3), "z2": ("z", 3), "a2": ("a", 3),
        "y": ("y", None), "C": (None, None),
    }  # fmt: skip
    assert network.tensor("z2").adjoint_symbol == r"\delta"


def test_the_last_layer_is_activated_for_nielsens_costs_only():
    outputs = {
        loss: bp.mlp(3, 4, 2, loss=loss).output.name
        for loss in ("quadratic", "cross_entropy", "mean_squared_error", "binary_cross_entropy")
    }
    assert outputs == {
        "quadratic": "a2", "cross_entropy": "a2",
        "mean_squared_error": "z2", "binary_cross_entropy": "z2",
    }  # fmt: skip
    assert bp.mlp(3, 2, loss="mean_squared_error", output="tanh").output.name == "a1"


def test_an_activation_completes_a_linear_layer():
    apart = bp.Network([bp.Dense(3), bp.Activation("tanh"), bp.Dense(2)], input=4)
    assert str(apart) == str(bp.Network([bp.Dense(3, "tanh"), bp.Dense(2)], input=4))


def test_an_activation_that_completes_nothing_is_a_layer_of_its_own():
    network = bp.Network([bp.Activation("sin"), bp.Dense(2, "tanh"), bp.Activation("exp")], input=3)
    assert [p.name for p in network.parameters] == ["W2", "b2"]
    assert_gradients_match_differences(network)


def test_a_layer_without_bias():
    network = bp.Network([bp.Dense(3, "tanh", bias=False), bp.Dense(2)], input=4)
    assert [p.name for p in network.parameters] == ["W1", "W2", "b2"]
    assert_gradients_match_differences(network)


def test_a_users_layer_is_an_object_that_returns_equations():
    class Scale:
        def equations(self, source, number):
            s = bp.parameter(f"s{number}", source.indices[-1])
            a = bp.tensor(f"a{number}", *source.indices)
            return [bp.Equation(a.element, s.element * source.element)], a

    network = bp.Network([bp.Dense(3, "tanh"), Scale(), bp.Dense(2)], input=4)
    assert [p.name for p in network.parameters] == ["W1", "b1", "s2", "W3", "b3"]
    assert_gradients_match_differences(network)


def test_initial_weights_fit_the_activation():
    assert bp.mlp(16, 3, activation="tanh").tensor("W1").initial == ("normal", 0.25)
    assert bp.mlp(8, 3, activation="gelu").tensor("W1").initial == ("normal", 0.5)
    assert bp.mlp(8, 3).tensor("b1").initial == ("constant", 0.0)
    own = bp.Network([bp.Dense(3, initial=("uniform", 0.1))], input=2)
    assert own.tensor("W1").initial == ("uniform", 0.1)


def test_replace_gives_a_program_without_layers():
    network = bp.mlp(3, 2)
    assert type(network.replace(gradients=())) is bp.Program


def test_mazurs_network():
    # Matt Mazur, "A Step by Step Backpropagation Example", 2015: forward pass, one example.
    network = bp.mlp(2, 2, 2)
    values = {
        "x": [[0.05, 0.10]], "y": [[0.01, 0.99]],
        "W1": [[0.15, 0.20], [0.25, 0.30]], "b1": [0.35, 0.35],
        "W2": [[0.40, 0.45], [0.50, 0.55]], "b2": [0.60, 0.60],
    }  # fmt: skip
    assert cost_at(network, values) == pytest.approx(0.298371109, abs=5e-10)


def test_numpy_ints_are_sizes():
    assert bp.mlp(*np.array([3, 2])).sizes == (3, 2)
    assert math.isfinite(cost_at(bp.mlp(3, 2), random_values(bp.mlp(3, 2), batch=1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bp.mlp(), "mlp: expected the number of inputs"),
        (lambda: bp.mlp(3), r"got mlp\(3\)"),
        (lambda: bp.mlp(3, 0), "mlp size: expected a positive int, got 0"),
        (lambda: bp.mlp(3, 2.5), "mlp size: expected a positive int, got 2.5"),
        (lambda: bp.mlp(True, 2), "mlp size: expected a positive int, got True"),
        (lambda: bp.mlp(3, 2, activaton="relu"), "mlp: no option 'activaton'; did you mean 'activ"),
        (lambda: bp.Dense(3, activaton="relu"), "Dense: no option 'activaton'; did you mean"),
        (lambda: bp.Dense(-1), "Dense units: expected a positive int, got -1"),
        (lambda: bp.Dense(3, "rleu"), "activation 'rleu': did you mean 'relu'"),
        (lambda: bp.Dense(3, bias="no"), "Dense bias: expected True or False"),
        (lambda: bp.Dense(3, initial="he"), "Dense initial: expected"),
        (lambda: bp.Dense(3, initial=("normal", -1)), "Dense initial normal: expected a number >="),
        (lambda: bp.mlp(3, 2, activation=np.tanh), "activation .*tanh.*: expected a func"),
        (lambda: bp.mlp(3, 2, loss=lambda a: a), "loss <lambda>: expected a function"),
        (lambda: bp.Activation("rleu"), "did you mean 'relu'"),
        (lambda: bp.Network([], input=3), "Network: no layer has parameters"),
        (lambda: bp.Network([bp.Activation("relu")], input=3), "Network: no layer has parameters"),
        (lambda: bp.Network(bp.Dense(3), input=3), "Network: expected a list of layers"),
        (lambda: bp.Network(["dense"], input=3), "layer 1: expected a layer .*'Dense'"),
        (lambda: bp.Network([bp.Dense(2), bp.Dense], input=3), "layer 2: expected a layer"),
        (lambda: bp.Network([bp.Dense(2)], input="x"), "Network input: expected a positive int"),
        (lambda: bp.Network([bp.Dense(2)], inputs=3), "no option 'inputs'; did you mean 'input'"),
    ],
)  # fmt: skip
def test_a_wrong_network_is_refused_in_one_line(make, message):
    with pytest.raises(SymbpError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_cost_that_ignores_the_network_is_refused():
    with pytest.raises(NotationError, match="W1 is unused"):
        bp.mlp(3, 2, loss=lambda a, y: bp.Mean(y.element, *y.indices))
