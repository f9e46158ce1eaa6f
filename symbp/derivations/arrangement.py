"""arrangement: the lines of a derivation in the order in which a page has them.

Under each named result its instances; before one of them what it reads and no result names, so
that nothing is used before it appears. What is left follows.
"""

from dataclasses import dataclass

from symbp.derivations.equations import DerivedEquation, Statement
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.statements import is_named
from symbp.notation.equation import Equation, Origin
from symbp.notation.tensor import Element, Tensor

__all__ = ["Part", "definitions", "parts"]


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
            needed = _needed(instance, unnamed)
            lines += [unnamed.pop(tensor) for tensor in list(unnamed) if tensor in needed]
            lines.append(instance)
        result.append(Part(statement, tuple(lines)))
    rest = tuple(unnamed.values())
    return [*result, Part(None, rest)] if rest else result


def _needed(line: DerivedEquation, unnamed: dict[Tensor, DerivedEquation]) -> set[Tensor]:
    found: set[Tensor] = set()
    waiting = [line]
    while waiting:
        for equation in waiting.pop().equations:
            for element in equation.body.atoms(Element):
                if element.tensor in unnamed and element.tensor not in found:
                    found.add(element.tensor)
                    waiting.append(unnamed[element.tensor])
    return found


def definitions(derivation: GradientEquations) -> list[DerivedEquation]:
    """Return what each symbol of an adjoint stands for, ``δˡ = ∂C/∂zˡ``, once for all layers."""
    found: dict[tuple[object, ...], DerivedEquation] = {}
    named = [line for line in derivation.backward if is_named(line.tensor)]
    for line in reversed(named):
        source = line.tensor.adjoint_of
        assert source is not None, "a named adjoint is the adjoint of a tensor"
        layered = isinstance(source.label, int)
        key = (source.symbol, source.adjoint_symbol) if layered else (source,)
        if key in found:
            continue
        label = "l" if layered else source.label
        options = {"symbol": source.symbol, "label": label}
        given = Tensor(
            source.name, source.indices, adjoint_symbol=source.adjoint_symbol, **options
        )
        plain = Tensor(source.name, source.indices, **options)
        delta = given.like(f"{source.name}_delta", adjoint_of=given)
        partial = plain.like(f"{source.name}_partial", adjoint_of=plain)
        places = line.lhs.args
        equation = Equation(delta[places], partial[places], origin=Origin("definition"))
        found[key] = DerivedEquation((equation,), line.cost, general=False)
    return list(found.values())
