"""The derivatives of the functions that a derivation names, and the conventions at their kinks.

``σ'(z)`` stands in an equation by name; here is what it is. Where a function has a kink its
derivative there is a convention: what the rule gives, which is what the generated code computes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr
from sympy.core.relational import Relational

from symbp.calculus.interpreter import interpret
from symbp.calculus.partial import partial
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.index_form import IndexForm
from symbp.derivations.languages import words_of
from symbp.derivations.printing import style_of
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import operation_of, where
from symbp.notation.operation import Operation
from symbp.notation.prime import Prime, expand_primes
from symbp.notation.program import Program
from symbp.notation.reductions import Max
from symbp.notation.tensor import Element, Tensor

__all__ = ["FunctionRule", "rules"]


@dataclass(frozen=True, repr=False)
class FunctionRule:
    """What the derivative of a function is.

    Attributes
    ----------
    prime : Prime or None
        The derivative by name; None where only a convention is to be said.
    value : SymPy expression or None
        The derivative written out.
    conventions : tuple of (Expr, Expr)
        For each kink the derivative by name at that place, and its value by convention.
    note : str
        A convention in words, for what is not a function of one variable.
    style : Style
        How it prints.
    """

    prime: Prime | None
    value: Expr | None
    conventions: tuple[tuple[Expr, Expr], ...] = ()
    note: str = ""
    style: Style = NIELSEN

    def sides(self, language: str = "latex") -> tuple[str, str]:
        """Return the left and the right side; nothing and the note where there is only that."""
        if self.prime is None or self.value is None:
            return "", style_of(language, self.style).remark(self.said)
        printer = IndexForm(style_of(language, self.style), _ARGUMENT)
        return printer.scalar(self.prime)[0], printer.scalar(self.value)[0]

    @property
    def said(self) -> str:
        """The convention in words, in the style's language."""
        return words_of(self.style.language).note(self.note)

    def remark(self, language: str = "latex") -> str:
        """Return the conventions at kinks in a sentence, or an empty string."""
        words = words_of(self.style.language)
        printer = IndexForm(style_of(language, self.style), _ARGUMENT)
        dollar = "$" if language == "latex" else ""
        said = [
            f"{dollar}{printer.scalar(place)[0]} = {printer.scalar(value)[0]}{dollar}"
            for place, value in self.conventions
        ]
        return words.say("rule.kink", values=words.listed(said)) if said else ""

    def latex(self) -> str:
        """Return the rule, without delimiters, and in words what is a convention."""
        return self._joined("latex")

    def text(self) -> str:
        """Return the same in Unicode."""
        return self._joined("text")

    def _joined(self, language: str) -> str:
        left, right = self.sides(language)
        remark = self.remark(language)
        if language == "latex" and remark:
            remark = rf"\text{{{remark}}}"
        formula = f"{left} = {right}" if left else right
        gap = r" \quad " if language == "latex" else "   "
        return gap.join(part for part in (formula, remark) if part)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<FunctionRule: {self.text()}>"


# What the functions are written with; textbooks differentiate σ(z).
_ARGUMENT = Tensor("z", role="input")
_ARGUMENTS = [Tensor(name, role="input")[()] for name in ("u", "v", "w", "x", "y", "z")]


def rules(
    forward: Iterable[DerivedEquation],
    backward: Iterable[DerivedEquation],
    conventions: Iterable[str] = (),
) -> tuple[FunctionRule, ...]:
    """Return the rules of the functions that stand in a derivation.

    Parameters
    ----------
    forward, backward : iterable of DerivedEquation
        A function is named when its derivative stands in a backward equation.
    conventions : iterable of str
        What else holds by convention.
    """
    found: dict[Expr, FunctionRule] = {}
    for line in backward:
        for equation in line.equations:
            for prime in sorted(equation.body.atoms(Prime), key=sympy.default_sort_key):
                rule = _rule(prime)
                found.setdefault(rule.prime, rule)
    noted: dict[str, FunctionRule] = {}
    for line in forward:
        for equation in line.equations:
            for note in _notes(equation.body):
                noted.setdefault(note, FunctionRule(None, None, note=note))
    for note in conventions:
        noted.setdefault(note, FunctionRule(None, None, note=note))
    return (*found.values(), *noted.values())


def _rule(prime: Prime) -> FunctionRule:
    z = _ARGUMENT[()]
    application = prime.application
    options = application.args[1:]
    if not all(option.is_number for option in options):  # of several variables
        general = Prime(type(application)(*_ARGUMENTS[: len(application.args)]), prime.argument)
        return FunctionRule(general, expand_primes(general))
    general = Prime(type(application)(z, *options), prime.argument)
    definition = _piecewise(operation_of(type(application)), (z, *options))
    if definition is None:
        return FunctionRule(general, expand_primes(general))
    kinks = [
        (Prime(type(application)(place, *options), prime.argument), _value(general, float(place)))
        for place in _kinks(definition)
    ]
    return FunctionRule(general, expand_primes(partial(definition, z)), tuple(kinks))


def _piecewise(record: Operation, arguments: tuple[Expr, ...]) -> Expr | None:
    """Return a function's definition if it is a choice between two formulas."""
    if record.definition is None:
        return None
    definition = record.definition(*arguments)
    return definition if isinstance(definition, where) else None


def _kinks(definition: Expr) -> list[Expr]:
    """Return the places where the formulas on both sides have different derivatives."""
    condition, above, below = definition.args
    z = _ARGUMENT[()]
    if not isinstance(condition, Relational) or condition.lhs != z or condition.rhs.has(Element):
        return []
    place = condition.rhs
    sides = {_value(partial(branch, z), float(place)) for branch in (above, below)}
    return [place] if len(sides) > 1 else []


def _value(expression: Expr, place: float) -> Expr:
    """Return the value of an expression of z, as the interpreter computes it."""
    result = Tensor("result")
    equation = Equation(result[()], expression, origin=Origin("rule"))
    value = float(interpret(Program([equation], derived=True), {"z": place})["result"])
    return sympy.Integer(int(value)) if value.is_integer() else sympy.Float(value)


def _notes(body: Expr) -> list[str]:
    """Return in words the conventions of functions whose derivatives are written out at once."""
    found = ["the derivative of a maximum is shared equally among ties"] if body.has(Max) else []
    for node in sorted(body.atoms(sympy.Function), key=sympy.default_sort_key):
        record = operation_of(type(node)) if not node.is_integer else None
        if record is None or record.named_derivative:
            continue
        _, _, convention = record.domain.partition("; ")
        if "derivative" in convention or "gradient" in convention:
            found.append(f"by convention, {record.text.format('x')}: {convention}")
    return found
