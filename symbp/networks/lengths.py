"""Lengths by example: sequences of one array of which each has its own number of steps.

An integer tensor says how many steps of each example there are; those behind it are padding. What
reads them is a condition, ``t < length[n]``, in the equations of layers and costs.
"""

from typing import Any

from symbp.networks.costs import Cost, CostFunction, cost
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Reduction, Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["ValidSteps", "checked_lengths", "kept_steps"]


def checked_lengths(what: str, lengths: object, n: Index | None = None) -> None:
    """Raise :class:`SymbpError` unless lengths are None, or an integer tensor of shape (N,).

    Parameters
    ----------
    what : str
        The layer or cost, for the message.
    lengths : object
        What was given.
    n : Index, optional
        The index of the examples, where it is known.
    """
    if lengths is None:
        return
    expected = "an integer tensor such as bp.input('length', n, kind='integer')"
    if not isinstance(lengths, Tensor) or lengths.kind != "integer":
        raise SymbpError(f"{what} lengths: expected {expected}, got {lengths!r}")
    if lengths.rank != 1 or (n is not None and lengths.shape[0] != n.extent):
        size = "N" if n is None else n.extent
        shown = ", ".join(map(str, lengths.shape))
        raise SymbpError(
            f"{what} lengths {lengths.name}: expected one for each of {size} examples, got the "
            f"shape ({shown}{',' * (lengths.rank == 1)})"
        )


def kept_steps(lengths: Tensor | None, n: Index, t: Any, value: Any, other: Any = 0) -> Any:
    """Return a value at the steps that an example has, another at those behind them."""
    return value if lengths is None else where(t < lengths[n], value, other)


class ValidSteps:
    r"""A cost of sequences in which steps behind an example's length do not count.

    What each step adds to the cost's sums over the examples n and the steps t is multiplied by
    ``[t < length[n]] N T / S``, where S counts the steps that there are: a mean over all steps
    becomes one over these. A length of 0 leaves an example out; one beyond T counts as T.

    Parameters
    ----------
    loss : str or callable
        As :class:`symbp.Network`'s, with sums over examples and steps.
    lengths : Tensor
        Integers of shape (N,): ``bp.input("length", n, kind="integer")``.

    Raises
    ------
    SymbpError
        The lengths are no such tensor, the output no sequence, or the cost no sum over examples
        and steps.

    Examples
    --------
    >>> import symbp as bp
    >>> length = bp.input("length", bp.Index("n", "N"), kind="integer")
    >>> net = bp.Network(
    ...     [bp.RNN(3, lengths=length), bp.Dense(2)], input=(5, 2),
    ...     loss=ValidSteps("mean_squared_error", length),
    ... )
    >>> print(net.equations[-1])
    C = (5*N)*Sum(where(t < length[n], (z2[n, t, j] - y[n, t, j])**2, 0), n, t, j)/steps/N/10
    """

    def __init__(self, loss: str | CostFunction, lengths: Tensor) -> None:
        if lengths is None:
            raise SymbpError("ValidSteps: expected lengths, got None")
        checked_lengths("ValidSteps", lengths)
        self.loss: Cost = cost(loss)
        self.lengths = lengths
        self.__name__ = self.loss.name
        self.target_kind, self.softmax = self.loss.target_kind, self.loss.softmax
        self.threshold = self.loss.threshold

    def target(self, output: Tensor) -> Tensor:
        """Return the target for an output."""
        return self.loss.target(output)

    def __call__(self, output: Tensor, target: Tensor) -> tuple[list[Equation], Any]:
        """Return the number of steps of all examples, as an equation, and the cost."""
        if output.rank < 3:
            shown = ", ".join(map(str, output.shape))
            raise SymbpError(
                f"ValidSteps: expected an output of shape (N, steps, …), got ({shown})"
            )
        n, t = output.indices[:2]
        checked_lengths("ValidSteps", self.lengths, n)
        equations, body = self.loss.parts(output, target)
        steps = tensor("steps", symbol="S")
        found: list[Any] = []

        def visit(node: Any) -> Any:
            if isinstance(node, Element) or not isinstance(node, Reduction):
                arguments = getattr(node, "args", ())
                plain = isinstance(node, Element) or not arguments
                return node if plain else node.func(*map(visit, arguments))
            if not {n, t} <= set(node.bound) or not isinstance(node, Sum):
                raise SymbpError(
                    f"ValidSteps: {self.loss.name} is no sum over the examples and the steps"
                )
            found.append(node)
            kept = where(t < self.lengths[n], node.body, 0)
            return n.extent * t.extent * Sum(kept, *node.bound) / steps

        made = visit(body)
        if not found:
            raise SymbpError(
                f"ValidSteps: {self.loss.name} is no sum over the examples and the steps"
            )
        # They are counted as they are kept: a length beyond the last step is that of all of them.
        total = Equation(steps, Sum(where(t < self.lengths[n], 1, 0), n, t))
        return [*equations, total], made
