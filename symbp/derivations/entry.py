"""entry: one entry of a gradient, written out.

It stops at the δ that it reads, or is expanded until only the symbols of the forward pass are left.
"""

from dataclasses import replace
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.unroll import Components
from symbp.derivations.components import components_of
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import NotationError, SymbpError, suggest
from symbp.notation.tensor import Element, Tensor

__all__ = ["MOST_SYMBOLS", "adjoint_and_place", "entry"]

# Beyond, nobody reads a formula.
MOST_SYMBOLS = 2000


def adjoint_and_place(
    derivation: GradientEquations, tensor: Any, place: tuple[Any, ...]
) -> tuple[DerivedEquation, tuple[int, ...]]:
    """Return the line of ∂C/∂tensor and a checked place in it, counted from 0.

    Parameters
    ----------
    derivation : GradientEquations
        The line is one of its `links`: each adjoint by itself, nothing put in for ∂C/∂a.
    tensor : Tensor or str or Element
        A tensor that the cost depends on, its name, or an element such as ``W[0, 1]``.
    place : tuple of int
        The place, when that is not said by an element.
    """
    if isinstance(tensor, Element):
        tensor, place = tensor.tensor, (*tensor.args, *place)
    name = tensor if isinstance(tensor, str) else getattr(tensor, "name", repr(tensor))
    lines = {line.tensor.adjoint_of: line for line in derivation.links}
    known = {source.name: line for source, line in lines.items() if source is not None}
    if name not in known:
        printed = {f"{t.symbol}{t.label}": t.name for t in lines if t is not None and t.symbol}
        hint = f"it is called {printed[name]!r}" if name in printed else suggest(name, known)
        raise NotationError(f"the cost has no derivative by {name!r}: {hint}")
    line = known[name]
    shape = line.tensor.shape
    if len(place) != len(shape):
        raise NotationError(
            f"{name} has {len(shape)} indices, got {len(place)}: "
            f"{name}[{', '.join(map(str, place))}]"
        )
    checked = []
    for axis, (value, extent) in enumerate(zip(place, shape, strict=True)):
        if isinstance(value, bool) or not isinstance(value, (int, sympy.Integer)):
            raise NotationError(f"{name}: index {value!r} of axis {axis}: expected an int")
        if value < 0 or (isinstance(extent, int) and value >= extent):
            last = extent - 1
            raise NotationError(
                f"{name}: index {value} of axis {axis}: expected 0 to {last} (places are counted "
                f"from 0, as in Python, and printed from 1)"
            )
        checked.append(int(value))
    return line, tuple(checked)


def entry(
    derivation: GradientEquations, tensor: Any, place: tuple[Any, ...], expanded: bool = False
) -> DerivedEquation:
    """Return the formula of one entry of a gradient; see :meth:`Derivation.entry`."""
    line, checked = adjoint_and_place(derivation, tensor, place)
    printed = {shown.tensor: shown for shown in derivation.backward}
    known = [
        *derivation.backward,
        *(link for link in derivation.links if link.tensor not in printed),
    ]
    elements = components_of(known)
    equation = elements.equation(line.tensor, checked)
    if expanded:
        equation = _expanded(equation, elements)
    return replace(printed.get(line.tensor, line), equations=(equation,))


def _expanded(equation: Equation, elements: Components) -> Equation:
    """Return the equation with the formula of every adjoint put in."""
    sizes: dict[Tensor, int] = {}
    bodies: dict[Tensor, Expr] = {}

    def adjoints(body: Expr) -> list[Element]:
        found = [e for e in body.atoms(Element) if e.tensor.adjoint_of is not None]
        return sorted(found, key=lambda e: e.serial)

    def body_of(tensor: Tensor) -> Expr:
        whole, place = tensor.component_of or (tensor, ())
        return elements.equation(whole, place).body

    # Each adjoint after those that it needs; a stack, since networks are deeper than Python's.
    stack = [equation.tensor]
    while stack:
        tensor = stack[-1]
        body = equation.body if tensor is equation.tensor else body_of(tensor)
        needed = adjoints(body)
        waiting = [e.tensor for e in needed if e.tensor not in bodies]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        sizes[tensor] = len(body.atoms(Element)) + sum(sizes[e.tensor] for e in needed)
        if sizes[tensor] > MOST_SYMBOLS:
            raise SymbpError(
                f"the expanded formula would hold more than {MOST_SYMBOLS:,} symbols: stop at δ "
                f"(expanded=False), or ask for the paths"
            )
        bodies[tensor] = body.xreplace({e: bodies[e.tensor] for e in needed})
    return equation.replace(body=bodies[equation.tensor], origin=Origin("expanded", equation))
