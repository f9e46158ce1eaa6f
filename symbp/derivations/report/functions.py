"""functions: the formulas of the functions that a program uses, and their derivatives."""

from collections.abc import Iterator

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
from symbp.derivations.languages import words_of
from symbp.derivations.markup import Markup
from symbp.derivations.printing import style_of
from symbp.derivations.report.blocks import Block, Equations, Prose, Row
from symbp.notation.equation import Equation
from symbp.notation.functions import operation_of, where
from symbp.notation.tensor import Element, Tensor

__all__ = ["functions_of"]

# Their formulas say nothing more than their names, or they are no functions of real numbers.
_PLAIN = (where, sympy.floor, sympy.ceiling, sympy.Mod)


def functions_of(derivation: GradientEquations) -> Iterator[Block]:
    """Yield the functions' formulas, their derivatives, and what is a convention.

    Parameters
    ----------
    derivation : GradientEquations
        What is reported.
    """
    words = words_of(derivation.style.language)
    given = [equation for line in derivation.forward for equation in line.sources]
    definitions = tuple(_definitions(given, style_of("latex", derivation.style)))
    if definitions:
        yield Equations(definitions)
    formulas = tuple(Row(*rule.sides("latex")) for rule in derivation.rules if rule.prime)
    if formulas:
        key = "functions.derivatives" if definitions else "functions.only derivatives"
        yield Prose(words.say(key))
        yield Equations(formulas)
    for rule in derivation.rules:
        said = rule.remark("latex") or rule.said
        if said:
            yield Prose(words.sentence(said))


def _definitions(equations: list[Equation], style: Markup) -> Iterator[Row]:
    """Yield the formula of each function once, in the order of first use."""
    seen: set[str] = set()
    for equation in equations:
        for node in sympy.postorder_traversal(whole_body(equation)):
            if not isinstance(node, sympy.Function) or isinstance(node, (Element, *_PLAIN)):
                continue
            record = operation_of(type(node))
            if record.definition is None:
                continue
            arguments = _letters(node.args)
            printer = IndexForm(style, Tensor("C"))
            application = printer.scalar(type(node)(*arguments))[0]
            if application in seen:
                continue
            seen.add(application)
            yield Row(application, printer.scalar(record.definition(*arguments))[0])


def _letters(arguments: tuple[Expr, ...]) -> list[Expr]:
    """Return letters for arguments; options that are numbers are kept."""
    variables = [argument for argument in arguments if not argument.is_number]
    letters = iter("z" if len(variables) == 1 else "uvwxyz"[: len(variables)])
    return [
        argument if argument.is_number else Tensor(next(letters, "z"), role="input")[()]
        for argument in arguments
    ]
