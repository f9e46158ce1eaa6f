"""normalise: give every reduction an equation of its own and rename bound indices apart.

``z = Σ_k W a + b`` becomes ``z = Σ_k W a`` and ``z += b``; a reduction under a nonlinear node,
such as the sum in ``x / Σ exp(x)``, becomes a tensor of its own, and so does a derivative that is
an operand. Afterwards each body is a plain scalar expression, or a derivative by itself, and the
reduction stands in the equation's ``reduce`` and ``operation``.
"""

from collections.abc import Iterable, Iterator

import sympy
from sympy.core.expr import Expr

from symbp.calculus.derivative import define_derivatives
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import factors, product_of, terms
from symbp.notation.derivative import Derivative
from symbp.notation.equation import Equation, Origin, indices_of
from symbp.notation.errors import NotationError
from symbp.notation.forms import Form
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.reductions import REDUCTIONS, ReduceOperation, Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["normalise", "normalised_equations", "separate"]

# What gets an equation of its own.
_LIFTED = (Reduction, Derivative)


def normalise(program: Program) -> Program:
    """Return the program with one reduction, at most, in each equation.

    Parameters
    ----------
    program : Program
        Any program.

    Returns
    -------
    Program
        Bodies hold no :class:`~symbp.notation.reductions.Reduction`, and what is a derivative in
        them has equations.
    """
    return define_derivatives(separate(program))


def separate(program: Program) -> Program:
    """Return the program with each reduction and each derivative in an equation of its own.

    What is derived from equations for computing should be derived from those that are stable:
    between this and :func:`~symbp.calculus.derivative.define_derivatives` they become so.
    """
    names = {tensor.name for tensor in program.tensors}
    equations = normalised_equations(program.equations, names)
    kept = program.passed & ~Form.SHARED
    plain = program.replace(equations=tuple(equations), passed=kept | Form.NORMALISED)
    for role in ("parameter", "input", "target"):
        for tensor in getattr(program, f"{role}s"):
            if tensor not in getattr(plain, f"{role}s"):
                raise NotationError(
                    f"{role} {tensor.name} cancels out of the equations: leave it out of them"
                )
    return plain


def normalised_equations(equations: Iterable[Equation], names: set[str]) -> list[Equation]:
    """Return equations with one reduction, at most, in each.

    Parameters
    ----------
    equations : iterable of Equation
        In order.
    names : set of str
        Of all tensors; those of new ones are added.
    """
    return [made for equation in equations for made in _Normaliser(equation, names).equations()]


class _Normaliser:
    """Splits one equation; holds the names in use and the equations lifted so far."""

    def __init__(self, equation: Equation, names: set[str]) -> None:
        self.equation = equation
        self.names = names
        self.lifted: list[Equation] = []
        self.origin = Origin("normalise", equation)

    def equations(self) -> Iterator[Equation]:
        equation = self.equation
        inexact = equation.operation == "max" and not _is_stored(equation.body)
        if isinstance(equation.body, Derivative) and not equation.reduce:
            yield equation
            return
        if not equation.body.has(*_LIFTED) and not (equation.reduce and inexact):
            yield equation
            return
        if equation.is_scatter and equation.reduce and equation.operation != "sum":
            # What adds up in one place are the results.
            whole = REDUCTIONS[equation.operation](equation.body, *equation.reduce)
            body = self._lift_all(whole, ())
            yield from self.lifted
            yield equation.replace(body=body, reduce=(), operation="sum", origin=self.origin)
            return
        if equation.reduce and equation.operation != "sum":
            body = self._reduced_body(equation.body, equation.operation)
            yield from self.lifted
            yield equation.replace(body=body, origin=self.origin)
            return
        yield from self._contributions()

    def _contributions(self) -> Iterator[Equation]:
        """Yield what each term adds to the left-hand side, in the order in which they stand.

        Neighbours are added to what came before one by one: added to one another first, they
        would be summed in another order than the written one. Those in front may.
        """
        equation = self.equation
        found: list[Equation] = []
        start: list[Expr] = []
        written = terms(equation.body)
        if len(written) > 1 and not any(_is_sum(term) for term in written):
            written = (equation.body,)
        for term in written:
            factor, reduction = _linear(term)
            # Only a sum may have a factor drawn in, and only a sum of sums is one sum.
            if reduction is not None and (
                reduction.operation == "sum"
                or (
                    term == reduction
                    and term == equation.body
                    and not equation.reduce
                    and not equation.is_scatter
                )
            ):
                if start:
                    found.append(self._rest(start))
                    start = []
                found.append(self._reduce(equation.lhs, reduction, factor, equation.reduce))
            elif found:
                found.append(self._rest([self._lift_all(term, ())]))
            else:
                start.append(self._lift_all(term, ()))
        if start:
            found.append(self._rest(start))
        yield from self.lifted
        for position, contribution in enumerate(found):
            yield contribution.replace(accumulate=equation.accumulate or position > 0)

    def _rest(self, terms: list[Expr]) -> Equation:
        return self.equation.replace(body=Plus(*terms), origin=self.origin)

    def _reduce(
        self, lhs: Element, reduction: Reduction, factor: Expr, outer: tuple[Index, ...] = ()
    ) -> Equation:
        """Return ``lhs = reduce factor * body`` with its bound indices renamed apart."""
        taken = {*indices_of(lhs), *indices_of(factor), *outer}
        bound = tuple(i.fresh() if i in taken else i for i in reduction.bound)
        body = reduction.body.xreplace(dict(zip(reduction.bound, bound, strict=True)))
        all_bound = [*outer, *bound]
        while reduction.operation == "sum":
            # A sum of a sum is one sum, when nothing but a number stands between them.
            inner_factor, inner = _linear(body)
            if inner is None or inner.operation != "sum" or isinstance(body, sympy.Add):
                break
            taken = {*indices_of(lhs), *all_bound}
            fresh = tuple(i.fresh() if i in taken else i for i in inner.bound)
            all_bound += fresh
            factor = product_of(factor, inner_factor)
            body = inner.body.xreplace(dict(zip(inner.bound, fresh, strict=True)))
        body = product_of(factor, self._reduced_body(body, reduction.operation))
        return Equation(lhs, body, tuple(all_bound), reduction.operation, origin=self.origin)

    def _reduced_body(self, body: Expr, operation: ReduceOperation) -> Expr:
        """Return the body of a reduction without reductions in it.

        What a maximum is taken of is stored first, unless it is read as it stands: its derivative
        compares the two, and a value that is computed twice need not be equal to itself.
        """
        body = self._lift_all(body, ())
        if operation != "max" or _is_stored(body):
            return body
        tensor = Tensor(self._name("of_max"), tuple(indices_of(body)))
        self.lifted.append(Equation(tensor.element, body, origin=self.origin))
        return tensor.element

    def _lift_all(self, node: Expr, guards: tuple[tuple[Expr, bool], ...]) -> Expr:
        """Return the expression with every reduction replaced by an element of a new tensor."""
        if isinstance(node, Element) or not node.has(*_LIFTED):
            return node
        if isinstance(node, Derivative):
            return self._lift_derivative(node)
        if isinstance(node, where):
            condition, chosen, other = node.args
            condition = self._lift_all(condition, guards)
            return where(
                condition,
                self._lift_all(chosen, (*guards, (condition, True))),
                self._lift_all(other, (*guards, (condition, False))),
            )
        if isinstance(node, Reduction):
            return self._lift(node, guards)
        return node.func(*(self._lift_all(argument, guards) for argument in node.args))

    def _lift(self, node: Reduction, guards: tuple[tuple[Expr, bool], ...]) -> Element:
        # The bound indices are renamed apart from those that the guards speak of.
        spoken = {index for condition, _ in guards for index in indices_of(condition)}
        bound = tuple(i.fresh() if i in spoken else i for i in node.bound)
        body = node.body.xreplace(dict(zip(node.bound, bound, strict=True)))
        for condition, holds in reversed(guards):
            if not _is_needed(condition, node.body):
                continue
            # The guard goes along, so that the lifted equation reads nothing that was guarded.
            body = where(condition, body, 0) if holds else where(condition, 0, body)
        reduction = type(node)(body, *bound)
        free = self._in_order(indices_of(reduction))
        tensor = Tensor(self._name(node.operation), tuple(free))
        equation = self._reduce(tensor.element, reduction, sympy.S.One)
        self.lifted.append(equation)
        return tensor.element

    def _lift_derivative(self, node: Derivative) -> Element:
        """Return an element of a new tensor that is a derivative; subscripts need no guard."""
        tensor = Tensor(self._name("derivative"), tuple(self._in_order(indices_of(node))))
        origin = Origin("derivative", self.equation)
        self.lifted.append(Equation(tensor.element, node, origin=origin))
        return tensor.element

    def _in_order(self, free: list[Index]) -> list[Index]:
        """Return indices in the order of the left-hand side, so that layouts agree."""
        left = [index for index in self.equation.lhs.args if index in free]
        return [*left, *(index for index in free if index not in left)]

    def _name(self, what: str) -> str:
        return fresh_name(f"{self.equation.tensor.name}_{what}", self.names)


def _is_sum(term: Expr) -> bool:
    """Whether a term is a sum with a constant factor, which adds to a tensor by itself."""
    reduction = _linear(term)[1]
    return reduction is not None and reduction.operation == "sum"


def _linear(term: Expr) -> tuple[Expr, Reduction | None]:
    """Split ``factor * reduction`` where the factor is a number or a scalar constant.

    A factor that varies is kept outside: ``y[j] * Σ_k W a`` means the sum first, and moving the
    factor inside would multiply the work.
    """
    parts = factors(term)
    reductions = [f for f in parts if isinstance(f, Reduction)]
    others = [f for f in parts if not isinstance(f, Reduction)]
    if len(reductions) == 1 and all(_is_constant(factor) for factor in others):
        return product_of(*others), reductions[0]
    return sympy.S.One, None


def _is_needed(guard: Expr, body: Expr) -> bool:
    """Whether a guard of a sum does more than choose a value.

    It may keep from a read outside of a tensor, or of what is not computed yet, and from what is
    no number: padding in data, ``log(t - s)``. Without a guard, a sum can be a matrix product.
    """
    return bool(guard.atoms(Element)) or not _is_polynomial(body)


def _is_polynomial(node: Expr) -> bool:
    """Whether an expression is a polynomial in elements, each of which is always there."""
    if isinstance(node, Element):
        return all(
            isinstance(subscript, Element)
            or (
                isinstance(subscript, Index)
                and subscript.extent == index.extent
                and not subscript.sequential
            )
            for subscript, index in zip(node.args, node.tensor.indices, strict=True)
        )
    if isinstance(node, sympy.Pow):
        return bool(node.args[1].is_Integer and node.args[1] > 0) and _is_polynomial(node.args[0])
    if isinstance(node, sympy.Add | sympy.Mul):
        return all(map(_is_polynomial, node.args))
    return bool(node.is_number) or isinstance(node, Index)


def _is_stored(body: Expr) -> bool:
    """Whether evaluating the body again gives the same number: it is read, not computed."""
    if isinstance(body, where):
        condition, chosen, other = body.args
        return not condition.atoms(Element) and _is_stored(chosen) and _is_stored(other)
    return isinstance(body, Element) or bool(body.is_number)


def _is_constant(factor: Expr) -> bool:
    return (
        not factor.has(Reduction)
        and not indices_of(factor)
        and all(element.tensor.role == "constant" for element in factor.atoms(Element))
    )
