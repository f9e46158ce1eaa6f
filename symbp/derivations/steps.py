"""Steps: the derivation of each adjoint, written out.

For each adjoint in the order of the sweep: the equations that read its tensor, the chain rule
applied to them, the local derivatives, the chain rule with their values put in, and what that
comes to. Everything is read off the equations of :mod:`symbp.calculus.reverse` and their origins;
no layer is named here.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.calculus.share import canonical
from symbp.derivations.equations import DerivedEquation, Statement
from symbp.derivations.local import LocalDerivative
from symbp.derivations.patterns import freshened
from symbp.derivations.printing import equation_sides, style_of
from symbp.derivations.statements import is_named
from symbp.derivations.step import Equality, Formula, Kind, Step
from symbp.notation.equation import Equation, Origin
from symbp.notation.index import Index
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Element, Tensor

if TYPE_CHECKING:
    from symbp.derivations.derivation import Derivation

__all__ = ["steps"]

# What a quantity is called that a derivation introduces itself.
LETTERS = "suvqrghmpc"


def steps(derivation: "Derivation", statements: Iterable[Statement]) -> tuple[Step, ...]:
    """Return every step; see :meth:`Derivation.steps`."""
    return _Writer(derivation, tuple(statements)).steps()


class _Writer:
    """Writes the steps of one adjoint after the other."""

    def __init__(self, derivation: "Derivation", statements: tuple[Statement, ...]) -> None:
        self.derivation = derivation
        self.statements = statements
        self.cost: Tensor = derivation.program.cost  # type: ignore[assignment]
        self.kept = {line.tensor: line.equations[0] for line in derivation.forward}
        self.links = {line.tensor: line for line in derivation.links}
        self.results = {line.tensor: line for line in derivation.backward}
        self.normal: dict[Tensor, list[Equation]] = {}
        self.groups: dict[Tensor, list[Equation]] = {}
        for equation in derivation.differentiated.equations:
            if equation.tensor.adjoint_of is None:
                self.normal.setdefault(equation.tensor, []).append(equation)
            else:
                # Taken out and put in again, so that a group stands where it is complete.
                before = self.groups.pop(equation.tensor, [])
                self.groups[equation.tensor] = [*before, equation]
        self.names = self._introduced()

    def steps(self) -> tuple[Step, ...]:
        result: list[Step] = []
        stated: set[str] = set()
        for adjoint, contributions in self.groups.items():
            trivial = adjoint not in self.links and adjoint.adjoint_of in self.kept
            if trivial:
                continue  # ∂C/∂C₁ = 1 of a cost that is a sum of costs
            name = self._statement_of(adjoint)
            result += self._of_adjoint(adjoint, contributions, name)
            if name and name not in stated:
                stated.add(name)
                general = next(s.general for s in self.statements if s.name == name)
                if general is not None:
                    result.append(Step("statement", adjoint, (general,), self.cost, name))
        return tuple(result)

    def _statement_of(self, adjoint: Tensor) -> str:
        for statement in self.statements:
            if any(line.tensor is adjoint for line in statement.instances):
                return statement.name
        return ""

    def _of_adjoint(
        self, adjoint: Tensor, contributions: Sequence[Equation], name: str
    ) -> list[Step]:
        uses = list(dict.fromkeys(self._source(c).tensor for c in contributions))
        about = self.names.get(adjoint, adjoint)

        def step(kind: Kind, *formulas: Formula, **options: Any) -> Step:
            return Step(kind, about, formulas, self.cost, **options)

        rule, locals_ = self._chain(adjoint, contributions)
        values = self._line(adjoint, contributions)
        # A quantity that the derivation introduced has no line of its own.
        result = self.results.get(adjoint, self.links.get(adjoint, values))
        found = [step("equation", *self._equations(uses, contributions))]
        direct = uses == [self.cost]
        differs = not _reads_alike(values, result)
        if not direct or is_named(adjoint):
            found.append(step("chain rule", rule))
        if not direct or is_named(adjoint) or differs:
            found.append(step("local derivative", *locals_))
        if not direct and differs:
            found.append(step("substitution", values))
        put_in = tuple(tensor for tensor in _adjoints(values) if tensor not in _adjoints(result))
        simplified = differs and not put_in
        found.append(step("result", result, name=name, put_in=put_in, simplified=simplified))
        return found

    def _line(self, tensor: Tensor, contributions: Sequence[Equation]) -> DerivedEquation:
        """Return what the contributions add up to."""
        gathered = [c for c in contributions if not c.is_scatter]
        equations = [c for c in contributions if c.is_scatter]
        if gathered:
            lhs = gathered[0].lhs
            source = lhs.tensor.adjoint_of or lhs.tensor
            if source in self.kept:  # with the indices that the reader has seen
                lhs = lhs.tensor[self.kept[source].lhs.args]
            total = sympy.S.Zero
            for equation in gathered:
                names = dict(zip(equation.lhs.args, lhs.args, strict=True))
                total += freshened(whole_body(equation)).xreplace(names)
            equations.insert(0, Equation(lhs, total, origin=Origin("print", gathered[0])))
        renamed = [self._renamed(e.replace(accumulate=i > 0)) for i, e in enumerate(equations)]
        return DerivedEquation(tuple(renamed), self.cost)

    @staticmethod
    def _source(contribution: Equation) -> Equation:
        source = contribution.origin.source
        assert source is not None, "the rule notes what it was applied to"
        return source

    def _equations(
        self, uses: Sequence[Tensor], contributions: Sequence[Equation]
    ) -> tuple[DerivedEquation, ...]:
        """Return the equations of the tensors in use, and of counts of ties that are read."""
        # As they were differentiated, contributions to one tensor added.
        lines = [self._line(tensor, self.normal[tensor]) for tensor in uses]
        read = {e.tensor for c in contributions for e in c.body.atoms(Element)}
        for tensor, equations in self.normal.items():
            if tensor in read and equations[0].origin.rule == "ties":
                lines.append(self._line(tensor, self.normal[tensor]))
        return tuple(lines)

    def _chain(
        self, adjoint: Tensor, contributions: Sequence[Equation]
    ) -> tuple[DerivedEquation, tuple[Equality, ...]]:
        """Return the chain rule with derivatives by name, and what each of them is."""
        source = adjoint.adjoint_of
        assert source is not None, "only adjoints have a chain rule"
        like = self.kept[source].lhs if source in self.kept else source.element
        lhs = adjoint[like.args]
        total = sympy.S.Zero
        scatters: list[Equation] = []
        values: dict[LocalDerivative, Expr] = {}
        known: dict[Any, tuple[LocalDerivative, tuple[Index, ...]]] = {}
        several = len({self._source(c).tensor for c in contributions}) > 1
        for contribution in contributions:
            # Renamed apart: an index on the left may be summed over there.
            apart = {index: index.fresh() for index in contribution.domain}
            if not contribution.is_scatter:
                apart.update(zip(contribution.lhs.args, like.args, strict=True))
            equation = contribution.rename(apart)
            use = self._source(contribution)
            above = use.lhs.xreplace(apart)
            below = source[equation.lhs.args]
            # Where C is reached in other ways too, ∂C/∂T already names the whole.
            name = LocalDerivative(above, below, use.tensor is self.cost and several)
            upstream, value = self._parts(use, above, equation.body)
            summed = {apart.get(index, index) for index in use.reduce}
            inside = tuple(i for i in equation.reduce if i in summed)
            value = Sum(value, *inside) if inside else value
            form, order = canonical(name)
            key = form, tuple(index if index in like.args else None for index in order)
            if key in known:  # two terms of one equation: their derivatives add up
                name, names = known[key]
                value = value.xreplace(dict(zip(order, names, strict=True)))
                values[name] += value
                continue
            known[key] = name, order
            values[name] = value
            product = upstream * name
            outer = tuple(i for i in equation.reduce if i not in inside)
            if equation.is_scatter:
                scatters.append(equation.replace(body=product, reduce=outer))
            else:
                total += Sum(product, *outer) if outer else product
        equations = list(scatters)
        if total != 0:
            equations.insert(0, Equation(lhs, total, origin=Origin("chain rule")))
        equations = [self._renamed(e.replace(accumulate=i > 0)) for i, e in enumerate(equations)]
        rule = DerivedEquation(tuple(equations), self.cost)
        locals_ = tuple(
            Equality(self._relabelled(name), self._relabelled(value))
            for name, value in values.items()
        )
        return rule, locals_

    def _parts(self, use: Equation, above: Element, body: Expr) -> tuple[Expr, Expr]:
        """Split a contribution into the adjoint that it comes from and the local derivative."""
        if use.tensor is self.cost:
            return sympy.S.One, body
        for element in body.atoms(Element):
            if element.tensor.adjoint_of is use.tensor and element.args == above.args:
                return element, body.xreplace({element: sympy.S.One})
        raise AssertionError("a contribution holds the adjoint of the tensor that it comes from")

    def _introduced(self) -> dict[Tensor, Tensor]:
        """Return how the tensors print that passes made, by letters that are not in use."""
        tensors = self.derivation.differentiated.tensors
        taken = {tensor.symbol or tensor.name.rstrip("0123456789") for tensor in tensors}
        taken |= {index.name for tensor in tensors for index in tensor.indices}
        free = [letter for letter in LETTERS if letter not in taken] or ["s"]
        result: dict[Tensor, Tensor] = {}
        made = [t for t in self.normal if t not in self.kept]
        for number, tensor in enumerate(made):
            round_, letter = divmod(number, len(free))
            symbol = free[letter] + (f"_{{{round_ + 1}}}" if round_ else "")
            result[tensor] = Tensor(tensor.name, tensor.indices, symbol=symbol)
        for adjoint in self.groups:
            source = adjoint.adjoint_of
            if source in result:
                result[adjoint] = adjoint.like(adjoint.name, adjoint_of=result[source])
        return result

    def _relabelled(self, node: Expr) -> Expr:
        mapping = {
            element: Element(self.names[element.tensor], *element.args, serial=element.serial)
            for element in node.atoms(Element)
            if element.tensor in self.names
        }
        return node.xreplace(mapping) if mapping else node

    def _renamed(self, equation: Equation) -> Equation:
        return equation.replace(
            lhs=self._relabelled(equation.lhs), body=self._relabelled(equation.body)
        )


def _reads_alike(one: DerivedEquation, other: DerivedEquation) -> bool:
    style = style_of("text")
    return equation_sides(one, "index", style) == equation_sides(other, "index", style)


def _adjoints(line: DerivedEquation) -> dict[Tensor, None]:
    """Return the adjoints that a line reads, in the order in which they were written."""
    elements = {e for equation in line.equations for e in equation.body.atoms(Element)}
    ordered = sorted(elements, key=lambda element: element.serial)
    return {e.tensor: None for e in ordered if e.tensor.adjoint_of is not None}
