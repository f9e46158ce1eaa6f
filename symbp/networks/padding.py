"""Padding: what stands beyond the edge of a picture or a sequence, as equations.

Zeros are a condition around what is read. The other kinds give the padded tensor an equation an
axis: a subscript that is reflected, repeated or taken from the other end.
"""

from collections.abc import Sequence
from typing import Any

from sympy.core.expr import Expr

from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["PADDING_MODES", "checked_padding_mode", "inside", "padded", "read_inside"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
Edges = tuple[int, int]


def checked_padding_mode(name: str, value: Any) -> str:
    """Return the name of a kind of padding; raise :class:`SymbpError` with the nearest."""
    if value not in PADDING_MODES:
        raise SymbpError(f"{name} {value!r}: {suggest(str(value), PADDING_MODES)}")
    return str(value)


def inside(position: Any, size: int, reach: Edges) -> Any:
    """Return the condition that a subscript is inside its axis; True if it always is.

    Parameters
    ----------
    position : SymPy expression
        The subscript.
    size : int
        The extent of the axis.
    reach : (int, int)
        The smallest and the largest value of the subscript.
    """
    low, high = reach
    parts = [*([position >= 0] if low < 0 else []), *([position < size] if high >= size else [])]
    return parts[0] & parts[1] if len(parts) == 2 else parts[0] if parts else True


def read_inside(element: Any, conditions: Sequence[Any], outside: Any) -> Expr:
    """Return an element where all conditions hold, and what stands outside elsewhere."""
    known = [condition for condition in conditions if condition is not True]
    if not known:
        return element
    whole = known[0]
    for condition in known[1:]:
        whole = whole & condition
    return where(whole, element, outside)


def padded(
    source: Tensor, edges: Sequence[Edges], mode: str, name: str
) -> tuple[list[Equation], Tensor]:
    """Return equations that pad the last axes of a tensor, one axis after another.

    Parameters
    ----------
    source : Tensor
        Of shape (…, sizes).
    edges : sequence of (int, int)
        How many places are added before and after each of the last axes.
    mode : {"reflect", "replicate", "circular"}
        What stands there: the picture mirrored without its edge, its edge, its other end.
    name : str
        Names of the new tensors begin with it.
    """
    equations = []
    first = source.rank - len(edges)
    for axis, (before, after) in enumerate(edges, start=first):
        if not before and not after:
            continue
        size = int(source.shape[axis])
        limit = {"reflect": size - 1, "circular": size}.get(mode)
        if limit is not None and max(before, after) > limit:
            raise SymbpError(
                f"padding {max(before, after)} with padding_mode {mode!r}: expected {limit} at the "
                f"most for an axis of {size}"
            )
        index = Index(source.indices[axis].name, size + before + after)
        shape = (*source.indices[:axis], index, *source.indices[axis + 1 :])
        new = tensor(f"{name}_{axis - first}", *shape, symbol=r"\hat{a}", label=source.label)
        at = index - before
        # Each branch is inside where its condition holds.
        low, high = {
            "reflect": (-at, 2 * size - 2 - at),
            "replicate": (0, size - 1),
            "circular": (at + size, at - size),
        }[mode]
        body: Any = source[(*shape[:axis], at, *shape[axis + 1 :])]
        if after:
            body = where(at < size, body, source[(*shape[:axis], high, *shape[axis + 1 :])])
        if before:
            body = where(at < 0, source[(*shape[:axis], low, *shape[axis + 1 :])], body)
        equations.append(Equation(new.element, body))
        source = new
    return equations, source
