"""Connectionist temporal classification: labels without places in a sequence, as a recurrence.

``B[n, t, u]`` is the logarithm of the probability that the first t steps spell the first u labels
and end with a blank, ``L[n, t, u]`` that they end with label u. Graves et al., "Connectionist
temporal classification", 2006, equation (6), with blanks and labels in a tensor each.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import sympy

from symbp.networks.options import checked_size, checks_options
from symbp.networks.shapes import checked_source
from symbp.notation.declarations import target as target_tensor
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import log_sum_exp, where
from symbp.notation.index import Index
from symbp.notation.reductions import Mean, log_softmax
from symbp.notation.tensor import Tensor

__all__ = ["CTC"]


@checks_options
@dataclass(frozen=True)
class CTC:
    """Minus the logarithm of the probability of all ways to spell the labels, over their number.

    As the mean of ``torch.nn.CTCLoss`` for sequences and labels of one length each, of logits: the
    output is of shape (N, steps, classes), the target holds integers, of shape (N, labels).

    Parameters
    ----------
    labels : int
        The number of labels of each sequence.
    blank : int, default 0
        The class that says nothing.

    Notes
    -----
    All sequences have as many steps and labels as the shapes say: there are no lengths yet. Where
    there are too few steps for the labels, the cost is infinite.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.Network([bp.Dense(4)], input=(6, 3), loss=CTC(2))
    >>> net.targets[0].shape, net.targets[0].kind
    ((N, 2), 'integer')
    """

    labels: int
    blank: int = 0

    __name__: ClassVar[str] = "ctc"

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", checked_size("CTC labels", self.labels))
        if not isinstance(self.blank, int) or isinstance(self.blank, bool) or self.blank < 0:
            raise SymbpError(f"CTC blank: expected a class, an int >= 0, got {self.blank!r}")

    def target(self, output: Tensor) -> Tensor:
        """Return the target: integers, the labels of each sequence."""
        u = Index("u", self.labels)
        return target_tensor("y", output.indices[0], u, symbol="y", kind="integer")

    def __call__(self, output: Tensor, target: Tensor) -> tuple[list[Equation], Any]:
        """Return the recurrence, and the cost of an output and a target."""
        steps, classes = checked_source("CTC", output, "steps", "classes")
        if self.blank >= classes:
            raise SymbpError(f"CTC blank {self.blank}: expected one of the {classes} classes")
        if isinstance(steps, int) and steps < 2:
            raise SymbpError(f"CTC: expected two steps at least, got {steps}")
        n, k, U = output.indices[0], Index("k", classes), self.labels
        t = Index("t", steps, sequential=True)
        q = tensor("q", n, t, k, symbol="q")
        u, v = Index("u", U + 1), Index("u", U)
        B, L = tensor("B", n, t, u, symbol="B"), tensor("L", n, t, v, symbol="L")
        none = -sympy.oo

        def before(element: Any) -> Any:
            return where(t > 0, element, none)

        blank: Any = log_sum_exp(
            before(B[n, t - 1, u]), where((t > 0) & (u > 0), L[n, t - 1, u - 1], none)
        )
        first = where(sympy.Eq(u, 0), 0, none)
        another = sympy.Ne(target[n, v], target[n, v - 1])
        label: Any = log_sum_exp(
            before(L[n, t - 1, v]),
            before(B[n, t - 1, v]),
            where((t > 0) & (v > 0), where(another, L[n, t - 1, v - 1], none), none),
        )
        equations = [
            Equation(q[n, t, k], log_softmax(output[n, t, k], k)),
            Equation(B[n, t, u], q[n, t, self.blank] + where(t > 0, blank, first)),
            Equation(
                L[n, t, v],
                q[n, t, target[n, v]] + where(t > 0, label, where(sympy.Eq(v, 0), 0, none)),
            ),
        ]
        last = log_sum_exp(B[n, steps - 1, U], L[n, steps - 1, U - 1])
        return equations, -Mean(last, n) / U
