"""States: what a program keeps from one training step to the next, and the next value of each.

A state is a tensor that is given, like a parameter, and that each step replaces by another
tensor of the program, its next value. It is a constant of the step: no gradient flows through it
into the steps before.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.numpy_operands import plain_number, short
from symbp.notation.tensor import Element, Initial, Tensor

__all__ = ["check_states", "checked_updates", "next_value", "state"]

Pairs = tuple[tuple[Tensor, Tensor], ...]


def state(
    name: str,
    *indices: Index,
    initial: float = 0.0,
    symbol: str | None = None,
    label: int | str | None = None,
) -> Tensor:
    """Declare a state: what is kept from one training step to the next.

    Parameters
    ----------
    name : str
        The name: a Python identifier, unique in a program.
    *indices : Index
        Give the shape; sizes that are known only at run time are none.
    initial : float, default 0.0
        What each element is before the first step.
    symbol : str, optional
        How it prints (LaTeX), when that is not its name.
    label : int or str, optional
        The layer it belongs to, printed as a superscript.

    Returns
    -------
    Tensor
        Its next value is told to the program, ``bp.Program(…, updates={m: m_next})``, or declared
        with :func:`next_value`.

    Raises
    ------
    NotationError
        The initial value is no finite number.

    Examples
    --------
    >>> import symbp as bp
    >>> n = bp.Index("n", "N")
    >>> x, m, w = bp.input("x", n), bp.state("m"), bp.parameter("w")
    >>> m_next, C = bp.tensor("m_next"), bp.tensor("C")
    >>> program = bp.Program(
    ...     [
    ...         bp.Equation(m_next, 0.9 * m + 0.1 * bp.Mean(x[n], n)),
    ...         bp.Equation(C, bp.Mean((w * (x[n] - m)) ** 2, n)),
    ...     ],
    ...     cost=C,
    ...     updates={m: m_next},
    ... )
    >>> trainer = bp.compile(program, bp.SGD(0.1)).fit([1.0, 3.0], epochs=2, batch_size=2)
    >>> float(trainer.state.m.round(3))
    0.38
    """
    number = plain_number(initial)
    value = initial if number is None else number
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
        raise NotationError(f"state {name}: initial {short(repr(initial))}, expected a number")
    if name.startswith("_"):
        # It becomes a field of the generated module's State.
        raise NotationError(f"state {name}: expected a name that starts with a letter")
    law: Initial = ("constant", float(value))
    return Tensor(name, indices, "state", symbol=symbol, label=label, initial=law)


def next_value(of: Tensor) -> Tensor:
    """Declare the next value of a state, a tensor of its shape that an equation defines.

    A program with that equation needs no ``updates=`` for it, so that a layer, which is a list of
    equations, may have a state.

    Parameters
    ----------
    of : Tensor
        The state.

    Raises
    ------
    NotationError
        It is no state.

    Examples
    --------
    >>> import symbp as bp
    >>> m = bp.state("m")
    >>> print(bp.Equation(bp.next_value(m), m + 1))
    m_next = m + 1
    """
    if not isinstance(of, Tensor) or of.role != "state":
        raise NotationError(
            f"next_value: expected a state, declared with bp.state, got {short(of)}"
        )
    symbol = None if of.symbol is None else f"{of.symbol}'"
    return Tensor(f"{of.name}_next", of.indices, symbol=symbol, label=of.label, next_of=of)


def checked_updates(updates: Any, defined: Iterable[Tensor] = ()) -> Pairs:
    """Return what a user gives as ``updates=`` in pairs of a state and its next value.

    Parameters
    ----------
    updates : mapping or sequence of pairs
        As given.
    defined : iterable of Tensor
        What equations define: some may be declared as the next value of a state.
    """
    if isinstance(updates, Mapping):
        given: Iterable[Any] = updates.items()
    elif isinstance(updates, (tuple, list)):
        given = updates
    else:
        raise NotationError(
            f"updates: expected a dict of each state and its next value, such as {{m: m_next}}, "
            f"got {short(repr(updates))}"
        )
    pairs: list[tuple[Tensor, Tensor]] = []
    for pair in given:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise NotationError(
                f"updates: expected pairs of a state and its next value, got {short(repr(pair))}"
            )
        old, new = (_whole(part) for part in pair)
        if not isinstance(old, Tensor):
            raise NotationError(f"updates: {short(old)} is no state; declare one with bp.state")
        if old.role != "state":
            why = "an optimizer updates it" if old.role == "parameter" else "declare it by bp.state"
            raise NotationError(
                f"updates: {old.name} is of role {old.role}, and only a state has a next value; "
                f"{why}"
            )
        if not isinstance(new, Tensor):
            raise NotationError(
                f"updates: the next value of {old.name} is {short(new)}; expected a tensor that "
                f"an equation defines, such as {old.name}_next"
            )
        pairs.append((old, new))
    declared = [(tensor.next_of, tensor) for tensor in defined if tensor.next_of is not None]
    return tuple(dict.fromkeys([*pairs, *declared]) if declared else pairs)


def _whole(value: Any) -> Any:
    """Return the tensor of an element at its own indices; anything else as it is."""
    if isinstance(value, Element) and value.args == value.tensor.indices:
        return value.tensor
    return value


def check_states(read: Collection[Tensor], defined: Collection[Tensor], updates: Pairs) -> None:
    """Refuse a state without a next value, or with one that cannot take its place.

    Parameters
    ----------
    read : collection of Tensor
        The states that equations read.
    defined : collection of Tensor
        What equations define.
    updates : pairs of Tensor
        Each state and its next value.
    """
    nexts: dict[Tensor, Tensor] = {}
    taken: dict[Tensor, Tensor] = {}
    for old, new in updates:
        if old in nexts:
            raise NotationError(
                f"state {old.name} has two next values, {nexts[old].name} and {new.name}"
            )
        if old not in read:
            raise NotationError(
                f"state {old.name} is unused: no equation reads it, not even that of its next "
                f"value {new.name}"
            )
        if new not in defined:
            raise NotationError(
                f"state {old.name}: its next value {new.name} is not defined by an equation"
            )
        if new.shape != old.shape:
            raise NotationError(
                f"state {old.name} has shape {old.shape}, its next value {new.name} has {new.shape}"
            )
        if new in taken:
            raise NotationError(
                f"{new.name} is the next value of two states, {taken[new].name} and {old.name}"
            )
        nexts[old], taken[new] = new, old
    for tensor in read:
        if tensor not in nexts:
            raise NotationError(
                f"state {tensor.name} has no next value: pass updates={{{tensor.name}: …}} to "
                f"bp.Program, or declare what never changes with bp.constant"
            )
