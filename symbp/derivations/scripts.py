"""What stands above and below a symbol: its subscripts, its place."""

from collections.abc import Iterable

from symbp.derivations.counting import first_place
from symbp.notation.tensor import Tensor

__all__ = ["is_raised", "places"]


def is_raised(tensor: Tensor) -> bool:
    """Return whether something stands above a symbol, so that a power needs parentheses."""
    return tensor.label is not None or "^" in (tensor.symbol or "")


def places(tensor: Tensor, subscripts: Iterable[str], commas: bool = False) -> str:
    """Return what is printed below: the subscripts, or a component's place."""
    if tensor.component_of is None:
        return ",".join(subscripts) if commas else _joined(subscripts)
    whole, place = tensor.component_of
    short = all(isinstance(extent, int) and extent < 10 for extent in whole.shape)
    between = "" if short and not commas else ","
    return between.join(str(position + first_place()) for position in place)


def _joined(subscripts: Iterable[str]) -> str:
    parts = list(subscripts)
    if any((len(part.rstrip("'")) > 1 and part[0] != "\\") or part.isdigit() for part in parts):
        return ",".join(parts)
    return (" " if any(part.startswith("\\") for part in parts) else "").join(parts)
