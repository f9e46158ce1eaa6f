"""labels: an equation as a one-line comment, in the identifiers of the code below it."""

import functools
from collections.abc import Callable
from typing import Any

import sympy

from symbp.notation.arithmetic import Plus
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["label"]

_WIDTH = 96


def label(equation: Equation, name_of: Callable[[Tensor], str]) -> str:
    """Return an equation as text, for a comment; long ones are cut.

    Parameters
    ----------
    equation : Equation
        As it reached the loops.
    name_of : callable
        Returns the generator's own name of a tensor, so that nothing that a user wrote can end
        the comment.
    """
    tensors = dict.fromkeys(element.tensor for element in (*equation.reads(), equation.lhs))
    return _label(equation, tuple((tensor, name_of(tensor)) for tensor in tensors))


# The functions of a module have many equations in common.
@functools.lru_cache(maxsize=4096)
def _label(equation: Equation, named: tuple[tuple[Tensor, str], ...]) -> str:
    name_of = dict(named).__getitem__
    indices: dict[Index, str] = {}

    def index_name(index: Index) -> str:
        if index not in indices:
            stem = "".join(c for c in index.name if c.isascii() and c.isalnum()) or "i"
            name, count = stem, 1
            while name in indices.values():
                count += 1
                name = f"{stem}{count}"
            indices[index] = name
        return indices[index]

    for index in equation.domain:
        index_name(index)  # named in this order, left-hand side first
    bound = " ".join(index_name(index) for index in equation.reduce)
    body = _text(equation.body, name_of, index_name)
    sign = "+=" if equation.accumulate else "="
    reduced = f"{equation.operation}_{{{bound}}} " if bound else ""
    text = f"{_text(equation.lhs, name_of, index_name)} {sign} {reduced}{body}"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _text(node: Any, name_of: Callable[[Tensor], str], index_name: Callable[[Index], str]) -> str:
    if isinstance(node, sympy.Add) and len(node.args) > _WIDTH:
        node = Plus(*node.args[:_WIDTH])  # the rest is beyond the width
    mapping = {}
    for element in node.atoms(Element):
        subscripts = ", ".join(
            index_name(s) if isinstance(s, Index) else _text(s, name_of, index_name)
            for s in element.args
        )
        name = name_of(element.tensor)
        mapping[element] = sympy.Symbol(f"{name}[{subscripts}]" if subscripts else name)
    mapping.update({i: sympy.Symbol(index_name(i)) for i in node.atoms(Index)})
    return str(node.xreplace(mapping))
