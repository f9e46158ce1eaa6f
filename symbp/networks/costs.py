"""Costs: functions that map the output and the target to the scalar that is minimised.

Every cost, built-in or a user's own, is a function ``(output, target) -> expression`` of two
tensors of one shape, whose first index is the example's and last the output's. It may return
``(equations, expression)`` where the cost needs tensors of its own, and may say what else a
:class:`Cost` holds by attributes of these names; ``target(output)`` is its target, if that has
another shape than the output.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sympy.core.expr import Expr

from symbp.networks.classification_costs import Focal, Hinge, KLDivergence, MultiMargin
from symbp.networks.regression_costs import (
    GaussianNLL,
    Huber,
    PoissonNLL,
    Quantile,
    SmoothL1,
    log_cosh,
)
from symbp.networks.similarity_costs import cosine
from symbp.notation.conditions import in_our_words
from symbp.notation.declarations import target as target_tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.functions import softplus
from symbp.notation.reductions import Mean, Sum, log_softmax
from symbp.notation.singular import absorbing_product
from symbp.notation.standard import log
from symbp.notation.tensor import Kind, Tensor

__all__ = ["COSTS", "Cost", "CostFunction", "binary_cross_entropy", "cost", "cross_entropy",
           "mean_squared_error", "quadratic", "softmax_cross_entropy"]  # fmt: skip

CostFunction = Callable[[Tensor, Tensor], Any]


def quadratic(output: Tensor, target: Tensor) -> Expr:
    """Return ``1/(2N) Σ_n Σ_j (a - y)²``.

    Parameters
    ----------
    output, target : Tensor
        Of shape (N, outputs).

    Returns
    -------
    SymPy expression
        A scalar.

    Notes
    -----
    Nielsen, "Neural Networks and Deep Learning", eq. (6).

    Examples
    --------
    >>> import symbp as bp
    >>> n, j = bp.indices("n j", "N", 10)
    >>> quadratic(bp.tensor("a", n, j), bp.target("y", n, j))
    Sum((a[n, j] - y[n, j])**2, n, j)/N/2
    """
    difference = output.element - target.element
    return Sum(difference**2, *output.indices) / (2 * output.indices[0].extent)


def mean_squared_error(output: Tensor, target: Tensor) -> Expr:
    """Return the mean of ``(a - y)²`` over all entries, N times outputs of them.

    As ``torch.nn.MSELoss`` and ``sklearn.metrics.mean_squared_error``. Parameters and result as
    in :func:`quadratic`.
    """
    return Mean((output.element - target.element) ** 2, *output.indices)


def cross_entropy(output: Tensor, target: Tensor) -> Expr:
    """Return ``-1/N Σ_n Σ_j [y ln a + (1 - y) ln(1 - a)]`` of sigmoid outputs ``a``.

    Nielsen, "Neural Networks and Deep Learning", eq. (63). A logarithm whose factor is 0 does not
    count, also where it is infinite. Parameters and result as in :func:`quadratic`.
    """
    a, y = output.element, target.element
    entropy = absorbing_product(y, log(a)) + absorbing_product(1 - y, log(1 - a))
    return -Sum(entropy, *output.indices) / output.indices[0].extent


def binary_cross_entropy(output: Tensor, target: Tensor) -> Expr:
    """Return the mean over all entries of ``softplus(z) - y z``, with ``z`` the logits.

    This is ``-[y ln σ(z) + (1 - y) ln(1 - σ(z))]`` in a form that neither overflows nor takes
    the logarithm of zero; the mean is ``torch.nn.BCEWithLogitsLoss``'s. For outputs that a
    sigmoid has already been applied to, and for the sum over the outputs, use
    :func:`cross_entropy`. Parameters and result as in :func:`quadratic`.
    """
    z, y = output.element, target.element
    return Mean(softplus(z) - absorbing_product(y, z), *output.indices)


def softmax_cross_entropy(output: Tensor, target: Tensor) -> Expr:
    """Return ``-1/N Σ_n Σ_j y ln softmax(z)``, with ``z`` the logits.

    Goodfellow, Bengio and Courville, "Deep Learning", section 6.2.2.3. The rows of the target
    sum to one. With more axes than two, the mean is over all rows. A class of target 0 may have
    the logit -inf. Parameters and result as in :func:`quadratic`.
    """
    *rows, j = output.indices
    entropy = absorbing_product(target.element, log_softmax(output.element, j))
    return -Sum(entropy, *output.indices) / math.prod(index.extent for index in rows)


@dataclass(frozen=True)
class Cost:
    """A cost and what it expects of the network's output and target.

    Attributes
    ----------
    name : str
        Its name in :data:`COSTS`; a user's own function is called by its own name.
    function : callable
        Maps the output and the target to a scalar expression.
    target_kind : {"real", "classes", "distribution"}
        The ``kind`` of the target: ``classes`` and ``distribution`` also take integer labels.
    activates_output : bool
        Whether `mlp` gives the last layer the activation of the others; else it is linear.
    output_activation : str, optional
        The only activation of the output that the cost makes sense with.
    softmax : bool
        Whether the cost holds the softmax of the output.
    threshold : float
        What a single output exceeds for class 1: both classes then cost the same. 0 for a logit,
        0.5 for a probability.
    signed : bool
        Whether the two classes are -1 and 1 in the target, instead of 0 and 1.
    """

    name: str
    function: CostFunction
    target_kind: Kind = "real"
    activates_output: bool = False
    output_activation: str | None = None
    softmax: bool = False
    threshold: float = 0.5
    signed: bool = False

    def target(self, output: Tensor) -> Tensor:
        """Return the target for an output."""
        made = getattr(self.function, "target", None)
        if made is not None:
            found: Tensor = made(output)
            return found
        return target_tensor("y", *output.indices, symbol="y", kind=self.target_kind)

    def __call__(self, output: Tensor, target: Tensor) -> Any:
        """Return the cost of an output and a target: a scalar expression, or equations and one."""
        try:
            return self.function(output, target)
        except TypeError as error:
            raise SymbpError(
                f"loss {self.name}: expected a function of the output and the target, two "
                f"tensors, in terms of SymPy's and symbp's functions; it raised: "
                f"{in_our_words(error)}"
            ) from error

    def parts(self, output: Tensor, target: Tensor) -> tuple[list[Equation], Any]:
        """Return the equations that a cost brings, if any, and its scalar expression."""
        made = self(output, target)
        if isinstance(made, tuple) and len(made) == 2:
            equations, body = made
            return list(equations), body
        return [], made


_COSTS = [
    Cost("quadratic", quadratic, "classes", activates_output=True),
    Cost("mean_squared_error", mean_squared_error),
    Cost(
        "cross_entropy", cross_entropy, "classes",
        activates_output=True, output_activation="sigmoid",
    ),
    Cost("binary_cross_entropy", binary_cross_entropy, "classes", threshold=0.0),
    Cost("softmax_cross_entropy", softmax_cross_entropy, "distribution", softmax=True),
]  # fmt: skip


def _record(function: Any) -> Cost:
    """Return the record of a function that says by attributes what it expects."""
    return Cost(
        getattr(function, "__name__", "own"),
        function,
        target_kind=getattr(function, "target_kind", "classes"),
        softmax=getattr(function, "softmax", False),
        threshold=getattr(function, "threshold", 0.5),
        signed=getattr(function, "signed", False),
    )


_OTHERS = (
    Huber(), SmoothL1(), Quantile(), PoissonNLL(), GaussianNLL(), Hinge(), MultiMargin(), Focal(),
    KLDivergence(),
)  # fmt: skip

COSTS: dict[str, Cost] = {
    **{record.name: record for record in _COSTS},
    **{record.name: record for record in map(_record, _OTHERS)},
    "log_cosh": Cost("log_cosh", log_cosh),
    "cosine": Cost("cosine", cosine),
}


def cost(value: str | CostFunction) -> Cost:
    """Return the record of a cost.

    Parameters
    ----------
    value : str or callable
        A name of :data:`COSTS`, or a function of the output and the target, two tensors of one
        shape, that returns a scalar expression; the target then takes labels too.

    Returns
    -------
    Cost
        The built-in record, or one made for the function.

    Raises
    ------
    SymbpError
        The name is unknown; the message lists the nearest.

    Examples
    --------
    >>> import symbp as bp
    >>> def absolute(a, y):
    ...     return bp.Mean(abs(a.element - y.element), *a.indices)
    >>> cost(absolute).target_kind
    'classes'
    """
    if isinstance(value, str):
        if value not in COSTS:
            raise SymbpError(f"loss {value!r}: {suggest(value, COSTS)}")
        return COSTS[value]
    if not callable(value):
        raise SymbpError(f"loss {value!r}: expected a name or a function of output and target")
    for record in COSTS.values():
        if value is record.function:
            return record
    if isinstance(value, type):
        raise SymbpError(
            f"loss {value.__name__}: expected an instance such as bp.{value.__name__}(), not the "
            f"class"
        )
    return _record(value)
