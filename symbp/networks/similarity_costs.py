"""Costs that compare vectors with one another: cosines, triplets, contrasts.

They take two tensors or three, such as the outputs of one network for two views of an example, and
return a scalar expression for the cost of a `Program`.
"""

from typing import Any

from sympy.core.expr import Expr

from symbp.networks.options import checked_number
from symbp.networks.shapes import checked_alike, checked_flag
from symbp.notation.errors import SymbpError
from symbp.notation.functions import maximum, minimum, where
from symbp.notation.index import Index
from symbp.notation.reductions import LogSumExp, Mean, Sum
from symbp.notation.standard import sqrt
from symbp.notation.tensor import Tensor

__all__ = ["cosine", "cosine_embedding", "info_nce", "triplet_margin"]


def _cosine(first: Tensor, second: Tensor, eps: float) -> Any:
    """Return ``a·b / sqrt((a·a + eps)(b·b + eps))`` over the last axis."""
    *_, k = first.indices
    a, b = first.element, second[first.indices]
    return Sum(a * b, k) / sqrt((Sum(a**2, k) + eps) * (Sum(b**2, k) + eps))


def _rows(cost: str, *tensors: Tensor) -> tuple[Index, ...]:
    checked_alike(cost, *tensors)
    if not tensors[0].rank > 1:
        raise SymbpError(f"{cost}: expected tensors of shape (N, …, features)")
    return tensors[0].indices[:-1]


def cosine(output: Tensor, target: Tensor) -> Expr:
    """Return the mean over the rows of ``1 - cos(a, y)``.

    Parameters
    ----------
    output, target : Tensor
        Of one shape; the cosine is of vectors along the last axis.

    Returns
    -------
    SymPy expression
        A scalar.

    Notes
    -----
    As ``torch.nn.CosineEmbeddingLoss`` for pairs that belong together, 1e-12 is added to both sums
    of squares.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.mlp(3, 4, loss="cosine").loss
    'cosine'
    """
    return Mean(1 - _cosine(output, target, 1e-12), *_rows("cosine", output, target))


def cosine_embedding(first: Tensor, second: Tensor, target: Tensor, margin: float = 0.0) -> Expr:
    """Return the mean of ``1 - cos`` of pairs that belong together, ``max(0, cos - margin)`` else.

    As ``torch.nn.CosineEmbeddingLoss``.

    Parameters
    ----------
    first, second : Tensor
        Of shape (N, features).
    target : Tensor
        Of shape (N,): 1 for pairs that belong together, -1 for others.
    margin : float, default 0
        Cosines below it do not count.

    Returns
    -------
    SymPy expression
        A scalar.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 2)
    >>> u, v, y = bp.tensor("u", n, k), bp.tensor("v", n, k), bp.target("y", n)
    >>> bp.Equation(bp.tensor("C"), cosine_embedding(u, v, y, 0.5)).lhs
    C
    """
    rows = _rows("cosine_embedding", first, second)
    margin = checked_number("cosine_embedding margin", margin)
    value = _cosine(first, second, 1e-12)
    return Mean(where(target[rows] > 0, 1 - value, maximum(value - margin, 0)), *rows)


def triplet_margin(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, swap: bool = False,
    eps: float = 1e-6,
) -> Expr:  # fmt: skip
    """Return the mean of ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Schroff, Kalenichenko and Philbin, "FaceNet", 2015, with distances instead of their squares;
    ``torch.nn.TripletMarginLoss`` with its norm of order 2.

    Parameters
    ----------
    anchor, positive, negative : Tensor
        Of shape (N, features).
    margin : float, default 1
        By how much the negative is to be farther away.
    swap : bool, default False
        Whether the distance from the positive to the negative counts, if it is smaller.
    eps : float, default 1e-6
        Added to each difference, as in PyTorch.

    Returns
    -------
    SymPy expression
        A scalar.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 2)
    >>> a, p, q = (bp.tensor(name, n, k) for name in "apq")
    >>> bp.Equation(bp.tensor("C"), triplet_margin(a, p, q)).lhs
    C
    """
    rows = _rows("triplet_margin", anchor, positive, negative)
    margin = checked_number("triplet_margin margin", margin)
    eps = checked_number("triplet_margin eps", eps, least=0)
    at = anchor.indices

    def distance(a: Tensor, b: Tensor) -> Any:
        return sqrt(Sum((a[at] - b[at] + eps) ** 2, at[-1]))

    far = distance(anchor, negative)
    if checked_flag("triplet_margin swap", swap):
        far = minimum(far, distance(positive, negative))
    return Mean(maximum(distance(anchor, positive) - far + margin, 0), *rows)


def info_nce(first: Tensor, second: Tensor, temperature: float = 0.1) -> Expr:
    """Return ``-1/N Σ_n ln softmax_m(u_n·v_m/τ)`` at m = n: each pair told apart from the batch's.

    Van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding",
    2018. Vectors of length 1 are usual: divide by `bp.sqrt` of the sum of squares before.

    Parameters
    ----------
    first, second : Tensor
        Of shape (N, features): row n of one belongs to row n of the other.
    temperature : float, default 0.1
        τ.

    Returns
    -------
    SymPy expression
        A scalar.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 2)
    >>> u, v = bp.tensor("u", n, k), bp.tensor("v", n, k)
    >>> bp.Equation(bp.tensor("C"), info_nce(u, v)).lhs
    C
    """
    rows = _rows("info_nce", first, second)
    if len(rows) > 1:
        raise SymbpError(f"info_nce: expected two tensors of shape (N, features), got {first.name}")
    temperature = checked_number("info_nce temperature", temperature, least=0, open=True)
    (n,), k = rows, first.indices[1]
    m = Index("m", n.extent)
    own = Sum(first[n, k] * second[n, k], k) / temperature
    return Mean(LogSumExp(Sum(first[n, k] * second[m, k], k) / temperature, m) - own, n)
