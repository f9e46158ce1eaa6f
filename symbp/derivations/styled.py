"""styled: a derivation as another book prints it. What is said is the same; only names change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from symbp.derivations.distinct import alike
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.style import NIELSEN, Style
from symbp.notation.program import Program

__all__ = ["fitting", "styled"]

SomeEquations = TypeVar("SomeEquations", bound=GradientEquations)


def styled(derivation: SomeEquations, style: Style) -> SomeEquations:
    """Return a derivation that prints in a style.

    Parameters
    ----------
    derivation : GradientEquations
        In any style.
    style : Style
        What it is to print in; see :func:`fitting`.
    """
    style = fitting(style, derivation.program)
    if style == derivation.style:
        return derivation

    def lines(given: Sequence[DerivedEquation]) -> tuple[DerivedEquation, ...]:
        return tuple(replace(line, style=style) for line in given)

    return replace(
        derivation,
        forward=lines(derivation.forward),
        backward=lines(derivation.backward),
        chains=lines(derivation.chains),
        links=lines(derivation.links),
        style=style,
    )


def fitting(style: Style, program: Program) -> Style:
    """Return a style in which no two tensors of a program print alike.

    The letters of a book are for networks of layers, and only where no tensor has another's
    letter; accents are for names that nothing else prints as.
    """
    layered = any(tensor.label is not None for tensor in program.tensors)
    if not layered:
        style = replace(style, symbols=NIELSEN.symbols)
    for simpler in (style, replace(style, symbols=()), replace(style, accents=False, symbols=())):
        if not alike(program, simpler):
            return simpler
    return replace(style, accents=False, symbols=())
