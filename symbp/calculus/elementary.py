"""elementary: split scalar equations into elementary operations, one equation each.

The result is the computational graph of the program: every equation is a sum, a difference, a
product, a reciprocal, a power, a negation, one function or one choice, of tensors; a number
stands inside an operation where people write it so (``+1``, ``×2``, ``1/x``, ``x²``). What is
computed twice is one tensor.

A choice (``where``) stays whole: its branches have no equations of their own, because the one
that is not chosen may be undefined (``where(x > 0, log(x), 0)``).
"""

import math
from collections.abc import Callable

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Plus, Times, power
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import NotationError
from symbp.notation.functions import maximum, minimum, taken_of, where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.prime import Prime
from symbp.notation.program import Program
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["elementary"]

#: What an operation is of, and how it is put together once each part is a tensor or a number.
Parts = tuple[tuple[Expr, ...], Callable[..., Expr]]


def elementary(program: Program) -> Program:
    """Return an equivalent program of one elementary operation an equation.

    Parameters
    ----------
    program : Program
        A program of scalar equations: no tensor of it has indices (see
        :mod:`symbp.calculus.unroll`).

    Returns
    -------
    Program
        The tensors of the program, and between them new ones called ``v1``, ``v2``, …

    Raises
    ------
    NotationError
        An equation has indices.

    Examples
    --------
    >>> import symbp as bp
    >>> x, y, z, f = *(bp.parameter(name) for name in "xyz"), bp.tensor("f")
    >>> print(elementary(bp.Program([bp.Equation(f, (x + y) * z)], cost=f)))
    v1 = x + y
    f = v1*z
    """
    count: dict[Tensor, int] = {}
    names: set[str] = set()
    for equation in program.equations:
        names.add(equation.tensor.name)
        scalar = not equation.domain
        for node in _nodes_of(equation.body):
            scalar = scalar and not isinstance(node, (Index, Reduction))
            if isinstance(node, Element):
                names.add(node.tensor.name)
        if not scalar:
            raise NotationError(f"{equation.lhs}: expected an equation without indices")
        count[equation.tensor] = count.get(equation.tensor, 0) + 1
    splitter = _Splitter(names)
    for equation in program.equations:
        splitter.split(equation, shared=count[equation.tensor] == 1)
    return program.replace(equations=tuple(splitter.equations))


class _Splitter:
    """Holds the equations made so far, and what each part of a body is called in them."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.equations: list[Equation] = []
        # A part of a body as it was written, and an operation on tensors: both may come again.
        self.parts: dict[Expr, Expr] = {}
        self.operations: dict[Expr, Expr] = {}
        self.ages: dict[Expr, float] = {}
        self.origin = Origin()
        self.number = 0

    def split(self, equation: Equation, shared: bool) -> None:
        """Append an equation, after those of its parts."""
        self.origin = Origin("elementary", equation)
        body = equation.body
        if not _is_leaf(body):
            operands, build = self._decomposed(body)
            body = build(*(self._named(operand) for operand in operands))
        self.equations.append(equation.replace(body=body, origin=self.origin))
        if shared and not _is_leaf(body):
            self.operations.setdefault(body, equation.lhs)

    def _named(self, root: Expr) -> Expr:
        """Return the tensor that holds a part, or the part if it is a tensor or a number."""
        stack = [root]
        waiting: dict[Expr, Parts] = {}
        while stack:  # a formula can be nested deeper than Python recurses
            node = stack[-1]
            if node in self.parts:
                stack.pop()
            elif _is_leaf(node):
                self.parts[node] = node
            else:
                if node not in waiting:
                    waiting[node] = self._decomposed(node)
                operands, build = waiting[node]
                missing = [operand for operand in operands if operand not in self.parts]
                stack.extend(reversed(missing))
                if not missing:
                    body = build(*(self.parts[operand] for operand in operands))
                    self.parts[node] = self._defined(body)
        return self.parts[root]

    def _defined(self, body: Expr) -> Expr:
        if _is_leaf(body):
            return body
        if body not in self.operations:
            self.number += 1
            tensor = Tensor(fresh_name(f"v{self.number}", self.names))
            # It stands where what it is made of would stand, after what was made before.
            age = self._age(body) + self.number * 1e-9
            element = Element(tensor, serial=None if age == math.inf else age)
            self.equations.append(Equation(element, body, origin=self.origin))
            self.operations[body] = element
        return self.operations[body]

    def _decomposed(self, node: Expr) -> Parts:
        if isinstance(node, sympy.Add):
            return self._of_sum(node)
        if isinstance(node, sympy.Mul):
            return self._of_product(node)
        if isinstance(node, sympy.Pow):
            return _of_power(node)
        if isinstance(node, where):
            return (), lambda: node
        if isinstance(node, (maximum, minimum)):
            return _of_extremum(node)
        if isinstance(node, Prime):
            application = node.application
            return application.args, lambda *a: Prime(application.func(*a), node.argument)
        return node.args, node.func

    def _of_sum(self, node: Expr) -> Parts:
        """Return ``a + b + c``, ``a - b``, ``a + 1``, ``1 - a`` or ``-a + b``, from the left."""
        given = node.args
        signs = [_is_negative(term) for term in given]
        if not any(signs) and not any(term.is_number for term in given):
            return given, Plus
        *before, last = given
        left = Plus(*before)
        if last.is_number:
            return (left,), lambda value: value + last
        if left.is_number:
            if signs[-1]:
                return (-last,), lambda value: left - value
            return (last,), lambda value: left + value
        if not signs[-1]:
            return (left, last), lambda a, b: a + b
        return (left, -last), lambda a, b: a - b

    def _of_product(self, node: Expr) -> Parts:
        """Return a product of two, after those that it begins with; a number stays beside."""
        *before, last = node.args
        if node.args[0].is_number:
            number, rest = node.args[0], Times(*node.args[1:])
            return (rest,), lambda value: number * value
        left = Times(*before)
        if last.is_number:
            return (left,), lambda value: value * last
        return (left, last), lambda a, b: a * b

    def _age(self, root: Expr) -> float:
        stack = [root]
        while stack:
            node = stack[-1]
            missing = []
            if isinstance(node, Element):
                self.ages[node] = node.serial
            elif node not in self.ages:
                missing = [argument for argument in node.args if argument not in self.ages]
                if not missing:
                    self.ages[node] = min((self.ages[a] for a in node.args), default=math.inf)
            if not missing:
                stack.pop()
            stack.extend(missing)
        return self.ages[root]


def _nodes_of(body: Expr) -> set[sympy.Basic]:
    """Return the parts of a body; one that is used many times is visited once."""
    found: set[sympy.Basic] = set()
    stack: list[sympy.Basic] = [body]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(node.args)
    return found


def _of_power(node: Expr) -> Parts:
    """Return ``1/b``, ``b²``, ``2^e`` or ``b^e``; a negative power is a reciprocal's."""
    base, exponent = node.args
    if not exponent.is_number:
        if base.is_number:
            return (exponent,), lambda e: power(base, e)
        return (base, exponent), power
    if exponent == -1:
        return (base,), lambda b: 1 / b
    if exponent.is_negative:
        return (power(base, -exponent),), lambda p: 1 / p
    return (base,), lambda b: power(b, exponent)


def _of_extremum(node: Expr) -> Parts:
    """Return a maximum or minimum of all that it is taken of: nested ones share as one does."""
    kind = type(node)

    def build(*values: Expr) -> Expr:
        return kind(build(*values[:-1]), values[-1]) if len(values) > 1 else values[0]

    return tuple(taken_of(node)), build


def _is_leaf(node: Expr) -> bool:
    return isinstance(node, Element) or node.is_number or node.is_Symbol or not node.args


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)
