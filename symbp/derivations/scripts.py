"""What stands above and below a symbol: the label of its layer, its subscripts, its place."""

from collections.abc import Iterable

from symbp.derivations.counting import first_place
from symbp.notation.tensor import Tensor

__all__ = ["is_raised", "label", "places"]


def label(tensor: Tensor) -> str:
    """Return the label of a tensor's layer, or an empty string."""
    return "" if tensor.label is None else str(tensor.label)


def is_raised(tensor: Tensor) -> bool:
    """Return whether something stands above a symbol, so that a power needs parentheses."""
    return tensor.label is not None or "^" in (tensor.symbol or "")


def places(tensor: Tensor, subscripts: Iterable[str]) -> str:
    """Return what is printed below: the subscripts, or a component's place."""
    if tensor.component_of is None:
        return _joined(subscripts)
    whole, place = tensor.component_of
    short = all(isinstance(extent, int) and extent < 10 for extent in whole.shape)
    return ("" if short else ",").join(str(position + first_place()) for position in place)


def _joined(subscripts: Iterable[str]) -> str:
    parts = list(subscripts)
    if any((len(part.rstrip("'")) > 1 and part[0] != "\\") or part.isdigit() for part in parts):
        return ",".join(parts)
    return (" " if any(part.startswith("\\") for part in parts) else "").join(parts)
