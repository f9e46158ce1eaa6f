"""put_in: derivatives that stand in one other derivative only, and shorten it, are put into it.

The adjoint of an activation goes into the δ that reads it, that of a statistic into the adjoint of
what it is a statistic of, and any that cancels there: with ``∂C/∂p = -y/p`` the derivative through
a softmax is ``p - y``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sympy.core.expr import Expr

from symbp.derivations.equations import DerivedEquation
from symbp.derivations.patterns import freshened, weight
from symbp.derivations.statements import is_named
from symbp.notation.tensor import Element, Tensor

__all__ = ["put_in_readers"]

# A formula of more parts than these is not made longer.
_LONGEST = 60

Simplify = Callable[[DerivedEquation], DerivedEquation]


def put_in_readers(lines: Sequence[DerivedEquation], simplify: Simplify) -> list[DerivedEquation]:
    """Return lines without those that are put into the one other line that reads them.

    Parameters
    ----------
    lines : sequence of DerivedEquation
        One for each adjoint, in the order of the sweep.
    simplify : callable
        Maps a line to the form with least to read.
    """
    readers: dict[Tensor, dict[int, list[Element]]] = {}
    for position, line in enumerate(map(simplify, lines)):
        for equation in line.equations:
            for element in equation.body.atoms(Element):
                readers.setdefault(element.tensor, {}).setdefault(position, []).append(element)
    result = list(lines)
    kept: list[DerivedEquation] = []
    for position, line in enumerate(lines):
        line = result[position]
        reading = readers.get(line.tensor, {})
        reader = next(iter(reading), position)
        if len(reading) == 1 and reader > position and _can_be_put_in(line):
            into = result[reader]
            changed = _put_in(into, line)
            activation = is_named(into.tensor) and _is_once(reading[reader])
            if activation or _is_better(line, into, changed, simplify):
                result[reader] = changed
                continue
        kept.append(line)
    return kept


def _can_be_put_in(line: DerivedEquation) -> bool:
    source = line.tensor.adjoint_of
    return (
        source is not None
        and source.role == "intermediate"
        and not is_named(line.tensor)
        and len(line.equations) == 1
        and not line.equations[0].is_scatter
    )


def _is_once(elements: Sequence[Element]) -> bool:
    return len(elements) == 1 and elements[0].is_plain


def _is_better(
    line: DerivedEquation, into: DerivedEquation, changed: DerivedEquation, simplify: Simplify
) -> bool:
    """Whether what is put in cancels, or is the derivative by a statistic of what reads it."""
    size, alone, whole = (_weight(simplify(each)) for each in (line, into, changed))
    if whole <= alone:
        return True
    statistic = line.tensor.rank < into.tensor.rank
    return statistic and whole <= min(alone + size, _LONGEST)


def _weight(line: DerivedEquation) -> int:
    return sum(weight(equation.body) for equation in line.equations)


def _put_in(line: DerivedEquation, value: DerivedEquation) -> DerivedEquation:
    lhs, body = value.equations[0].lhs, value.equations[0].body
    equations = []
    for equation in line.equations:
        mapping: dict[Expr, Expr] = {}
        for element in equation.body.atoms(Element):
            if element.tensor is value.tensor:
                names = dict(zip(lhs.args, element.args, strict=True))
                mapping[element] = freshened(body).xreplace(names)
        equations.append(equation.replace(body=equation.body.xreplace(mapping)))
    return replace(line, equations=tuple(equations), sources=(*value.sources, *line.sources))
