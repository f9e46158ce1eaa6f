"""likeness: adjoints that come about alike, such as those of the gates of a cell.

One is derived; of the others the results are said, likewise.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from symbp.derivations.equations import DerivedEquation
from symbp.derivations.step import Step
from symbp.notation.tensor import Tensor

__all__ = ["add_likewise", "likeness"]

# A tensor in an expression: its name stands before its subscripts.
_NAMED = re.compile(r"\w+(?=\[)")


def likeness(adjoint: Tensor, own: Sequence[Step]) -> tuple[object, ...] | None:
    """Return what adjoints of one layer have in common that come about alike, gate by gate.

    That is the chain rule, whatever the tensors in it are called. None where there is more to say.
    """
    source = adjoint.adjoint_of
    rules = [step for step in own if step.kind == "chain rule"]
    if source is None or not source.rank or len(rules) != 1:
        return None
    if any(step.kind == "definition" for step in own):
        return None
    (rule,) = (f for f in rules[0].formulas if isinstance(f, DerivedEquation))
    numbers: dict[str, str] = {}
    parts = [str(part) for e in rule.equations for part in (e.lhs, e.body)]
    called = [
        _NAMED.sub(lambda name: numbers.setdefault(name[0], f"T{len(numbers)}"), part)
        for part in parts
    ]
    return source.label, source.role, source.adjoint_symbol is None, *called


def add_likewise(result: list[Step], last: Step) -> None:
    """Append the result of an adjoint that comes about as one before; those in a row are one."""
    if result and result[-1].kind == "likewise":
        before = result.pop()
        formulas, others = (*before.formulas, *last.formulas), (*before.others, last.about)
        result.append(replace(before, formulas=formulas, others=others))
    else:
        result.append(Step("likewise", last.about, last.formulas, last.cost))
