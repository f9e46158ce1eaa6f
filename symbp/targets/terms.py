"""terms: what every target asks of an expression that it writes.

Which terms of a sum are subtracted, which comparisons are of whole numbers, and where a text needs
brackets: none of it depends on the language.
"""

from typing import Any, TypeAlias

import sympy

from symbp.notation.tensor import Element

__all__ = ["Text", "at_least", "is_whole", "sign_of"]

#: An expression's text, and how tightly its outermost operation binds.
Text: TypeAlias = tuple[str, int]


def at_least(level: int, text: Text) -> str:
    """Return a text that binds at least so tightly, in brackets if it does not by itself."""
    return text[0] if text[1] >= level else f"({text[0]})"


def sign_of(term: Any) -> tuple[bool, Any]:
    """Return whether a term is subtracted, and what is then left of it."""
    if term.is_Number and term < 0:
        return True, -term
    if isinstance(term, sympy.Mul) and term.args[0].is_Number and term.args[0] < 0:
        return True, -term
    return False, term


def is_whole(relation: Any) -> bool:
    """Whether both sides are whole numbers, so that they are compared exactly."""
    plain = relation.replace(sympy.floor, lambda _: sympy.S.One)
    return (
        all(element.tensor.kind == "integer" for element in relation.atoms(Element))
        and all(value.is_Integer for value in plain.atoms(sympy.Number))
        and not plain.has(sympy.Pow)
        and not any(
            isinstance(part, sympy.Function) and not isinstance(part, sympy.Mod | sympy.ceiling)
            for part in sympy.preorder_traversal(plain)
        )
    )
