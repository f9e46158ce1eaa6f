"""entries: every entry of the gradient by itself, expanded, and as a sum over paths."""

import itertools
import math
from collections.abc import Iterable, Iterator

from symbp.derivations.entry import MOST_SYMBOLS, entry
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.languages import words_of
from symbp.derivations.paths import paths
from symbp.derivations.printing import equation_sides, style_of
from symbp.derivations.report.blocks import Block, Equations, Heading, Prose, Row
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Tensor

__all__ = ["MOST_EXPANDED", "entries", "forms_of_entry", "one_entry"]

#: How many entries a report writes out at the most.
MOST_EXPANDED = 64


def entries(derivation: GradientEquations, form: str) -> Iterator[Block]:
    """Yield every entry of the gradient, expanded, and one of each parameter as paths.

    Parameters
    ----------
    derivation : GradientEquations
        What is derived.
    form : str
        Other forms than ``"component"`` do without.
    """
    if form != "component":
        return
    words = words_of(derivation.style.language)
    parameters = [parameter for parameter, _ in derivation.gradients]
    count = sum(math.prod(_sizes(parameter)) for parameter in parameters)
    if count > MOST_EXPANDED:
        yield Prose(words.say("entries.too many", count=f"{count:,}", most=MOST_EXPANDED))
        return
    yield Prose(words.say("entries.each"))
    for parameter in parameters:
        places = list(itertools.product(*map(range, _sizes(parameter))))
        try:
            rows = [_expanded(derivation, parameter, place) for place in places]
        except SymbpError:
            yield Prose(words.say("entries.too long", name=parameter.name))
            continue
        yield Equations(tuple(rows))
    yield Heading(words.say("heading.paths"))
    yield Prose(words.say("entries.paths"))
    for parameter in parameters:
        try:
            yield from _paths(derivation, parameter, (0,) * parameter.rank)
        except SymbpError:
            yield Prose(words.say("entries.too long", name=parameter.name))


def one_entry(derivation: GradientEquations, tensor: str, place: tuple[int, ...]) -> list[Block]:
    """Return one entry: stopped at δ, expanded, and as a sum over paths.

    Parameters
    ----------
    derivation : GradientEquations
        What is derived.
    tensor : str
        The name of a parameter or of a tensor between it and the cost.
    place : tuple of int
        Counted from 0.
    """
    lines, left_out = forms_of_entry(derivation, tensor, place)
    style = style_of("latex", derivation.style)
    rows = [Row(*equation_sides(line, "index", style)) for line in lines]
    said = [Prose(left_out)] if left_out else []
    return [Equations(tuple(dict.fromkeys(rows))), *said, *_paths(derivation, tensor, place)]


def forms_of_entry(
    derivation: GradientEquations, tensor: str, place: tuple[int, ...]
) -> tuple[list[DerivedEquation], str]:
    """Return an entry stopped at δ and expanded, and why the second is left out if it is.

    Parameters
    ----------
    derivation, tensor, place
        As for :func:`one_entry`.
    """
    stopped = entry(derivation, tensor, place)
    try:
        return [stopped, entry(derivation, tensor, place, expanded=True)], ""
    except SymbpError:
        words = words_of(derivation.style.language)
        return [stopped], words.say("entry.left out", most=f"{MOST_SYMBOLS:,}")


def _sizes(parameter: Tensor) -> Iterable[int]:
    return [extent for extent in parameter.shape if isinstance(extent, int)]


def _expanded(derivation: GradientEquations, parameter: Tensor, place: tuple[int, ...]) -> Row:
    line = entry(derivation, parameter, place, expanded=True)
    return Row(*equation_sides(line, "index", style_of("latex", line.style)))


def _paths(
    derivation: GradientEquations, tensor: Tensor | str, place: tuple[int, ...]
) -> Iterator[Block]:
    rows = paths(derivation, tensor, place).rows("latex")
    yield Equations(
        tuple(
            Row("" if left == "=" else left, right, sign="=" if left else "")
            for left, right in rows
        )
    )
