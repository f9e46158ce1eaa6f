"""Steps: the derivation of each adjoint, written out.

For each adjoint in the order of the sweep: the equations that read its tensor, the chain rule
applied to them, the local derivatives, the chain rule with their values put in, and what that
comes to. Everything is read off the equations of :mod:`symbp.calculus.reverse` and their origins;
no layer is named here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.calculus.share import canonical
from symbp.derivations.boundary import decided, guarded, shifts
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.likeness import add_likewise, likeness
from symbp.derivations.local import LocalDerivative
from symbp.derivations.order import in_order
from symbp.derivations.passing import passed_over, without_sums
from symbp.derivations.patterns import freshened
from symbp.derivations.printing import style_of
from symbp.derivations.rewriting import logarithms
from symbp.derivations.statements import is_named
from symbp.derivations.step import Equality, Fact, Formula, Kind, Step, Steps
from symbp.derivations.step_parts import (
    adjoints,
    by_age,
    by_key,
    is_solved,
    reads_alike,
    residual_of,
    summed,
    summed_when_put_in,
)
from symbp.derivations.through import Through
from symbp.notation.equation import Equation, Origin
from symbp.notation.index import Index
from symbp.notation.prime import Prime
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["steps"]

# What a quantity is called that a derivation introduces itself: no index is called so.
LETTERS = (
    "\\xi", "\\zeta", "\\rho", "\\tau", "\\omega", "\\kappa", "\\chi", "\\psi", "\\nu", "\\mu",
)  # fmt: skip


def steps(derivation: GradientEquations) -> Steps:
    """Return every step; see :meth:`Derivation.steps`."""
    found = _Writer(derivation).steps()
    return Steps(replace(step, style=derivation.style) for step in found)


class _Writer:
    """Writes the steps of one adjoint after the other."""

    def __init__(self, derivation: GradientEquations) -> None:
        self.derivation = derivation
        self.statements = derivation.named_statements
        self.cost: Tensor = derivation.program.cost  # type: ignore[assignment]
        self.forward = {line.tensor: line for line in derivation.forward}
        self.kept = {line.tensor: line.equations[0] for line in derivation.forward}
        self.defined: set[Tensor] = set()
        self.rewritten: set[Tensor] = set()
        self.links = {line.tensor: line for line in derivation.links}
        self.results = {line.tensor: line for line in derivation.backward}
        self.normal: dict[Tensor, list[Equation]] = {}
        self.groups: dict[Tensor, list[Equation]] = {}
        self.zero: set[Tensor] = set()
        for equation in derivation.differentiated.equations:
            if equation.tensor.adjoint_of is None:
                self.normal.setdefault(equation.tensor, []).append(equation)
            else:
                # Taken out and put in again, so that a group stands where it is complete.
                before = self.groups.pop(equation.tensor, [])
                self.groups[equation.tensor] = [*before, equation]
            if is_solved(equation):
                # What is zero by an equation that is solved for something has a name from here on.
                zero = equation.tensor.adjoint_of
                assert zero is not None, "asked by is_solved"
                self.normal[zero] = residual_of(self._source(equation), zero)
                self.zero.add(zero)
        if not self.zero:
            self.groups = without_sums(self.groups, self.normal, self.kept, self.cost)
        self.names = self._introduced()
        self.passed = passed_over(self.groups, self.names, self.kept)

    def steps(self) -> Steps:
        result: list[Step] = []
        stated: set[str] = set()
        told: set[object] = {None}
        for adjoint, contributions in self.groups.items():
            if any(contribution.origin.source is None for contribution in contributions):
                fact = Fact("zero")
                line = self.links[adjoint]
                result.append(Step("result", adjoint, (line,), self.cost, facts=(fact,)))
                continue
            trivial = adjoint not in self.links and adjoint.adjoint_of in self.kept
            if trivial or adjoint.adjoint_of in self.passed:
                continue  # ∂C/∂C₁ = 1 of a cost that is a sum of costs
            name = self._statement_of(adjoint)
            own = self._of_adjoint(adjoint, contributions, name)
            key = likeness(adjoint, own)
            if key is None or key not in told:
                told.add(key)
                result += own
            else:
                add_likewise(result, own[-1])
            if name and name not in stated:
                stated.add(name)
                general = next(s.general for s in self.statements if s.name == name)
                if general is not None:
                    result.append(Step("statement", adjoint, (general,), self.cost, name))
        return Steps(result)

    def _statement_of(self, adjoint: Tensor) -> str:
        for statement in self.statements:
            if any(line.tensor is adjoint for line in statement.instances):
                return statement.name
        return ""

    def _of_adjoint(
        self, adjoint: Tensor, contributions: Sequence[Equation], name: str
    ) -> list[Step]:
        uses = list(dict.fromkeys(self._source(c).tensor for c in contributions))
        if any(map(is_solved, contributions)):
            return self._of_solved(adjoint, contributions, uses)
        about = self.names.get(adjoint, adjoint)

        def step(kind: Kind, *formulas: Formula, **options: Any) -> Step:
            return Step(kind, about, formulas, self.cost, **options)

        rule, locals_ = self._chain(adjoint, contributions)
        values = self._line(adjoint, contributions)
        whole = self._whole(adjoint, contributions)
        if whole is not None:
            uses = [whole.of]
            locals_ = (Equality(self._relabelled(whole.name), self._relabelled(whole.value)),)
            lhs = values.equations[0].lhs
            rule, values = (
                DerivedEquation(
                    (Equation(lhs, self._relabelled(body), origin=Origin("chain rule")),), self.cost
                )
                for body in (whole.rule, whole.substituted)
            )
            contributions = [c for c in contributions if self._source(c).tensor is whole.of]
        # A quantity that the derivation introduced has no line of its own.
        result = self.results.get(adjoint, self.links.get(adjoint, values))
        # As they were differentiated, contributions to one tensor added.
        if whole is not None:
            equations = [self.forward[whole.of]]
        else:
            equations = [self._equation(tensor) for tensor in uses]
        if whole is not None:
            introduced = self._new_quantities(e.tensor for e in whole.value.atoms(Element))
        else:
            introduced = self._new_quantities(self._met([about, *uses], contributions))
        found = [step("definition", *introduced)] if introduced else []
        logs = self._logarithms(uses)
        if logs:
            found.append(step("rewriting", *logs))
        found.append(step("equation", *equations))
        direct = uses == [self.cost]
        differs = not reads_alike(values, result)
        if not direct or is_named(adjoint):
            found.append(step("chain rule", rule))
        if not direct or is_named(adjoint) or differs:
            found.append(step("local derivative", *locals_))
        if not direct and differs:
            found.append(step("substitution", values))
        put_in = tuple(tensor for tensor in adjoints(values) if tensor not in adjoints(result))
        facts = self._facts(values, result, put_in) if differs else ()
        found.append(step("result", result, name=name, put_in=put_in, facts=facts))
        return found

    def _whole(self, adjoint: Tensor, contributions: Sequence[Equation]) -> Through | None:
        """Return the two ways to an adjoint as one, where one is through what was introduced."""
        if adjoint.adjoint_of not in self.kept or len(contributions) != 2:
            return None
        for contribution in contributions:
            between = self._source(contribution).tensor
            if between in self.passed:
                return self.passed[between]
        return None

    def _of_solved(
        self, adjoint: Tensor, contributions: Sequence[Equation], uses: Sequence[Tensor]
    ) -> list[Step]:
        """Return the steps to the adjoint of what is zero: it is solved for, too."""
        about = self.names.get(adjoint, adjoint)
        zero = adjoint.adjoint_of
        assert zero is not None, "asked by is_solved"
        introduced = self._new_quantities(self._met(uses, contributions))
        introduced.append(self._line(zero, self.normal[zero]))
        result = self.results.get(adjoint, self.links.get(adjoint))
        line = self._line(adjoint, contributions) if result is None else result
        equations = [self._equation(tensor) for tensor in uses]
        return [
            Step("definition", about, tuple(introduced), self.cost),
            Step("equation", about, tuple(equations), self.cost),
            Step("result", about, (line,), self.cost),
        ]

    def _facts(
        self, values: DerivedEquation, result: DerivedEquation, put_in: Sequence[Tensor]
    ) -> tuple[Fact, ...]:
        """Return what is used between the sum of the contributions and its final form."""
        before = [values]
        for adjoint, group in self.groups.items():
            if self.names.get(adjoint, adjoint) in put_in:
                before.append(self.results.get(adjoint, self._line(adjoint, group)))
        given = [equation.body for line in before for equation in line.equations]
        found = [equation.body for equation in result.equations]
        facts: list[Fact] = []
        primes = [p for body in given for p in by_key(body.atoms(Prime))]
        if not any(body.has(Prime) for body in found):
            named = {type(prime.application): prime for prime in primes}
            facts += [Fact("written out", prime) for prime in named.values()]
        sums = (summed(given) | summed_when_put_in(values, put_in, self.links)) - summed(found)
        facts += [Fact("sums to one", t[()] if not t.rank else t.element) for t in by_age(sums)]
        known = {element.tensor for body in given for element in body.atoms(Element)}
        new = {e.tensor for body in found for e in body.atoms(Element)} - known
        new -= {tensor for tensor in new if tensor.adjoint_of is not None}
        facts += [Fact("in terms of", tensor.element) for tensor in by_age(new)]
        return tuple(facts) or (() if put_in else (Fact("simplified"),))

    def _line(self, tensor: Tensor, contributions: Sequence[Equation]) -> DerivedEquation:
        """Return what the contributions add up to."""
        gathered = [c for c in contributions if not c.is_scatter]
        equations = [c for c in contributions if c.is_scatter]
        if gathered:
            lhs = gathered[0].lhs
            source = tensor.adjoint_of or tensor
            if source in self.kept:  # with the indices that the reader has seen
                lhs = tensor[self.kept[source].defined.args]
            elif source is not tensor:
                lhs = tensor[source.indices]
            parts: list[Expr] = []
            for equation in gathered:
                names = dict(zip(equation.lhs.args, lhs.args, strict=True))
                parts.append(freshened(whole_body(equation)).xreplace(names))
            # As in the derivation, the terms of a sum that nobody wrote stand as people write them.
            written = tensor.adjoint_of is None
            total = sum(parts if written else in_order(parts), sympy.S.Zero)
            equations.insert(0, Equation(lhs, total, origin=Origin("print", gathered[0])))
        renamed = [self._renamed(e.replace(accumulate=i > 0)) for i, e in enumerate(equations)]
        return DerivedEquation(tuple(renamed), self.cost)

    @staticmethod
    def _source(contribution: Equation) -> Equation:
        source = contribution.origin.source
        assert source is not None, "the rule notes what it was applied to"
        return source

    def _equation(self, tensor: Tensor) -> DerivedEquation:
        """Return a tensor's equation: as it was printed before, if nothing is introduced in it."""
        given = self.normal[tensor]
        reads = {element.tensor for equation in given for element in equation.reads()}
        if tensor in self.forward and not reads & self.names.keys():
            return self.forward[tensor]
        return self._line(tensor, given)

    def _logarithms(self, uses: Iterable[Tensor]) -> list[Equality]:
        """Return what the logarithms of softmaxes are, where they are first met as differences."""
        found: dict[Expr, Expr] = {}
        for tensor in uses:
            if tensor not in self.forward or tensor in self.rewritten:
                continue
            self.rewritten.add(tensor)
            read = {e.tensor for equation in self.normal[tensor] for e in equation.reads()}
            body = self.forward[tensor].equations[0].body
            found.update(logarithms(body, self.kept, self.normal, read & self.names.keys()))
        return [Equality(left, self._relabelled(right)) for left, right in found.items()]

    def _met(self, tensors: Iterable[Tensor], contributions: Sequence[Equation]) -> list[Tensor]:
        """Return the tensors in contributions, and in the equations of others."""
        found = [e.tensor for c in contributions for e in c.reads()]
        for tensor in tensors:
            found += [tensor, *(e.tensor for g in self.normal.get(tensor, ()) for e in g.reads())]
        return found

    def _new_quantities(self, met: Iterable[Tensor]) -> list[DerivedEquation]:
        """Return what those quantities are that now occur for the first time."""
        found: dict[Tensor, DerivedEquation] = {}
        ordered = by_age(set(met))
        for tensor in ordered:  # it grows: what is introduced may need others
            if tensor not in self.names or tensor.adjoint_of is not None or tensor in self.defined:
                continue
            self.defined.add(tensor)
            found[tensor] = self._line(tensor, self.normal[tensor])
            ordered += [e.tensor for g in self.normal[tensor] for e in g.reads()]
        return list(found.values())

    def _chain(
        self, adjoint: Tensor, contributions: Sequence[Equation]
    ) -> tuple[DerivedEquation, tuple[Equality, ...]]:
        """Return the chain rule with derivatives by name, and what each of them is."""
        source = adjoint.adjoint_of
        assert source is not None, "only adjoints have a chain rule"
        like = self.kept[source].defined if source in self.kept else source.element
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
            moved = shifts(lhs, equation) if contribution.is_scatter else None
            conditions: tuple[Expr, ...] = ()
            if moved is not None:  # T[t - 1] += … is a formula for T[t] of what is read at t + 1
                places, conditions = moved
                apart = {index: own.xreplace(places) for index, own in apart.items()}
                rest = tuple(index for index in equation.reduce if index not in places)
                body = decided(equation.body.xreplace(places))
                equation = Equation(lhs, body, reduce=rest, origin=equation.origin)
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
            if moved is not None:
                total += guarded(Sum(product, *outer) if outer else product, conditions)
            elif equation.is_scatter:
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
        style = style_of("latex", self.derivation.style)
        taken = {style.tensor_name(tensor)[0] for tensor in tensors if tensor in self.kept}
        taken |= {style.tensor_name(t)[0] for t in tensors if t.role != "intermediate"}
        free = [letter for letter in LETTERS if letter not in taken]
        result: dict[Tensor, Tensor] = {}
        needed = {a.adjoint_of for a in self.groups if a.adjoint_of is not None}
        needed |= {e.tensor for group in self.groups.values() for c in group for e in c.reads()}
        # What an adjoint is solved by may be computed in several steps, none of them an adjoint.
        waiting = list(needed) if self.zero else []
        for tensor in waiting:  # it grows
            read = {e.tensor for equation in self.normal.get(tensor, ()) for e in equation.reads()}
            waiting += read - needed
            needed |= read
        made = [t for t in self.normal if t not in self.kept and t in needed - self.zero]
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
