"""A weight for each example, in any cost that is a sum over the examples."""

from typing import Any

from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.reductions import Reduction, Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["weighted"]


def weighted(body: Any, n: Index, weight: Tensor, cost: str) -> Any:
    """Return a cost with what each example adds to its sums times the example's weight.

    Parameters
    ----------
    body : SymPy expression
        The cost.
    n : Index
        The index of the examples.
    weight : Tensor
        Of shape (N,).
    cost : str
        Its name, for the message.

    Raises
    ------
    SymbpError
        The cost is no sum over the examples, so that none has a cost of its own.
    """
    found: list[Any] = []

    def visit(node: Any) -> Any:
        if isinstance(node, Element) or not node.has(n):
            return node
        if isinstance(node, Reduction) and n in node.bound:
            found.append(node)
            if not isinstance(node, Sum):
                raise SymbpError(
                    f"loss {cost}: sample_weight needs a sum over the examples, not "
                    f"{type(node).__name__}"
                )
            return Sum(weight[n] * node.body, *node.bound)
        return node.func(*map(visit, node.args))

    result = visit(body)
    if not found:
        raise SymbpError(f"loss {cost}: sample_weight needs a sum over the examples, got {body}")
    return result
