"""Derivatives as operands: ``Derivative(u[n], x[n, 0])`` inside an equation.

It names a number that no equation of the author's gives; :mod:`symbp.calculus.derivative` replaces
it by an element of a tensor whose equations follow from those of ``u``. An index that stands in
``u[n]`` and in ``x[n, 0]`` is shared: of ∂u_n/∂x_m only what has n = m is meant, and
:mod:`symbp.notation.coupling` sees to it that the rest is 0.
"""

import functools
from collections.abc import Iterable
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Written
from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.numpy_operands import plain_number, short
from symbp.notation.tensor import Element, Tensor

__all__ = ["MODES", "Derivative", "differentiated_by", "runs"]

MODES = ("reverse", "forward")


class Derivative(Written, Expr):
    r"""The partial derivative of an element of a tensor by elements of others, in SymPy's manner.

    Parameters
    ----------
    of : Element or Tensor
        What is differentiated: an element such as ``u[n]``, or a tensor without indices. Its
        subscripts are distinct indices and whole numbers.
    *by : Element or Tensor or tuple or int
        What it is differentiated by, one after another: an element, or a pair of an element and
        how often, such as ``(x[n, 0], 2)``; as in SymPy, the number may also follow the element.
        It may be an input, a parameter or any tensor that ``of`` is computed from; of what ``of``
        does not depend on, the derivative is 0.
    mode : {"reverse", "forward"}, optional
        How it is computed. By default what needs fewer operations is chosen.

    Raises
    ------
    NotationError
        Something is no element of a tensor of real numbers. That a shared index couples nothing
        is checked by :class:`~symbp.Program`, which knows the equations.

    Notes
    -----
    An index in both ``of`` and ``by`` is shared and stands for one value, such as that of the
    example or point. Every other index is an axis: ``Derivative(z[n, k], x[n, i])`` is a Jacobian
    for each n.

    Examples
    --------
    >>> import symbp as bp
    >>> n, i = bp.indices("n i", "N", 2)
    >>> x, a = bp.input("x", n, i), bp.parameter("a")
    >>> u, r, C = bp.tensor("u", n), bp.tensor("r", n), bp.tensor("C")
    >>> program = bp.Program(
    ...     [
    ...         bp.Equation(u[n], bp.sin(a * x[n, 0]) * x[n, 1]),
    ...         bp.Equation(r[n], bp.Derivative(u[n], x[n, 1]) + bp.Derivative(u[n], (x[n, 0], 2))),
    ...         bp.Equation(C, bp.Mean(r[n] ** 2, n)),
    ...     ],
    ...     cost=C,
    ... )
    >>> print(program.equations[1])
    r[n] = Derivative(u[n], x[n, 1]) + Derivative(u[n], (x[n, 0], 2))
    """

    is_commutative = True
    is_real = True
    is_number = False
    mode: str | None

    def __new__(cls, of: Any, *by: Any, mode: str | None = None) -> "Derivative":
        """Return the derivative of a checked element by checked elements."""
        if mode is not None and mode not in MODES:
            raise NotationError(f"Derivative: mode {mode!r}, expected 'reverse' or 'forward'")
        element = _element(of, "expected an element such as u[n]")
        variables = _variables(element, by)
        if not variables:
            raise NotationError(
                f"Derivative({element}): by what? Write bp.Derivative({element}, x[n, 0])"
            )
        made: Derivative = super().__new__(cls, element, *variables)
        made.mode = mode
        return made

    @property
    def func(self) -> Any:
        """Rebuild with other elements (SymPy's traversal calls ``func(*args)``)."""
        return functools.partial(Derivative, mode=self.mode)

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*self.args, self.mode)

    @property
    def of(self) -> Element:
        """What is differentiated."""
        element: Element = self.args[0]
        return element

    @property
    def by(self) -> tuple[Element, ...]:
        """What it is differentiated by, one after another."""
        return tuple(self.args[1:])

    def _sympystr(self, printer: Any) -> str:
        parts = [
            printer._print(element) if count == 1 else f"({printer._print(element)}, {count})"
            for element, count in runs(self.by)
        ]
        return f"Derivative({printer._print(self.of)}, {', '.join(parts)})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _restored, (self.args, self.mode)


def runs(elements: tuple[Element, ...]) -> list[tuple[Element, int]]:
    """Return each element with how often it follows itself."""
    result: list[tuple[Element, int]] = []
    for element in elements:
        if result and result[-1][0] == element:
            result[-1] = (element, result[-1][1] + 1)
        else:
            result.append((element, 1))
    return result


def differentiated_by(equations: Iterable[Any]) -> set[Tensor]:
    """Return the tensors that derivatives in some equations are taken by."""
    found = set().union(*(equation.body.atoms(Derivative) for equation in equations))
    return {by.tensor for derivative in found for by in derivative.by}


def _restored(args: tuple[Any, ...], mode: str | None) -> Derivative:
    return Derivative(*args, mode=mode)


def _variables(of: Element, given: tuple[Any, ...]) -> list[Element]:
    found: list[Element] = []
    for each in given:
        value, count = each, 1
        if isinstance(each, (tuple, list, sympy.Tuple)):
            if len(each) != 2:
                raise NotationError(
                    f"Derivative of {of}: {each}: expected a pair such as (x[n, 0], 2)"
                )
            value, count = each[0], _order(of, each[1])
        elif found and _number(each) is not None:
            found += [found[-1]] * (_order(of, each) - 1)
            continue
        told = f"Derivative of {of}: expected an element to differentiate by, such as x[n, 0]"
        found += [_element(value, told)] * count
    return found


def _number(value: Any) -> Any:
    """Return the Python number that a value is, else None."""
    if isinstance(value, sympy.Integer):
        return int(value)
    number = plain_number(value) if plain_number(value) is not None else value
    return number if isinstance(number, (int, float)) else None


def _order(of: Element, value: Any) -> int:
    number = _number(value)
    if number is None or isinstance(number, bool) or int(number) != number or number < 1:
        raise NotationError(
            f"Derivative of {of}: {short(value)} times: expected a whole number from 1"
        )
    return int(number)


def _element(value: Any, told: str) -> Element:
    opening = told if told.startswith("Derivative") else f"Derivative: {told}"
    if isinstance(value, Tensor):
        value = value[()] if not value.rank else value
    if isinstance(value, Tensor):
        raise NotationError(
            f"{opening}; {value.name} is a tensor with {value.rank} indices, write {value.element}"
        )
    if not isinstance(value, Element):
        remark = (
            "; give it a tensor and an equation of its own"
            if isinstance(value, Expr) and value.args
            else ""
        )
        raise NotationError(f"{opening}, got {short(value)}{remark}")
    if value.tensor.kind == "integer":
        raise NotationError(
            f"Derivative: {value} is an integer, and nothing can be differentiated by it or "
            f"is a derivative of it"
        )
    seen: set[Any] = set()
    for subscript, axis in zip(value.args, value.tensor.indices, strict=True):
        plain = isinstance(subscript, Index) and subscript not in seen
        if not plain and not subscript.is_Integer:
            raise NotationError(
                f"Derivative: subscript {subscript} of {value}: expected distinct indices and "
                f"whole numbers; give what is meant a tensor and an equation of its own"
            )
        if isinstance(subscript, Index) and subscript.extent != axis.extent:
            raise NotationError(
                f"Derivative: index {subscript} of {value} has extent {subscript.extent}, the "
                f"axis has {axis.extent}"
            )
        seen.add(subscript if isinstance(subscript, Index) else None)
    return value
