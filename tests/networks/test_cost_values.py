"""Costs: values and all gradients, in each of their options, are those of JAX and PyTorch."""

import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.networks.costs import COSTS
from tests.comparison import assert_close
from tests.networks.cost_cases import CASES, ONE_HOT, CostCase, arrays_of, program_of
from tests.networks.numerics import gradients_of, random_values

TOLERANCE = 1e-11


def evaluated(case: CostCase, values: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    derived = reverse(normalise(program_of(case)))
    found = interpret(derived, values)
    return found["C"], {tensor.name: found[adjoint.name] for tensor, adjoint in derived.gradients}


@pytest.mark.parametrize("name", CASES)
def test_a_cost_and_its_gradients_are_those_of_jax(name: str) -> None:
    case = CASES[name]
    values = arrays_of(case)

    def cost(varying: dict[str, Any]) -> Any:
        return case.jax(*{**values, **varying}.values())

    varying = {name: values[name] for name in case.shapes}
    lowered = jax.jit(jax.value_and_grad(cost)).lower(varying)
    quick = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    expected, slopes = lowered.compile(compiler_options=quick)(varying)
    got, gradients = evaluated(case, values)
    assert_close({"C": got}, {"C": expected}, TOLERANCE)
    assert_close(gradients, slopes, TOLERANCE)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.torch])
def test_a_cost_and_its_gradients_are_those_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    case = CASES[name]
    values = arrays_of(case, seed=1)
    tensors = {n: torch.from_numpy(value).clone() for n, value in values.items()}
    for n in case.shapes:
        tensors[n].requires_grad_()
    assert case.torch is not None
    expected = case.torch(torch.nn.functional, *tensors.values())
    expected.backward()
    got, gradients = evaluated(case, values)
    assert_close({"C": got}, {"C": expected.detach().numpy()}, TOLERANCE)
    assert_close(gradients, {n: tensors[n].grad.numpy() for n in case.shapes}, TOLERANCE)


def test_every_cost_that_has_a_name_trains_a_network() -> None:
    for name in COSTS:
        net = bp.mlp(3, 2, loss=name)
        assert net.loss == name
        assert [p.name for p in net.parameters] == ["W1", "b1"]
        assert np.isfinite(gradients_of(net, random_values(net, 4))["W1"]).all()


@pytest.mark.parametrize("loss", ["quadratic", "softmax_cross_entropy", "huber", bp.CrossEntropy()])
def test_a_weight_of_an_example_counts_it_so_often(loss: Any) -> None:
    plain = bp.mlp(3, 3, loss=loss)
    net = bp.Network(plain.layers, input=3, loss=loss, sample_weight=True)
    values = random_values(plain, 3)
    values["y"] = ONE_HOT[:3]
    weighted = {**values, "sample_weight": np.array([1.0, 0.0, 2.0])}
    rows = np.array([0, 2, 2])
    repeated = {**values, "x": values["x"][rows], "y": values["y"][rows]}
    assert_close(gradients_of(net, weighted), gradients_of(plain, repeated), TOLERANCE)


def test_weights_are_the_last_array_of_a_module() -> None:
    net = bp.Network([bp.Dense(2)], input=3, loss="huber", sample_weight=True)
    trainer = bp.compile(net, bp.SGD(0.1), "float64")
    generator = np.random.default_rng(0)
    x, y, w = generator.normal(size=(8, 3)), generator.normal(size=(8, 2)), np.zeros(8)
    before = trainer.parameters.W1.copy()
    trainer.fit(x, y, w, batch_size=8)
    np.testing.assert_array_equal(trainer.parameters.W1, before)
    assert trainer.predict(x).shape == (8, 2)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "a class": (lambda: bp.mlp(2, 1, loss=bp.Huber), "loss Huber: expected an instance such as"),
    "an option": (lambda: bp.Huber(delt=1), "Huber: no option 'delt'; did you mean 'delta'?"),
    "delta": (lambda: bp.Huber(0), "Huber delta: expected a number > 0, got 0"),
    "q": (lambda: bp.Quantile(1), "Quantile q: expected a number > 0 and < 1, got 1"),
    "smoothing": (lambda: bp.CrossEntropy(1.0), "CrossEntropy label_smoothing: expected a number"),
    "no weights": (lambda: bp.CrossEntropy(weight=2), "weight: expected a number for each class"),
    "too few weights": (
        lambda: bp.mlp(2, 3, loss=bp.CrossEntropy(weight=(1, 2))),
        "CrossEntropy weight: expected 3 numbers, one a class, got (1.0, 2.0)",
    ),
    "p": (lambda: bp.MultiMargin(3), "MultiMargin p: expected 1 or 2, got 3"),
    "an odd number": (
        lambda: bp.mlp(2, 3, loss="gaussian_nll"), "expected an even number of outputs"
    ),
    "blank": (
        lambda: bp.Network([bp.Dense(3)], input=(5, 2), loss=bp.CTC(2, blank=3)),
        "CTC blank 3: expected one of the 3 classes",
    ),
    "no sequence": (
        lambda: bp.mlp(2, 3, loss=bp.CTC(2)), "CTC: expected a source of shape (N, steps, classes)"
    ),
    "a cost of no example": (
        lambda: bp.Network(
            [bp.Dense(2)], input=3, sample_weight=True,
            loss=lambda a, y: bp.Max(abs(a.element - y.element), *a.indices),
        ),
        "sample_weight needs a sum over the examples, not Max",
    ),
    "a weight that is no flag": (
        lambda: bp.Network([bp.Dense(2)], input=3, sample_weight="w"),
        "Network sample_weight: expected True or False, got 'w'",
    ),
    "numbers": (lambda: bp.gaussian_nll(1, 2, 3), "gaussian_nll: expected tensors, got 1"),
    "shapes of a triplet": (
        lambda: bp.triplet_margin(
            *(bp.tensor(n, *bp.indices("n k", 3, k)) for n, k in (("a", 2), ("p", 2), ("q", 3)))
        ),
        "triplet_margin: expected tensors of one shape, got a (3, 2), p (3, 2), q (3, 3)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_said_in_one_line(case: str) -> None:
    call, message = MISTAKES[case]
    with pytest.raises(bp.SymbpError, match=re.escape(message)) as caught:
        call()
    assert "\n" not in str(caught.value)
