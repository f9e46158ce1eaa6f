"""arrangement: the lines of a derivation in the order in which a page has them.

Under each named result its instances; before one of them what it reads and no result names, so
that nothing is used before it appears. What is left follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sympy.core.expr import Expr

from symbp.derivations.boundary import boundaries, gathered
from symbp.derivations.equations import DerivedEquation, Statement
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
from symbp.derivations.markup import Markup
from symbp.derivations.statements import is_named
from symbp.notation.equation import Equation, Origin
from symbp.notation.tensor import Element, Tensor

__all__ = ["Part", "definitions", "outside", "parts"]


@dataclass(frozen=True)
class Part:
    """Lines that stand together.

    Attributes
    ----------
    statement : Statement or None
        What they are instances of; None for what is left.
    lines : tuple of DerivedEquation
        In order; those that are no instances are read by one that follows.
    """

    statement: Statement | None
    lines: tuple[DerivedEquation, ...]


def parts(derivation: GradientEquations) -> list[Part]:
    """Return the backward lines as a page has them.

    Examples
    --------
    >>> import symbp as bp
    >>> for part in parts(bp.derive(bp.mlp(2, 3, 1))):
    ...     print(part.statement.name, *part.lines, sep="; ")
    BP1; δ³ = (a³ - y) ⊙ σ′(z³)
    BP2; δ² = ((w³)ᵀ δ³) ⊙ σ′(z²)
    BP3; ∂C/∂b³ = δ³; ∂C/∂b² = δ²
    BP4; ∂C/∂w³ = δ³ (a²)ᵀ; ∂C/∂w² = δ² (a¹)ᵀ
    """
    statements = [each for each in derivation.named_statements if each.instances]
    named = {line.tensor for statement in statements for line in statement.instances}
    unnamed = {line.tensor: line for line in derivation.backward if line.tensor not in named}
    result = []
    for statement in statements:
        lines: list[DerivedEquation] = []
        for instance in statement.instances:
            lines += _needed(instance, unnamed)
            lines.append(instance)
            for line in lines:
                unnamed.pop(line.tensor, None)
        result.append(Part(statement, tuple(lines)))
    rest = tuple(unnamed.values())
    return [*result, Part(None, rest)] if rest else result


def _needed(line: DerivedEquation, unnamed: dict[Tensor, DerivedEquation]) -> list[DerivedEquation]:
    """Return the unnamed lines that one reads, each after those that it reads itself."""
    found: dict[Tensor, None] = {}

    def visit(of: DerivedEquation) -> None:
        # What is read at the same place first; the step after it in time has its turn anyway.
        for equation in sorted(of.equations, key=lambda e: e.is_scatter):
            elements = sorted(equation.body.atoms(Element), key=lambda e: e.serial)
            for tensor in dict.fromkeys(element.tensor for element in elements):
                if tensor in unnamed and tensor not in entered:
                    entered.add(tensor)
                    visit(unnamed[tensor])
                    found[tensor] = None

    entered: set[Tensor] = set()
    visit(line)
    return [unnamed[tensor] for tensor in found]


def outside(
    lines: Sequence[DerivedEquation], style: Markup, *, adjoints: bool
) -> tuple[str, str] | None:
    """Return what formulas read before the first place or after the last, as ``h₀ⱼ = c₀ⱼ = 0``.

    Parameters
    ----------
    lines : sequence of DerivedEquation
        The formulas.
    style : Markup
        The language.
    adjoints : bool
        Whether of adjoints, or of what is computed forward.

    Returns
    -------
    (str, str) or None
        The two sides; None where nothing is read there.
    """
    bodies: list[Expr] = []
    for line in lines:
        for equation in line.equations:
            gather = gathered(line.lhs, _apart(equation)) if equation.is_scatter else None
            bodies.append(equation.body if gather is None else gather)
    found = boundaries(bodies)
    shown = []
    for boundary in sorted(found, key=lambda each: each.tensor.serial):
        tensor = boundary.tensor
        if (tensor.adjoint_of is not None) is not adjoints:
            continue
        places = list((tensor.adjoint_of or tensor).indices)
        element = tensor[(*places[: boundary.axis], boundary.place, *places[boundary.axis + 1 :])]
        shown.append(IndexForm(style, lines[0].cost).equality(element, element)[0])
    if not shown:
        return None
    return shown[0], " = ".join([*dict.fromkeys(shown[1:]), "0"])


def _apart(equation: Equation) -> Equation:
    return equation.rename({index: index.fresh() for index in equation.domain})


def definitions(derivation: GradientEquations) -> list[DerivedEquation]:
    """Return what each symbol of an adjoint stands for, ``δˡ = ∂C/∂zˡ``, once for all layers.

    Nothing where the book writes derivatives, and has no symbols for them.
    """
    if not derivation.style.delta:
        return []
    found: dict[tuple[object, ...], DerivedEquation] = {}
    named = [line for line in derivation.backward if is_named(line.tensor)]
    # The one with the fewest indices stands for all layers.
    forward = named[::-1]
    for line in sorted(forward, key=lambda line: line.tensor.rank):
        source = line.tensor.adjoint_of
        assert source is not None, "a named adjoint is the adjoint of a tensor"
        layered = isinstance(source.label, int)
        key = (source.symbol, source.adjoint_symbol) if layered else (source,)
        if key in found:
            continue
        label = "l" if layered else source.label
        plain = Tensor(source.name, source.indices, symbol=source.symbol, label=label)
        given = Tensor(
            source.name, source.indices, symbol=source.symbol, label=label,
            adjoint_symbol=source.adjoint_symbol,
        )  # fmt: skip
        delta = given.like(f"{source.name}_delta", adjoint_of=given)
        partial = plain.like(f"{source.name}_partial", adjoint_of=plain)
        places = line.lhs.args
        equation = Equation(delta[places], partial[places], origin=Origin("definition"))
        found[key] = DerivedEquation((equation,), line.cost, style=derivation.style)
    return list(found.values())
