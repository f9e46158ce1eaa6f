"""distinct: no two tensors of a program print alike.

``x1`` and ``x_1`` are two names and one symbol; so are ``x`` and ``x_``, ``beta`` and ``β``. Of
those that would print alike, in LaTeX or in text, one keeps the symbol and the others print as
their names.
"""

from symbp.derivations.latex import Latex
from symbp.derivations.markup import GREEK, Markup
from symbp.derivations.style import Style
from symbp.derivations.text import Text
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["alike", "with_distinct_symbols"]

_MARKUPS: tuple[Markup, ...] = (Latex(), Text())


def with_distinct_symbols(program: Program) -> tuple[Program, tuple[str, ...]]:
    """Return the program with a symbol of its own for each tensor, and what was changed, in words.

    Parameters
    ----------
    program : Program
        As its author wrote it.

    Returns
    -------
    program : Program
        The same object if no two tensors print alike.
    notes : tuple of str
        For each tensor that got another symbol, a line for the reader.

    Examples
    --------
    >>> import symbp as bp
    >>> a, b, C = bp.parameter("x1"), bp.parameter("x_1"), bp.tensor("C")
    >>> program = bp.Program([bp.Equation(C, a * b)], cost=C)
    >>> with_distinct_symbols(program)[1]
    ('x_1 prints as its name, as x1 has the symbol',)
    """
    taken: dict[tuple[int, str], Tensor] = {}
    mapping: dict[Tensor, Tensor] = {}
    notes = []
    # Who has a name that is a symbol keeps it: x before x_, x1 before x_1, β before beta.
    for tensor in sorted(program.tensors, key=lambda t: ("_" in t.name, t.name in GREEK)):
        if tensor.partial_of is not None or tensor.component_of is not None:
            continue  # its symbol is made of those of others
        keys = _keys(tensor)
        earlier = next((taken[key] for key in keys if key in taken), None)
        if earlier is not None:
            mapping[tensor] = renamed = _named(tensor)
            keys = _keys(renamed)
            notes.append(f"{tensor.name} prints as its name, as {earlier.name} has the symbol")
        taken.update(dict.fromkeys(keys, tensor))
    if not mapping:
        return program, ()
    return _replaced(program, mapping), tuple(notes)


def alike(program: Program, style: Style) -> bool:
    """Return whether two tensors of a program print alike in a style."""
    markups = (Latex(style), Text(style))
    taken: set[tuple[int, str]] = set()
    for tensor in program.tensors:
        if tensor.partial_of is not None or tensor.component_of is not None:
            continue
        keys = _keys(tensor, markups)
        if not taken.isdisjoint(keys):
            return True
        taken.update(keys)
    return False


def _keys(tensor: Tensor, markups: tuple[Markup, ...] = _MARKUPS) -> list[tuple[int, str]]:
    """Return what a tensor prints as in each language, apart from its indices."""
    found = []
    for number, style in enumerate(markups):
        base, digits = style.tensor_name(tensor)
        found.append((number, style.scripted(base, digits, style.label(tensor))))
    return found


def _named(tensor: Tensor) -> Tensor:
    word = Latex().word(tensor.name)
    made = Tensor(
        tensor.name, tensor.indices, tensor.role, symbol=word, initial=tensor.initial,
        value=tensor.value, kind=tensor.kind, law=tensor.law, trainable=tensor.trainable,
        next_of=tensor.next_of,
    )  # fmt: skip
    made.serial = tensor.serial  # terms stay in the order in which they were written
    return made


def _replaced(program: Program, mapping: dict[Tensor, Tensor]) -> Program:
    def of(tensor: Tensor | None) -> Tensor | None:
        return tensor if tensor is None else mapping.get(tensor, tensor)

    return program.replace(
        equations=tuple(equation.with_tensors(mapping) for equation in program.equations),
        cost=of(program.cost),
        output=of(program.output),
        held=tuple(mapping.get(tensor, tensor) for tensor in program.held),
        updates=tuple(
            (mapping.get(old, old), mapping.get(new, new)) for old, new in program.updates
        ),
    )
