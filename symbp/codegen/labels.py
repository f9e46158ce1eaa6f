"""labels: an equation as a one-line comment, in the identifiers of the code below it."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import sympy

from symbp.codegen.names import Names
from symbp.notation.arithmetic import Plus
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["label"]

_WIDTH = 96


def label(equation: Equation, names: Names) -> str:
    """Return an equation as text, for a comment; long ones are cut.

    Names are the generator's own, so nothing a user wrote can end the comment.
    """
    tensors = dict.fromkeys(element.tensor for element in (*equation.reads(), equation.lhs))
    return _label(equation, tuple((tensor, names.tensor(tensor)) for tensor in tensors))


# The kernels of a module have many equations in common.
@functools.lru_cache(maxsize=4096)
def _label(equation: Equation, named: tuple[tuple[Tensor, str], ...]) -> str:
    names = dict(named)
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
    body = _text(equation.body, names, index_name)
    sign = "+=" if equation.accumulate else "="
    word = {"sum": "sum", "max": "max", "logsumexp": "logsumexp"}[equation.operation]
    reduced = f"{word}_{{{bound}}} " if bound else ""
    text = f"{_text(equation.lhs, names, index_name)} {sign} {reduced}{body}"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _text(node: Any, names: Mapping[Tensor, str], index_name: Callable[[Index], str]) -> str:
    if isinstance(node, sympy.Add) and len(node.args) > _WIDTH:
        node = Plus(*node.args[:_WIDTH])  # the rest is beyond the width
    mapping = {}
    for element in node.atoms(Element):
        subscripts = ", ".join(
            str(s.xreplace({i: sympy.Symbol(index_name(i)) for i in s.atoms(Index)}))
            if not s.has(Element)
            else _text(s, names, index_name)
            for s in element.args
        )
        name = names[element.tensor]
        mapping[element] = sympy.Symbol(f"{name}[{subscripts}]" if subscripts else name)
    mapping.update({i: sympy.Symbol(index_name(i)) for i in node.atoms(Index)})
    return str(node.xreplace(mapping))
