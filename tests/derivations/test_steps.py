"""Each step of a derivation is true: what it says is evaluated."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.checking.check import random_values
from symbp.derivations.local import LocalDerivative
from symbp.derivations.step import Equality, Step
from symbp.notation.equation import Equation
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor
from tests.derivations.test_printed_equations import networks
from tests.programs import attention, bilinear, convolution, embedding, gram, lstm, scalar_graph
from tests.random_equations import random_equations, random_recurrence


def by_name(expression: Any, tensors: dict[str, Tensor]) -> Any:
    """Return an expression with the program's own tensors for those that have other letters."""
    return expression.xreplace(
        {e: Element(tensors[e.tensor.name], *e.args) for e in expression.atoms(Element)}
    )


def assert_steps_hold(program: bp.Program) -> list[Step]:
    """Assert that every chain rule and every formula gives the adjoint that reverse mode gives.

    A derivation may be of one example; then its values are those of the first.
    """
    derivation = bp.derive(program)
    differentiated = derivation.differentiated
    values = random_values(differentiated)
    expected = interpret(differentiated, values)
    tensors = {t.name: t for t in differentiated.tensors}
    steps = derivation.steps()
    locals_: dict[Any, dict[LocalDerivative, Any]] = {}
    for step in steps:
        if step.kind == "local derivative":
            locals_.setdefault(step.about, {}).update({f.left: f.right for f in step.formulas})
    # What is read keeps its value; what each formula says of a tensor is made beside it.
    anew: list[tuple[Tensor, Tensor, Step]] = []
    equations: list[Equation] = []
    for step in steps:
        for formula in step.formulas:
            if step.kind == "statement" or isinstance(formula, Equality):
                continue
            tensor = tensors[formula.tensor.name]
            made = tensor.like(f"made_anew_{len(anew)}")
            anew.append((tensor, made, step))
            for equation in formula.equations:
                body = equation.body
                for name in body.atoms(LocalDerivative):
                    body = body.xreplace({name: value_of(name, locals_[step.about])})
                body = by_name(body, tensors)
                equations.append(equation.replace(lhs=made[equation.lhs.args], body=body))
    whole = Program((*differentiated.equations, *equations), derived=True)
    results = interpret(normalise(whole), values)
    for tensor, made, step in anew:
        wanted = expected[tensor.name]
        scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        np.testing.assert_allclose(
            results[made.name], wanted, 1e-9, 1e-10 * scale, err_msg=step.text()
        )
    evaluated = len(anew)
    assert evaluated >= 2 * len(derivation.backward)
    return list(steps)


def value_of(name: LocalDerivative, known: dict[LocalDerivative, Any]) -> Any:
    """Return the value of a derivative by name, whatever its indices are called there."""
    for other, value in known.items():
        mapping: dict[Any, Any] = {}
        pairs = ((name.above, other.above), (name.below, other.below))
        if any(mine.tensor is not theirs.tensor for mine, theirs in pairs):
            continue
        for mine, theirs in pairs:
            for left, right in zip(mine.args, theirs.args, strict=True):
                if isinstance(left, bp.Index) and isinstance(right, bp.Index):
                    mapping.setdefault(right, left)
        apart = len(set(mapping.values())) == len(mapping)
        if apart and other.xreplace(mapping) == name:
            return value.xreplace(mapping)
    raise AssertionError(f"no step says what {name} is")


@pytest.mark.parametrize(
    "example", [attention, bilinear, convolution, embedding, gram, lstm, scalar_graph]
)
def test_the_steps_of_programs_without_layers_hold(example: Any) -> None:
    steps = assert_steps_hold(example()[0])
    assert not any(step.name for step in steps)


@settings(max_examples=10)
@given(networks())
def test_the_steps_of_networks_hold(net: bp.Network) -> None:
    steps = assert_steps_hold(net)
    named = [step.name for step in steps if step.kind == "result"]
    layers = len({t.name for t in net.parameters if t.name.startswith("W")})
    assert named.count("BP1") == 1
    assert named.count("BP4") == layers
    assert named.count("BP2") == layers - 1


@pytest.mark.parametrize(
    "seed", [s if s < 2 else pytest.param(s, marks=pytest.mark.slow) for s in range(6)]
)
@pytest.mark.parametrize("drawn", [random_equations, random_recurrence])
def test_the_steps_of_random_programs_hold(drawn: Callable[[int], Any], seed: int) -> None:
    assert_steps_hold(drawn(seed).program)


def test_the_steps_to_the_error_of_a_hidden_layer() -> None:
    steps = [s for s in bp.derive(bp.mlp(4, 3, 2)).steps() if s.heading() == "δ²"]
    assert [(s.kind, s.text("index")) for s in steps] == [
        ("equation", "a²ⱼ = σ(z²ⱼ)"),
        ("chain rule", "δ²ⱼ = ∂C/∂a²ⱼ · ∂a²ⱼ/∂z²ⱼ"),
        ("local derivative", "∂a²ⱼ/∂z²ⱼ = σ′(z²ⱼ)"),
        ("substitution", "δ²ⱼ = ∂C/∂a²ⱼ · σ′(z²ⱼ)"),
        ("result", "δ²ⱼ = Σₖ w³ₖⱼ δ³ₖ σ′(z²ⱼ)"),
        ("statement", "δˡⱼ = Σₖ wˡ⁺¹ₖⱼ δˡ⁺¹ₖ σ′(zˡⱼ)"),
    ]
    assert [s.remark for s in steps] == [
        "z² appears in the equation",
        "By the chain rule, writing δ² for ∂C/∂z²",
        "where, differentiating this equation with respect to z²",
        "Substituting these",
        "This is BP2, substituting ∂C/∂a²",
        "BP2 in general",
    ]
    assert steps[4].latex() == r"\delta^{2} = ((w^{3})^T \delta^{3}) \odot \sigma'(z^{2})"
    assert steps[1].explanation("latex") == (
        r"By the chain rule, writing $\delta^{2}$ for $\frac{\partial C}{\partial z^{2}}$"
    )


def test_a_derivation_names_the_quantities_that_it_introduces() -> None:
    steps = bp.derive(bp.mlp(4, 2, loss="softmax_cross_entropy", penalty=bp.L2(0.1))).steps()
    texts = [step.text("index") for step in steps]
    assert "δ²ⱼ = (∂C/∂z²ⱼ)_direct + ∂C/∂ξ · ∂ξ/∂z²ⱼ" in texts
    assert any(text.endswith("ξ = ln Σⱼ exp(z²ⱼ)") for text in texts)
    assert "∂C/∂ξ = Σⱼ yⱼ" in texts
    (definition,) = [step for step in steps if step.kind == "definition"]
    assert (definition.remark, definition.text("index")) == ("Write", "ξ = ln Σⱼ exp(z²ⱼ)")
    (result,) = [step for step in steps if step.text("index") == "δ²ⱼ = a²ⱼ - yⱼ"]
    assert result.remark == "This is BP1, substituting ∂C/∂ξ, as y sums to one, in terms of a²"


def test_a_step_says_which_derivative_is_written_out() -> None:
    steps = bp.derive(bp.mlp(3, 2, loss="cross_entropy")).steps()
    remarks = {step.text(): step.remark for step in steps if step.kind == "result"}
    assert remarks["δ² = a² - y"] == "This is BP1, substituting ∂C/∂a², with σ′ written out"
    assert remarks["∂C/∂a² = (a² - y) ⊘ (a² ⊙ (𝟏 - a²))"] == "Hence, simplified"


def test_the_error_of_a_recurrence_keeps_its_indices_apart() -> None:
    j, k = bp.indices("j k", 3)
    t = bp.Index("t", 4, sequential=True)
    U, V = bp.parameter("U", j, k), bp.parameter("V", t, j)
    h, C = bp.tensor("h", t, j), bp.tensor("C")
    before = bp.where(t > 0, bp.Sum(U[j, k] * h[t - 1, k], k), 0)
    program = bp.Program(
        [bp.Equation(h[t, j], before + V[t, j]), bp.Equation(C, bp.Sum(h[3, j] ** 2, j) / 2)],
        cost=C,
    )
    texts = [step.text("index") for step in assert_steps_hold(program)]
    # Uₖⱼ, not Uₖₖ: the k of h[t - 1, k] is summed over here.
    assert "∂C/∂hₜⱼ = [t = 4] h_{4,j} + Σₖ ∂C/∂h_{t+1,k} · Uₖⱼ" in texts


def test_a_shared_parameter_collects_from_each_of_its_uses() -> None:
    j, k = bp.indices("j k", 2)
    W, x = bp.parameter("W", j, k), bp.input("x", k)
    h, z, C = bp.tensor("h", j), bp.tensor("z", j), bp.tensor("C")
    program = bp.Program(
        [
            bp.Equation(h[j], bp.tanh(bp.Sum(W[j, k] * x[k], k))),
            bp.Equation(z[j], bp.Sum(W[j, k] * h[k], k)),
            bp.Equation(C, bp.Sum(z[j] ** 2, j) / 2),
        ],
        cost=C,
    )
    (chain,) = [s for s in assert_steps_hold(program)
                if s.kind == "chain rule" and s.heading() == "∂C/∂W"]  # fmt: skip
    assert chain.text() == "∂C/∂Wⱼₖ = ∂C/∂zⱼ · ∂zⱼ/∂Wⱼₖ + ∂C/∂hⱼ · ∂hⱼ/∂Wⱼₖ"
