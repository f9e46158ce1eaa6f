"""per_example: the program of a single example, as textbooks write it.

When every equation treats the examples of a batch one by one and the cost is the mean over them,
the index of the example can go: ``z[n, j]`` becomes ``z[j]`` and ``C = 1/N Σ_n C_n`` becomes the
cost of one example. The gradient of the mean is then the mean of the gradients.
"""

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Plus
from symbp.notation.collected import factors, product_of
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.reductions import REDUCTIONS, Reduction, Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["CoupledError", "of_one_example", "per_example", "whole_body"]


class CoupledError(UnsupportedError):
    """The examples of a batch are not treated one by one."""


class _MixedError(Exception):
    """An expression is not of one example, nor a sum over them."""


def per_example(program: Program) -> Program | None:
    """Return the program of one example, or None where examples depend on each other.

    Parameters
    ----------
    program : Program
        A program as the user wrote it.

    Returns
    -------
    Program or None
        Tensors with an axis of the batch have lost it and kept their name, symbol and label; all
        others, the cost among them, are the same objects. None if the batch index does not
        stand plainly in every equation (batch normalisation), or if the cost is not a mean.
    """
    if program.batch is None or program.cost is None:
        return None
    try:
        return _Single(program, program.batch).program()
    except CoupledError:
        return None


def of_one_example(program: Program) -> Program:
    """Return the program of a batch of one, as :func:`per_example`, for a mean or a sum.

    Parameters
    ----------
    program : Program
        With a batch and a cost, as the user wrote it. The cost may be a sum over the examples;
        then the gradient of the sum is the sum of the gradients.

    Raises
    ------
    CoupledError
        Examples depend on each other, or the cost is neither their mean nor their sum.

    Examples
    --------
    >>> import symbp as bp
    >>> n = bp.Index("n", "N")
    >>> w, x, C = bp.parameter("w"), bp.input("x", n), bp.tensor("C")
    >>> print(of_one_example(bp.Program([bp.Equation(C, bp.Sum((w * x[n]) ** 2, n))], cost=C)))
    C = (w*x)**2
    """
    batch = program.batch
    assert batch is not None, "the caller has a batch"
    return _Single(program, batch, may_sum=True).program()


def whole_body(equation: Equation) -> Expr:
    """Return the right-hand side with the equation's reduction written into it."""
    if not equation.reduce:
        return equation.body
    return REDUCTIONS[equation.operation](equation.body, *equation.reduce)


class _Single:
    """Rewrites equations; holds which tensors vary with the example and which are means."""

    def __init__(self, program: Program, size: sympy.Symbol, may_sum: bool = False) -> None:
        self.given = program
        self.size = size
        self.may_sum = may_sum
        self.axis: dict[Tensor, int] = {}
        self.single: dict[Tensor, Tensor] = {}
        self.means: set[Tensor] = set()
        for tensor in program.tensors:
            axes = [axis for axis, extent in enumerate(tensor.shape) if extent == size]
            if len(axes) > 1:
                raise CoupledError(f"{tensor.name} has an element for each two examples")
            if axes:
                self.axis[tensor] = axes[0]
                self.single[tensor] = _without(tensor, axes[0])

    def program(self) -> Program:
        equations = tuple(self._checked(equation) for equation in self.given.equations)
        cost, output = self.given.cost, self.given.output
        if cost not in self.means:
            raise CoupledError(f"{cost} is no mean or sum over the examples")
        for old, new in self.given.updates:
            if new in self.means:
                raise CoupledError(f"{new.name}, which {old.name} becomes, is of all examples")
        return self.given.replace(
            equations=equations, output=None if output is None else self.single.get(output, output)
        )

    def _checked(self, equation: Equation) -> Equation:
        try:
            return self._equation(equation)
        except _MixedError:
            what = "is no mean or sum over the examples, each with its own value"
            if equation.tensor in self.axis:
                what = "couples examples"
            raise CoupledError(f"{equation.tensor.name} {what}: {equation}") from None

    def _equation(self, equation: Equation) -> Equation:
        lhs, body = equation.lhs, whole_body(equation)
        if equation.tensor in self.axis:
            example = lhs.args[self.axis[equation.tensor]]
            lhs, body = self._example(lhs, example), self._example(body, example)
        elif self._varies(body):
            if any(element.tensor is equation.tensor for element in body.atoms(Element)):
                raise _MixedError
            power, body = self._mean(body)
            if power and not (self.may_sum and power == 1 and equation.tensor is self.given.cost):
                raise _MixedError
            self.means.add(equation.tensor)
        elif body.has(self.size) or self._counts_examples(body):
            raise _MixedError
        return Equation(lhs, body, origin=Origin("per_example", equation))

    def _varies(self, node: Expr) -> bool:
        return any(e.tensor in self.axis or e.tensor in self.means for e in node.atoms(Element))

    def _counts_examples(self, node: Expr) -> bool:
        return any(index.extent == self.size for index in node.atoms(Index))

    def _example(self, node: Expr, example: Index) -> Expr:
        """Return an expression that varies with the example, for one of them."""
        if node in (example, self.size):
            raise _MixedError
        if isinstance(node, Element):
            tensor = node.tensor
            if tensor in self.means:
                raise _MixedError
            axis = self.axis.get(tensor)
            if axis is not None and node.args[axis] is not example:
                raise _MixedError
            kept = (a for position, a in enumerate(node.args) if position != axis)
            subscripts = [self._example(a, example) for a in kept]
            return Element(self.single.get(tensor, tensor), *subscripts, serial=node.serial)
        if isinstance(node, Reduction) and any(i.extent == self.size for i in node.bound):
            raise _MixedError
        if not node.args:
            return node
        return node.func(*(self._example(argument, example) for argument in node.args))

    def _mean(self, node: Expr) -> tuple[int, Expr]:
        """Return ``p`` and ``e``, where the expression is ``size**p`` times the mean of ``e``.

        The expression is taken apart only where it is linear in what varies.
        """
        if isinstance(node, sympy.Add):
            parts = [self._mean(term) for term in node.args]
            powers = {power for power, _ in parts}
            if len(powers) > 1:
                raise _MixedError
            return powers.pop(), Plus(*(part for _, part in parts))
        if isinstance(node, sympy.Mul) or not self._varies(node):
            varying = [factor for factor in factors(node) if self._varies(factor)]
            others = [factor for factor in factors(node) if not self._varies(factor)]
            if len(varying) > 1:
                raise _MixedError
            power, part = self._mean(varying[0]) if varying else (0, sympy.S.One)
            for factor in others:
                base, exponent = factor.as_base_exp()
                if base == self.size and exponent.is_Integer:
                    power += int(exponent)
                elif factor.has(self.size) or self._counts_examples(factor):
                    raise _MixedError
                else:
                    part = product_of(factor, part)
            return power, part
        if isinstance(node, Sum):
            examples = [index for index in node.bound if index.extent == self.size]
            others = [index for index in node.bound if index.extent != self.size]
            if len(examples) > 1:
                raise _MixedError
            power, part = (
                (1, self._example(node.body, examples[0])) if examples else self._mean(node.body)
            )
            return power, Sum(part, *others) if others else part
        if isinstance(node, Element) and node.tensor in self.means:
            return 0, node
        raise _MixedError


def _without(tensor: Tensor, axis: int) -> Tensor:
    indices = tuple(index for position, index in enumerate(tensor.indices) if position != axis)
    return Tensor(
        tensor.name,
        indices,
        tensor.role,
        symbol=tensor.symbol,
        label=tensor.label,
        initial=tensor.initial,
        value=tensor.value,
        kind=tensor.kind,
        adjoint_symbol=tensor.adjoint_symbol,
        law=tensor.law,
    )
