"""How a tensor prints: its symbol with label and subscripts, or a derivative as a fraction."""

from collections.abc import Iterable

from symbp.derivations.counting import place
from symbp.derivations.local import chain
from symbp.derivations.scripts import label, places
from symbp.derivations.style import Style
from symbp.notation.derivative import runs
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["TensorNames"]


class TensorNames:
    """Prints tensors with subscripts that are printed already.

    Parameters
    ----------
    style : Style
        The language.
    cost : Tensor
        What is differentiated.
    """

    def __init__(self, style: Style, cost: Tensor) -> None:
        self.style = style
        self.cost = cost

    def tensor(self, tensor: Tensor, subscripts: Iterable[str] = ()) -> str:
        """Print a tensor, or an adjoint, with printed subscripts."""
        if tensor.partial_of is not None:
            return self._partial(tensor, list(subscripts))
        if tensor.adjoint_of is not None:
            source = tensor.adjoint_of
            if source.adjoint_symbol is None:
                return self.style.partial(
                    self.tensor(self.cost), self.below(source, list(subscripts))
                )
            symbol = self.style.symbol(source.adjoint_symbol)
            return self.style.scripted(symbol, places(source, subscripts), label(source))
        below = places(tensor, subscripts)
        if tensor.component_of is not None:
            tensor = tensor.component_of[0]
        base, digits = self.style.tensor_name(tensor)
        if digits:
            below = f"{digits},{below}" if below else digits
        return self.style.scripted(base, below, label(tensor))

    def _partial(self, tensor: Tensor, subscripts: list[str], whole: bool = True) -> str:
        """Print a derivative that stands in the program: ``∂u_n/∂x_n0``, ``∂²u/∂x∂y``."""
        above, below = chain(tensor)
        names = dict(zip(tensor.indices, subscripts, strict=False))

        def shown(element: Element, whole: bool) -> str:
            found = [
                names.get(a, "" if isinstance(a, Index) else str(place(a))) for a in element.args
            ]
            found = [each for each in found if each]
            return (self.tensor if whole else self.below)(element.tensor, found)

        parts = [(shown(element, False), order) for element, order in runs(below)]
        derivative = self.style.derivative if whole else self.style.slanted
        return derivative(shown(above, above.tensor.partial_of is None), parts)

    def below(self, tensor: Tensor, subscripts: list[str]) -> str:
        """Print what stands below: a derivative of its own in parentheses, on one line."""
        if tensor.partial_of is None:
            return self.tensor(tensor, subscripts)
        return f"({self._partial(tensor, subscripts, whole=False)})"
