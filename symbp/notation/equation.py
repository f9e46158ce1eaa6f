"""Equations: the only currency of symbp.

An equation says ``lhs[f] = reduce_r body``. A user writes ``Equation(z[n, j], Sum(W[j, k] *
a[n, k], k) + b[j])``; the passes of :mod:`symbp.calculus` bring it to the form in which the
reduction stands in the ``reduce`` and ``operation`` fields and the body is a plain scalar.
"""

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import sympy
from sympy.core.expr import Expr
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from symbp.notation.arguments import expression_of, no_equation
from symbp.notation.derivative import Derivative
from symbp.notation.display import equations_bundle
from symbp.notation.errors import NotationError
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.left_hand_side import check_left_hand_side
from symbp.notation.linear_algebra import Factor, Unknown
from symbp.notation.operation import in_notation
from symbp.notation.phase import Phase
from symbp.notation.prime import Prime
from symbp.notation.reductions import REDUCTIONS, ReduceOperation, Reduction, Scan
from symbp.notation.scopes import check_scopes
from symbp.notation.standard import translated
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Quotient, Remainder, text_of

__all__ = ["Equation", "Origin", "elements_of", "indices_of"]


@dataclass(frozen=True)
class Origin:
    """Where an equation comes from: derivations print from this.

    Attributes
    ----------
    rule : str
        ``"given"`` for the user's own, else the name of the pass or rule that made it.
    source : Equation, optional
        The equation it was made from.
    occurrence : Element, optional
        The occurrence of a tensor in the source that the rule was applied to.
    """

    rule: str = "given"
    source: "Equation | None" = None
    occurrence: Element | None = None


_AGE = operator.attrgetter("dummy_index")


def indices_of(expression: sympy.Basic) -> list[Index]:
    """Return the free indices of an expression in a fixed order (their age)."""
    found = [symbol for symbol in expression.free_symbols if isinstance(symbol, Index)]
    return sorted(found, key=_AGE)


def elements_of(expression: sympy.Basic) -> list[Element]:
    """Return the distinct elements that are read, outermost first, in the order written.

    Elements of integer tensors that stand inside a subscript are not among them.
    """
    found: dict[Element, None] = {}

    def visit(node: sympy.Basic) -> None:
        if isinstance(node, Element):
            found.setdefault(node)
            return
        for argument in node.args:
            visit(argument)

    visit(expression)
    return sorted(found, key=lambda element: element.serial)


# So that Equation(z[n, j] == …), a bool by then, can be answered.
_MISSING: Any = sympy.Symbol("missing")


@dataclass(frozen=True)
class Equation:
    """One equation ``lhs = reduce body``.

    Parameters
    ----------
    lhs : Element or Tensor
        What is defined: ``z[n, j]`` with distinct indices, or a scalar tensor. A subscript may be
        a sum of indices, as in ``u[n, 4*i + j]``: values that meet in one place add up, and where
        none comes, there is 0.
    body : SymPy expression
        The right-hand side; may hold ``Sum``, ``Max`` and ``LogSumExp``.
    reduce : tuple of Index
        The indices reduced over, once the equation is normalised.
    operation : {"sum", "max", "logsumexp", …}
        How it is reduced; for what is solved for see :mod:`symbp.notation.linear_algebra`.
    accumulate : bool
        Whether it adds to what other equations with this left-hand side give (``+=``).
    origin : Origin
        Where it comes from; takes no part in comparison.

    Examples
    --------
    >>> import symbp as bp
    >>> n, j = bp.indices("n j", "N", 3)
    >>> z, a = bp.tensor("z", n, j), bp.tensor("a", n, j)
    >>> print(Equation(a[n, j], bp.sigmoid(z[n, j])))
    a[n, j] = sigmoid(z[n, j])
    """

    lhs: Element
    body: Expr = _MISSING
    reduce: tuple[Index, ...] = ()
    operation: ReduceOperation = "sum"
    accumulate: bool = False
    origin: Origin = field(default=Origin(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.body is _MISSING:
            raise NotationError(
                f"bp.Equation takes a left-hand side and a right-hand side, {no_equation(self.lhs)}"
            )
        if isinstance(self.lhs, Tensor):
            object.__setattr__(self, "lhs", self.lhs[()] if not self.lhs.rank else self.lhs)
        if not isinstance(self.lhs, Element):
            raise NotationError(
                f"left-hand side {self.lhs}: expected an element such as z[n, j], or a tensor "
                f"without indices"
            )
        body = self.body
        if not isinstance(body, Expr):
            body = expression_of(body, f"{self.lhs}: right-hand side")
        if self.origin.rule == "given":
            body = _as_notation(self.lhs, body)
            object.__setattr__(self, "body", translated(body))
            _check_given(self)
        else:
            object.__setattr__(self, "body", translated(body))

    @property
    def tensor(self) -> Tensor:
        """The tensor that is defined."""
        return self.lhs.tensor

    @property
    def domain(self) -> tuple[Index, ...]:
        """The indices that the equation ranges over: those of the left, then the reduced."""
        return (*_ordered_indices(self.lhs), *self.reduce)

    @property
    def is_scatter(self) -> bool:
        """Whether the left-hand side is not a list of distinct plain indices.

        A scatter adds to its target over the whole domain; anything else is a gather, with one
        assignment for each element.
        """
        return not self.lhs.is_plain

    @property
    def defined(self) -> Element:
        """What it defines, as it is read: an element at plain indices, also of a scatter."""
        return self.tensor.element if self.is_scatter else self.lhs

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the left-hand side is one value of the body, not reduced."""
        return not self.reduce and not self.is_scatter

    def reads(self) -> Iterator[Element]:
        """Yield every element that is read, also those inside subscripts."""
        yield from self._reads

    @cached_property
    def _reads(self) -> tuple[Element, ...]:
        # Every pass asks, some of them several times; the order is the same in every process.
        found: dict[Element, None] = {}
        left: list[Any] = [*reversed(self.lhs.args), self.body]
        while left:
            node = left.pop()
            if isinstance(node, Element):
                found.setdefault(node)
            left.extend(reversed(node.args))
        return tuple(found)

    def __getstate__(self) -> dict[str, Any]:
        # What is computed from the rest when it is asked for need not travel.
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def __copy__(self) -> "Equation":
        return self  # it cannot change

    def __deepcopy__(self, memo: object) -> "Equation":
        return self

    def replace(self, **changes: Any) -> "Equation":
        """Return the equation with some fields changed."""
        return replace(self, **changes)

    def rename(self, mapping: dict[Any, Any]) -> "Equation":
        """Return the equation with indices or elements replaced throughout."""
        # As an equation, it was looked at when it was made.
        renamed = object.__new__(Equation)
        vars(renamed).update(
            lhs=self.lhs.xreplace(mapping),
            body=self.body.xreplace(mapping),
            reduce=tuple(mapping.get(index, index) for index in self.reduce),
            operation=self.operation,
            accumulate=self.accumulate,
            origin=self.origin,
        )
        return renamed

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return equations_bundle([self], None, "print(equation)", include, exclude)

    def __str__(self) -> str:
        bound = ", ".join(index.name for index in self.reduce)
        body = f"{self.operation}_{{{bound}}} {self.body}" if bound else str(self.body)
        return f"{self.lhs} {'+=' if self.accumulate else '='} {body}"


def _ordered_indices(lhs: Element) -> list[Index]:
    found: dict[Index, None] = {}
    for subscript in lhs.args:
        for index in indices_of(subscript):
            found.setdefault(index)
    return list(found)


def _as_notation(lhs: Element, body: Expr) -> Expr:
    """Replace SymPy's own Max, Min, Piecewise and scalar tensors by the notation's."""
    mapping: dict[Any, Any] = {}
    for node in sympy.postorder_traversal(body):
        if isinstance(node, Tensor):
            if node.rank:
                raise NotationError(
                    f"{lhs}: {node.name} is a tensor with {node.rank} indices, write "
                    f"{node.name}[{', '.join(i.name for i in node.indices)}]"
                )
            mapping[node] = node[()]
    return in_notation(body.xreplace(mapping), str(lhs))


def _check_given(equation: Equation) -> None:
    lhs, body = equation.lhs, equation.body
    seen: set[Any] = {*check_left_hand_side(lhs)}
    if equation.operation not in REDUCTIONS:
        raise NotationError(
            f"{lhs}: operation {equation.operation!r}, expected one of {', '.join(REDUCTIONS)}"
        )
    for index in equation.reduce:
        if not isinstance(index, Index):
            raise NotationError(f"{lhs}: expected indices to reduce over, got {index!r}")
        if index in seen or equation.reduce.count(index) > 1:
            raise NotationError(f"{lhs}: index {index} is reduced over, but used once already")
    for index in indices_of(body):
        if index not in seen and index not in equation.reduce:
            raise NotationError(
                f"{lhs}: index {index} is free on the right but not on the left; sum over it "
                f"with Sum(…, {index}) or put it on the left" + _twin(index, seen, body)
            )
    _check_nodes(lhs, body)
    check_scopes(lhs, body, equation.reduce, equation.operation)


def _twin(index: Index, left: set[Any], body: Expr) -> str:
    """Return a remark if another index has the name of one that is free."""
    if any(other.name == index.name for other in left):
        return f" (the {index} on the left is another index of that name)"
    if any(index is unknown.place for unknown in body.atoms(Unknown)):
        return f" (bp.solve gives the unknown that is numbered {index})"
    bound = {other for reduction in body.atoms(Reduction) for other in reduction.bound}
    if any(other.name == index.name for other in bound - {index}):
        return f" (the {index} that is summed over is another index of that name)"
    return ""


# What a body may consist of, besides functions and elements.
_NODES = (
    sympy.Add, sympy.Mul, sympy.Pow, sympy.Number, sympy.NumberSymbol, sympy.Symbol,
    Relational, sympy.And, sympy.Or, sympy.Not, BooleanAtom, Phase,
)  # fmt: skip


def _check_nodes(lhs: Element, body: Expr) -> None:
    nodes = sympy.preorder_traversal(body)
    for node in nodes:
        if isinstance(node, Element):
            nodes.skip()  # its subscripts were looked at when it was made
            continue
        if isinstance(node, (Reduction, Scan, Prime, Derivative, Unknown, Factor)):
            continue
        if isinstance(node, sympy.Symbol) and not isinstance(node, Index):
            if not (node.is_integer and node.is_positive):
                raise NotationError(
                    f"{lhs}: symbol {node} is not declared; declare a scalar with "
                    f"bp.constant({node.name!r}, value) or bp.parameter({node.name!r})"
                )
        elif isinstance(node, (sympy.Sum, sympy.Integral, sympy.Derivative, sympy.MatrixExpr)):
            raise NotationError(
                f"{lhs}: {type(node).__name__} of SymPy has no place in an equation; write "
                f"bp.Sum(body, index) or bp.Derivative(u[n], x[n, 0]), or use bp.from_matrices for "
                f"matrix expressions"
            )
        elif isinstance(node, AppliedUndef):
            raise NotationError(f"{lhs}: {node} is an undefined function; see bp.function")
        elif isinstance(node, sympy.Function):
            if not _is_integer_function(node):
                if isinstance(node, (Quotient, Remainder)):
                    raise NotationError(
                        f"{lhs}: {text_of(node)}: of data, % and // stand in subscripts; as values "
                        f"they are bp.mod(a, b) and bp.floor(a / b)"
                    )
                _check_function(lhs, node)
        elif node.is_number and not node.is_extended_real:
            raise NotationError(f"{lhs}: {node} is not a real number")
        elif not isinstance(node, _NODES):
            raise NotationError(
                f"{lhs}: {type(node).__name__} of SymPy has no place in an equation"
            )
        elif isinstance(node, sympy.Number) and node.is_finite and not _fits(node):
            raise NotationError(f"{lhs}: {sympy.N(node, 4)} is too large for a float")
        if not isinstance(node, where) and {sympy.oo, -sympy.oo}.intersection(node.args):
            raise NotationError(
                f"{lhs}: infinity is no number to compute with; it may be a branch of bp.where, "
                f"as in a mask"
            )


def _check_function(lhs: Element, node: sympy.Function) -> None:
    record = operation_of(type(node))
    if not record.written_out or record.definition is None:
        return
    # A user's own: its formula and its derivative have to be of the notation, too.
    formula = record.definition(*node.args)
    if formula.atoms(type(node)) - set().union(*(a.atoms(type(node)) for a in node.args)):
        raise NotationError(f"{lhs}: the formula of {record.name} holds {record.name} itself")
    _check_nodes(lhs, formula)
    for rule in record.derivative(*node.args):
        # It may be written in terms of the function, as σ' = σ(1 - σ) is.
        _check_nodes(lhs, rule.xreplace({node: sympy.S.One}))


def _fits(number: sympy.Number) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _is_integer_function(node: sympy.Function) -> bool:
    """Whether a function acts on indices only (``floor(t/2)``, ``Mod(t, 2)``)."""
    functions = (sympy.floor, sympy.ceiling, sympy.Mod)
    return isinstance(node, functions) and not node.atoms(Element)
