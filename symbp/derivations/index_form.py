"""The index form: a recursive printer of scalar bodies, in the order in which people write.

Terms and factors are ordered by when their tensors were written down (`Element.serial`), sums
first; what is printed is the SymPy body that the interpreter evaluates.
"""

from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.derivations.boundary import gathered, unguarded
from symbp.derivations.counting import first_place, place, relation_of_places
from symbp.derivations.implicit_form import implicit_form
from symbp.derivations.index_names import IndexNames, Scope
from symbp.derivations.local import LocalDerivative
from symbp.derivations.number_form import ADD, ATOM, MUL, POWER, Printed, number_form
from symbp.derivations.order import (
    factor_order,
    factors_of,
    in_order,
    is_constant,
    is_fraction,
    is_negative,
    with_common_number,
)  # fmt: skip
from symbp.derivations.patterns import is_indicator, softmax_argument
from symbp.derivations.scripts import is_raised
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import terms
from symbp.notation.derivative import Derivative, runs
from symbp.notation.elementary_functions import ceil, floor
from symbp.notation.equation import Equation, indices_of
from symbp.notation.functions import Operation, log_sum_exp, operation_of, where
from symbp.notation.index import Index
from symbp.notation.linear_algebra import Implicit, Solve
from symbp.notation.prime import Prime
from symbp.notation.reductions import LogSumExp, Max, Reduction
from symbp.notation.singular import plainly
from symbp.notation.tensor import Element

__all__ = ["IndexForm"]


# After these no parentheses are needed around a single symbol.
BARE = {r"\ln", r"\sin", r"\cos"}


class IndexForm(IndexNames):
    """Prints expressions with their indices."""

    # Whether what is shown is a place: there an index is its name, elsewhere a number.
    in_subscript = False

    def sides(self, lhs: Element, equations: Sequence[Equation]) -> tuple[str, str]:
        """Return both sides of what the equations say of one tensor."""
        self.note_symbols(lhs, *(equation.body for equation in equations))
        scope: Scope = {}
        for index in lhs.args:
            self.name(index, scope)
        left, _ = self.show(lhs, scope)
        right = ""
        for equation in equations:
            if equation.is_scatter:
                term, _ = self._scattered(lhs, equation, scope)
            else:
                term, _ = self.show(equation.body, scope)
            if right and term.startswith("-"):
                right += self.style.minus + term[1:]
            else:
                right += (self.style.plus if right else "") + term
        return left, right

    def equality(self, left: Expr, right: Expr) -> tuple[str, str]:
        """Return both sides where the left one is any expression; it names the indices."""
        self.note_symbols(left, right)
        scope: Scope = {}
        for index in indices_of(left):
            self.name(index, scope)
        return self.show(left, scope)[0], self.show(right, scope)[0]

    def scalar(self, node: Expr) -> Printed:
        """Print an expression without indices."""
        return self.show(node, {})

    def show(self, node: Expr, scope: Scope) -> Printed:
        """Print an expression; the scope names the indices that are free in it."""
        if isinstance(node, Element):
            text = self.tensor(node.tensor, [self._subscript(a, scope) for a in node.args])
            if node.tensor.partial_of is not None:
                return text, MUL
            source = node.tensor.adjoint_of
            raised = is_raised(node.tensor) or (source is not None and is_raised(source))
            return text, POWER if raised else ATOM
        if isinstance(node, LocalDerivative):
            above, below = (
                self.below(part.tensor, [self._subscript(a, scope) for a in part.args])
                for part in (node.above, node.below)
            )
            text = self.style.partial(above, below)
            return self.style.direct(text) if node.direct else text, ATOM
        if isinstance(node, Derivative):  # in an equation as it was written
            by = [(self.show(element, scope)[0], count) for element, count in runs(node.by)]
            return self.style.derivative(self.show(node.of, scope)[0], by), MUL
        if isinstance(node, Index):
            name = self.style.name(scope[node])
            first = 0 if self.in_subscript else first_place()
            return (f"{name}{self.style.minus}{first}", ADD) if first else (name, ATOM)
        if node.is_Symbol:
            return self.style.name(node.name), ATOM
        if node.is_Number:
            return number_form(node, self.style)
        formula = plainly(node)
        if formula is not node:
            return self.show(formula, scope)
        if isinstance(node, sympy.Add):
            return self._sum_of_terms(node, scope)
        if isinstance(node, (sympy.Mul, sympy.Pow)):
            return self._product(node, scope)
        if isinstance(node, Reduction):
            return self._reduction(node, scope)
        if isinstance(node, Prime):
            return self._prime(node, scope), ATOM
        if isinstance(node, where):
            return self._choice(node, scope)
        if isinstance(node, sympy.logic.boolalg.Boolean):
            return self._condition(node, scope), ADD
        if isinstance(node, sympy.exp):
            return self._exponential(node, scope)
        if node is sympy.pi:
            return self.style.symbol(r"\pi"), ATOM
        if node is sympy.E:
            return "e", ATOM
        if isinstance(node, sympy.Mod):
            inner = [self.show(argument, scope)[0] for argument in node.args]
            return self.style.operator("mod", ", ".join(inner)), ATOM
        if isinstance(node, (sympy.floor, sympy.ceiling)):
            named = floor if isinstance(node, sympy.floor) else ceil
            return self._application(operation_of(named), node.args, scope)
        if isinstance(node, log_sum_exp):
            terms = [self.style.exponential(self.show(a, scope)[0]) for a in node.args]
            total = self.style.parentheses(self.style.plus.join(terms))
            return f"{self.style.function(operation_of(sympy.log))} {total}", MUL
        return self._application(operation_of(type(node)), node.args, scope)

    def enclosed(self, printed: Printed, least: int) -> str:
        """Return what is printed, in parentheses if it holds together less than needed."""
        text, level = printed
        return text if level >= least else self.style.parentheses(text)

    def _sum_of_terms(self, node: Expr, scope: Scope) -> Printed:
        # What keeps the order in which it was written prints in that order.
        written = isinstance(node, Plus)
        content, given = (sympy.S.One, node.args) if written else with_common_number(node)
        text = ""
        for term in given if written else in_order(given):
            negative = is_negative(term)
            shown = self.enclosed(self.show(-term if negative else term, scope), MUL)
            if text:
                text += (self.style.minus if negative else self.style.plus) + shown
            else:
                text = ("-" if negative else "") + shown
        if content == 1:
            return text, ADD
        return number_form(content, self.style)[0] + self.style.times + self.style.parentheses(
            text
        ), MUL

    def _product(self, node: Expr, scope: Scope) -> Printed:
        if is_negative(node):
            text, level = self.show(-node, scope)
            return "-" + self.enclosed((text, level), MUL), ADD
        above: list[Expr] = []
        below: list[Expr] = []
        for factor in factors_of(node):
            if factor.is_Rational:
                above += [sympy.Integer(factor.p)] if factor.p != 1 else []
                below += [sympy.Integer(factor.q)] if factor.q != 1 else []
            elif isinstance(factor, sympy.Pow) and factor.args[1].is_negative is True:
                below.append(1 / factor)
            else:
                above.append(factor)
        if not below:
            return self._factors(above, scope)
        if any(factor.has(Element, Reduction, Index) for factor in below):
            last = [f for f in above if isinstance(f, (Reduction, Prime)) or self.is_partial(f)]
            inside = [f for f in above if f not in last]
        else:  # a number such as 1/2N or λ/2 stands in front
            inside = [factor for factor in above if is_constant(factor)]
            last = [factor for factor in above if not is_constant(factor)]
        fraction = self._fraction(inside, below, scope)
        if not last:
            return fraction
        between = self.style.dot if self.style.one_line and self.is_partial(last[0]) else (
            self.style.times
        )  # fmt: skip
        return fraction[0] + between + self.enclosed(self._factors(last, scope), MUL), MUL

    def _fraction(self, above: list[Expr], below: list[Expr], scope: Scope) -> Printed:
        numerator = self._factors(above, scope) if above else ("1", ATOM)
        denominator = self._factors(below, scope, compact=True)
        if self.style.one_line:
            return self.style.fraction(
                self.enclosed(numerator, MUL), self.enclosed(denominator, POWER)
            ), MUL
        return self.style.fraction(numerator[0], denominator[0]), MUL

    def _factors(self, factors: list[Expr], scope: Scope, compact: bool = False) -> Printed:
        if not factors:
            return "1", ATOM
        if len(factors) == 1:
            return self._power(factors[0], scope)
        ordered = sorted(factors, key=factor_order)
        for factor in [f for f in ordered if isinstance(f, sympy.Add)]:
            # σ(z) (1 - σ(z)), not the other way round.
            if any(-other in terms(factor) for other in ordered):
                ordered.append(ordered.pop(ordered.index(factor)))
        reductions = [f for f in ordered if isinstance(f, Reduction)]
        shown: list[str] = []
        for position, factor in enumerate(ordered):
            text, level = self._power(factor, scope)
            following = ordered[position + 1 :]
            if isinstance(factor, Reduction) and level < ATOM:
                # What follows a sum would read as part of it; σ'(z) is known not to be.
                if len(reductions) > 1 or any(not isinstance(f, Prime) for f in following):
                    text = self.style.parentheses(text)
            else:
                text = self.enclosed((text, level), MUL)
            shown.append(text)
        separator = "" if compact and all(len(text) == 1 for text in shown) else self.style.times
        if not self.style.one_line:
            return separator.join(shown), MUL
        joined = shown[0]
        for left, right, after in zip(ordered, ordered[1:], shown[1:], strict=False):
            # ∂C/∂a needs to be set apart on one line.
            apart = any(is_fraction(f) or self.is_partial(f) for f in (left, right))
            joined += (self.style.dot if apart else separator) + after
        return joined, MUL

    def _power(self, node: Expr, scope: Scope) -> Printed:
        if not isinstance(node, sympy.Pow):
            return self.show(node, scope)
        base, exponent = node.args
        if exponent.is_negative is True:
            return self._fraction([], [1 / node], scope)
        if exponent == sympy.Rational(1, 2):
            return self.style.root(self.show(base, scope)[0]), ATOM
        inner = self.enclosed(self.show(base, scope), ATOM)
        return self.style.power(inner, self.show(exponent, scope)[0]), POWER

    def _reduction(self, node: Reduction, scope: Scope) -> Printed:
        inner = dict(scope)
        bound = [self.name(index, inner) for index in node.bound]
        body = node.body
        if isinstance(node, Implicit):
            text, whole = implicit_form(
                node,
                self.style,
                lambda part: (
                    self._subscript(part, inner)
                    if isinstance(part, Index)
                    else self.show(part, inner)[0]
                ),
                lambda element, own: self._letter(element, own, inner),
            )
            if isinstance(node, Solve) and not whole:
                text += self.enclosed(self.show(body.right, inner), MUL)
            return text, ATOM if whole else MUL
        if isinstance(node, LogSumExp):
            sign = self.style.reduction("sum", bound, ())
            record = operation_of(sympy.log)
            exponent = self.style.exponential(self.show(body, inner)[0])
            return f"{self.style.function(record)} {sign}{exponent}", MUL
        sign = self.style.reduction("max" if isinstance(node, Max) else "sum", bound, ())
        return sign + self.enclosed(self.show(body, inner), MUL), MUL

    def _letter(self, element: Element, own: tuple[Index, Index], scope: Scope) -> str | None:
        """Print the letter of a matrix, with the indices that number it."""
        tensor = element.tensor
        if tensor.partial_of is not None or tensor.adjoint_of is not None or tensor.label:
            return None
        return self.tensor(
            tensor, [self._subscript(a, scope) for a in element.args if a not in own]
        )

    def _scattered(self, lhs: Element, equation: Equation, scope: Scope) -> Printed:
        """Print ``T[e] += body`` as a sum over the index values with ``e`` the place asked for."""
        # Renamed apart: an index of its own may be one that the left side is printed with.
        equation = equation.rename({index: index.fresh() for index in equation.domain})
        formula = gathered(lhs, equation)
        if formula is not None:
            return self.show(formula, scope)
        plain: dict[Expr, Expr] = {}
        for asked, subscript in zip(lhs.args, equation.lhs.args, strict=True):
            whole = isinstance(subscript, Index) and subscript.extent == asked.extent
            if whole and subscript not in plain:
                plain[subscript] = asked
        inner = dict(scope)
        bound = [self.name(i, inner) for i in equation.domain if i not in plain]
        conditions = []
        for asked, subscript in zip(lhs.args, equation.lhs.args, strict=True):
            if plain.get(subscript) is asked:
                continue
            left = self._subscript(subscript.xreplace(plain), inner)
            right = self._subscript(asked, scope)
            if subscript.is_number:  # t = 6
                left, right = right, left
            conditions.append(self.style.relation("==", left, right))
        body = self.enclosed(self.show(equation.body.xreplace(plain), inner), MUL)
        if not bound:  # one place only: Iverson's bracket
            brackets = self.style.times.join(map(self.style.indicator, conditions))
            return brackets + self.style.times + body, MUL
        return self.style.reduction("sum", bound, conditions) + body, MUL

    def _prime(self, node: Prime, scope: Scope) -> str:
        application = node.application
        record = operation_of(type(application))
        several = any(not argument.is_number for argument in application.args[1:])
        name = self.style.prime(self.style.function(record), node.argument if several else 0)
        inner = ", ".join(self.show(argument, scope)[0] for argument in application.args)
        return name + self.style.parentheses(inner)

    def _exponential(self, node: Expr, scope: Scope) -> Printed:
        written_out = [t for t in node.args[0].args if isinstance(-t, log_sum_exp)]
        if len(written_out) == 1:  # the softmax of components
            above, below = node.args[0] - written_out[0], -written_out[0]
            terms = [self.style.exponential(self.show(a, scope)[0]) for a in below.args]
            numerator = self.style.exponential(self.show(above, scope)[0])
            denominator = self.style.plus.join(terms)
            if self.style.one_line:
                denominator = self.style.parentheses(denominator)
            return self.style.fraction(numerator, denominator), MUL
        parts = softmax_argument(node.args[0])
        if parts is None:
            return self.style.exponential(self.show(node.args[0], scope)[0]), ATOM
        above, reduction = parts
        numerator = self.style.exponential(self.show(above, scope)[0])
        inner = dict(scope)
        bound = [self.name(index, inner) for index in reduction.bound]
        below = self.style.exponential(self.show(reduction.body, inner)[0])
        denominator = self.style.reduction("sum", bound, ()) + below
        if self.style.one_line:  # what follows would read as part of the sum
            denominator = self.style.parentheses(denominator)
        return self.style.fraction(numerator, denominator), MUL

    def _choice(self, node: Expr, scope: Scope) -> Printed:
        without = unguarded(node)
        if without is not None:
            return self.show(without[0], scope)
        condition, chosen, other = node.args
        shown = self._condition(condition, scope)
        if is_indicator(node):
            return self.style.indicator(shown), ATOM
        return self.style.cases(
            self.show(chosen, scope)[0], shown, self.show(other, scope)[0]
        ), ATOM

    def _condition(self, node: Expr, scope: Scope) -> str:
        for sign, kind in RELATION_KINDS.items():
            if isinstance(node, kind):
                if sign not in ("and", "or"):
                    return self._comparison(sign, node, scope)
                parts = [self._part(argument, node, scope) for argument in node.args]
                text = parts[0]
                for part in parts[1:]:
                    text = self.style.relation(sign, text, part)
                return text
        if isinstance(node, sympy.Not):
            return "¬" + self.style.parentheses(self._condition(node.args[0], scope))
        return str(node).lower()

    def _comparison(self, sign: str, node: Expr, scope: Scope) -> str:
        left, right = node.args
        places = relation_of_places(left, right, named=sign in ("==", "!="))
        if places is None:
            return self.style.relation(sign, *(self.show(side, scope)[0] for side in node.args))
        if places != node.args and sign == "<":  # j - 1 < 3 is j ≤ 3
            sign, places = "<=", (places[0], places[1] - 1)
        within, self.in_subscript = self.in_subscript, True
        sides = [self.show(side, scope)[0] for side in places]
        self.in_subscript = within
        return self.style.relation(sign, *sides)

    def _part(self, node: Expr, whole: Expr, scope: Scope) -> str:
        """Print a side of a comparison, or a condition in another one."""
        text = self.show(node, scope)[0]
        mixed = isinstance(node, (sympy.And, sympy.Or)) and type(node) is not type(whole)
        return self.style.parentheses(text) if mixed else text

    def _application(self, record: Operation, arguments: Sequence[Expr], scope: Scope) -> Printed:
        shown = [self.show(argument, scope) for argument in arguments]
        name = self.style.function(record)
        if "{0}" in name:
            return name.format(*(text for text, _ in shown)), ATOM
        if record.latex in BARE and len(shown) == 1 and shown[0][1] >= POWER:
            return f"{name} {shown[0][0]}", MUL
        return name + self.style.parentheses(", ".join(text for text, _ in shown)), ATOM

    def _subscript(self, node: Expr, scope: Scope) -> str:
        within, self.in_subscript = self.in_subscript, True
        text = self.show(place(node), scope)[0].replace(" ", "")
        self.in_subscript = within
        return text


RELATION_KINDS = {
    "==": sympy.Eq, "!=": sympy.Ne, "<": sympy.StrictLessThan, "<=": sympy.LessThan,
    ">": sympy.StrictGreaterThan, ">=": sympy.GreaterThan, "and": sympy.And, "or": sympy.Or,
}  # fmt: skip
