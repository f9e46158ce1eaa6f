"""symbols: the table of what a program's symbols are called in Python, and their shapes."""

import re
from collections.abc import Iterable, Sequence

from symbp.derivations.index_form import IndexForm
from symbp.derivations.markup import Markup
from symbp.derivations.report.blocks import Table
from symbp.notation.program import Program
from symbp.notation.tensor import Role, Tensor

__all__ = ["LONGEST_TABLE", "symbols_of"]

#: From more rows than these on, one row stands for tensors that differ in their numbers only.
LONGEST_TABLE = 24
_ROLES: tuple[Role, ...] = (
    "input", "target", "parameter", "constant", "state", "noise", "intermediate",
)  # fmt: skip
_NUMBERED = re.compile(r"(.*?)(\d+)")


def symbols_of(program: Program, printer: IndexForm) -> Table:
    """Return the table of a program's tensors.

    Parameters
    ----------
    program : Program
        As the user wrote it.
    printer : IndexForm
        Prints a tensor as the report does.
    """
    style = printer.style
    words = style.words
    groups: list[list[Tensor]] = [[tensor] for role in _ROLES for tensor in program.with_role(role)]
    if len(groups) > LONGEST_TABLE:
        groups = list(_families(tensor for (tensor,) in groups))
    rows = []
    for group in groups:
        first = group[0]
        shape = " \\times ".join(_extent(extent, style) for extent in first.shape)
        computed = "cost" if first is program.cost else "computed"
        role = computed if first.role == "intermediate" else first.role
        symbols = [f"${printer.tensor(tensor)}$" for tensor in group]
        names = [f"`{tensor.name}`" for tensor in group]
        rows.append(
            (_listed(symbols), _listed(names), words.say(f"role.{role}"), f"${shape or 1}$")
        )
    columns = ("symbol", "python", "role", "shape")
    return Table(tuple(words.say(f"symbols.{column}") for column in columns), tuple(rows))


def _families(tensors: Iterable[Tensor]) -> list[list[Tensor]]:
    """Return tensors of one role and shape whose names are numbered one after the other."""
    families: list[list[Tensor]] = []
    latest: dict[object, list[Tensor]] = {}
    for tensor in tensors:
        numbered = _NUMBERED.fullmatch(tensor.name)
        key = numbered and (tensor.role, numbered[1], tensor.shape, tensor.symbol)
        family = latest.get(key) if numbered else None
        if family is None or _number(tensor) != _number(family[-1]) + 1:
            family = []
            families.append(family)
            latest[key] = family
        family.append(tensor)
    return families


def _number(tensor: Tensor) -> int:
    numbered = _NUMBERED.fullmatch(tensor.name)
    assert numbered is not None, "a family's names are numbered"
    return int(numbered[2])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]}, {names[1]}, …, {names[-1]}"


def _extent(extent: object, style: Markup) -> str:
    return str(extent) if isinstance(extent, int) else style.name(str(extent))
