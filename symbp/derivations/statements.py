"""BP1–BP4: found in the derived equations by their structure, and stated for every layer.

A tensor with an ``adjoint_symbol`` is a pre-activation; its adjoint is the δ of its layer. The δ
that needs no other is the output's (BP1), the others are BP2. A parameter that stands alone in
the equation of a pre-activation has the gradient BP3, one in a product BP4. An equation is made
general by counting labels from its own layer: 2 becomes ``l``, 3 becomes ``l+1``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.derivations.equations import DerivedEquation, Statement
from symbp.derivations.printing import equation_sides, style_of
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import function
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element, Tensor

__all__ = ["is_named", "statements"]

# Stands for the activation of layer l where layers have different ones; it is only printed.
_any_activation = function("σ", lambda x: x, latex=r"\sigma_{l}")


def is_named(tensor: Tensor) -> bool:
    """Whether a tensor is an adjoint with a symbol of its own."""
    return tensor.adjoint_of is not None and tensor.adjoint_of.adjoint_symbol is not None


def statements(
    forward: Sequence[Equation],
    backward: Sequence[DerivedEquation],
    chains: Sequence[DerivedEquation],
) -> dict[str, Statement]:
    """Return BP1–BP4.

    Parameters
    ----------
    forward : sequence of Equation
        The program's equations.
    backward : sequence of DerivedEquation
        In the order of the sweep.
    chains : sequence of DerivedEquation
        The adjoints as the chain rule gives them, before anything is put in for ∂C/∂a.

    Raises
    ------
    SymbpError
        No tensor of the program has an ``adjoint_symbol``.
    """
    named = [line for line in backward if is_named(line.tensor)]
    if not named:
        raise SymbpError(
            "BP1–BP4 speak of pre-activations, and no tensor of this program has an "
            "adjoint_symbol such as r'\\delta'; its derivation is in .backward and .gradient(W)"
        )
    needing = _need_named(backward)
    outputs = [line for line in named if line.tensor not in needing]
    hidden = [line for line in named if line.tensor in needing]
    alone, multiplied = _layers_of_parameters(forward)
    first = [_general([_as_chain(line, chains)], "L") for line in outputs]
    return {
        "BP1": Statement("BP1", first[0] if len(first) == 1 else None, tuple(outputs)),
        "BP2": Statement("BP2", _general(hidden, "l"), tuple(hidden)),
        "BP3": _of_parameters("BP3", backward, alone),
        "BP4": _of_parameters("BP4", backward, multiplied),
    }


def _need_named(backward: Iterable[DerivedEquation]) -> set[Tensor]:
    """Return the adjoints that need another one with a symbol, be it through some without."""
    reads = {
        line.tensor: {
            element.tensor
            for equation in line.equations
            for element in equation.body.atoms(Element)
            if element.tensor is not line.tensor
        }
        for line in backward
    }
    needing: set[Tensor] = set()
    changed = True
    while changed:  # a recurrence has no order in which one sweep would do
        found = {t for t, read in reads.items() if read & needing or any(map(is_named, read))}
        changed = found != needing
        needing = found
    return needing


def _layers_of_parameters(
    forward: Sequence[Equation],
) -> tuple[dict[Tensor, Tensor], dict[Tensor, Tensor]]:
    """Return the pre-activation that each parameter makes, alone in a term or in a product."""
    alone: dict[Tensor, Tensor] = {}
    multiplied: dict[Tensor, Tensor] = {}
    for equation in forward:
        if equation.tensor.adjoint_symbol is None:
            continue
        for term in sympy.Add.make_args(whole_body(equation)):
            for element in term.atoms(Element):
                if element.tensor.role == "parameter":
                    found = alone if term == element else multiplied
                    found.setdefault(element.tensor, equation.tensor)
    return alone, multiplied


def _of_parameters(
    name: str, backward: Sequence[DerivedEquation], layers: dict[Tensor, Tensor]
) -> Statement:
    lines = [line for line in backward if line.tensor.adjoint_of in layers]
    labels = [layers[line.tensor.adjoint_of].label for line in lines if line.tensor.adjoint_of]
    return Statement(name, _general(lines, "l", labels), tuple(lines))


def _as_chain(line: DerivedEquation, chains: Sequence[DerivedEquation]) -> DerivedEquation:
    """Return BP1 with ∇C left as it is; where the cost is one of δ's own tensor, its value."""
    chain = next(c for c in chains if c.tensor is line.tensor)
    elements = {e for equation in chain.equations for e in equation.body.atoms(Element)}
    # What the chain rule has for ∂C/∂a says nothing of a cost whose value cancels with it.
    cancels = not any(equation.body.has(Prime) for equation in chain.equations)
    return line if cancels or all(e.tensor.adjoint_of is None for e in elements) else chain


def _general(
    lines: Sequence[DerivedEquation], letter: str, labels: Iterable[object] = ()
) -> DerivedEquation | None:
    """Return what all lines say when labels count from their own layer, or None."""
    own = list(labels) or [_label_of(line) for line in lines]
    if not lines or not all(isinstance(label, int) for label in own):
        return None
    if any(_is_particular(line) for line in lines):
        return None
    relabelled = [
        _relabelled(line, int(str(label)), letter) for line, label in zip(lines, own, strict=True)
    ]
    for lines in (relabelled, [_with_any_activation(line) for line in relabelled]):
        for renamed in (False, True):
            forms = [replace(line, renamed=renamed) for line in lines]
            if len({equation_sides(line, "index", style_of("latex")) for line in forms}) == 1:
                return forms[0]
    return None


def _is_particular(line: DerivedEquation) -> bool:
    """Whether a line speaks of a quantity of one layer that has no label to be counted from."""
    elements = {element for equation in line.equations for element in equation.body.atoms(Element)}
    sources = {element.tensor.adjoint_of or element.tensor for element in elements}
    return any(
        tensor.label is None and tensor.role in ("intermediate", "parameter") for tensor in sources
    )


def _with_any_activation(line: DerivedEquation) -> DerivedEquation:
    """Return the line with σ_l for the function that each layer has of its own."""

    def generic(body: Expr) -> Expr:
        primes = {p: Prime(_any_activation(p.application.args[0])) for p in body.atoms(Prime)}
        return body.xreplace(primes)

    equations = tuple(e.replace(body=generic(e.body)) for e in line.equations)
    return replace(line, equations=equations)


def _label_of(line: DerivedEquation) -> object:
    return None if line.tensor.adjoint_of is None else line.tensor.adjoint_of.label


def _relabelled(line: DerivedEquation, own: int, letter: str) -> DerivedEquation:
    copies: dict[Tensor, Tensor] = {}

    def copy(tensor: Tensor) -> Tensor:
        if tensor in copies:
            return copies[tensor]
        if tensor.adjoint_of is not None:
            new = tensor.like(tensor.name, adjoint_of=copy(tensor.adjoint_of))
        elif isinstance(tensor.label, int):
            offset = tensor.label - own
            label = letter + (f"{offset:+d}" if offset else "")
            new = Tensor(
                tensor.name, tensor.indices, tensor.role, symbol=tensor.symbol, label=label,
                kind=tensor.kind, adjoint_symbol=tensor.adjoint_symbol,
            )  # fmt: skip
        else:
            return tensor
        copies[tensor] = new
        return new

    def relabel(equation: Equation) -> Equation:
        elements = {equation.lhs, *equation.body.atoms(Element)}
        mapping = {
            e: Element(copy(e.tensor), *e.args, serial=e.serial)
            for e in sorted(elements, key=lambda e: e.serial)
        }
        return equation.rename(mapping)

    equations = tuple(relabel(equation) for equation in line.equations)
    return replace(line, equations=equations, general=True)
