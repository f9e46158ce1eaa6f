"""contents: what a derivation's report says, the same in every language.

The network, its forward equations, BP1–BP4 or the gradients, each entry where there are few, the
steps, and the functions with the conventions of their derivatives.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import sympy

from symbp.derivations.arrangement import definitions, outside, parts
from symbp.derivations.components import MOST_ENTRIES, spread
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
from symbp.derivations.languages import Words, words_of
from symbp.derivations.numbering import key_of
from symbp.derivations.patterns import softmax_argument
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.derivations.report.blocks import (
    Block,
    Equations,
    Heading,
    Prose,
    Row,
    Section,
)
from symbp.derivations.report.drawings import drawings_of
from symbp.derivations.report.entries import entries
from symbp.derivations.report.functions import functions_of
from symbp.derivations.report.operations import operations_of
from symbp.derivations.report.places import remark_on_places
from symbp.derivations.report.symbols import symbols_of
from symbp.derivations.steps import steps
from symbp.notation.errors import SymbpError
from symbp.notation.functions import operation_of
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["contents", "plain_title", "row_of"]

# Steps whose formulas stand in the sentence, if they are not longer than so many signs of LaTeX.
_INLINE = ("equation", "local derivative")
_SHORT = 130


def contents(
    derivation: GradientEquations,
    form: str = "matrix",
    *,
    steps: bool = True,
    further: bool = False,
) -> list[Section]:
    """Return a report's sections.

    Parameters
    ----------
    derivation : GradientEquations
        What is reported.
    form : {"matrix", "index", "component"}
        The form of the equations. A network that is too large for components is printed in
        index form, which is said in the report.
    steps : bool, default True
        Whether the steps are among them.
    further : bool, default False
        Whether drawings and numbers of operations are.
    """
    return _Contents(derivation, checked_form(form)).sections(steps, further)


def plain_title(derivation: GradientEquations) -> str:
    """Return one line that names what was differentiated."""
    return " ".join(derivation.program.title(_applied_to_output(derivation)).split())


def _applied_to_output(derivation: GradientEquations) -> str:
    """Return the name of the function by which an equation that is printed reads the output."""
    output = derivation.program.output
    if output is None:
        return ""
    for line in derivation.forward:
        body = line.equations[0].body
        if not isinstance(body, sympy.Function) or len(body.args) != 1:
            continue
        softmax = softmax_argument(body.args[0]) if isinstance(body, sympy.exp) else None
        argument = body.args[0] if softmax is None else softmax[0]
        if isinstance(argument, Element) and argument.tensor.name == output.name:
            return "softmax" if softmax else operation_of(type(body)).name
    return ""


def row_of(line: DerivedEquation, form: str, name: str = "") -> Row:
    """Return an equation as a row of LaTeX."""
    sides = equation_sides(line, form, style_of("latex", line.style))
    return Row(*sides, name, key=name or key_of(line.tensor))


class _Contents:
    def __init__(self, derivation: GradientEquations, form: str) -> None:
        self.derivation = derivation
        cost = derivation.program.cost
        assert cost is not None, "what is derived has a cost"
        self.printer = IndexForm(style_of("latex", derivation.style), cost)
        self.words = words_of(derivation.style.language)
        lines = (*derivation.forward, *derivation.backward)
        self.asked, self.form, self.refused = form, form, ""
        self.lines: dict[Tensor, list[DerivedEquation]] = {line.tensor: [line] for line in lines}
        if form == "component":
            try:
                self.lines = spread(lines)
            except SymbpError:
                self.form, self.refused = "index", self._refusal(lines)

    def sections(self, steps: bool, further: bool) -> list[Section]:
        derivation = self.derivation
        further = further and derivation.of is None

        def section(key: str, blocks: Iterable[Block], detailed: bool = False) -> Section:
            title = self.words.say(f"section.{key}")
            return Section(title, tuple(blocks), detailed, _anchor(key))

        title, backward = self.backward()
        made = [
            section("network", self.network()),
            section("forward", self.forward()),
            section(title, backward),
            section(
                "entries", entries(derivation, self.asked) if derivation.of is None else (), True
            ),
            section("steps", self.steps() if steps else (), True),
            section("drawings", drawings_of(derivation) if further else ()),
            section("operations", operations_of(derivation) if further else ()),
            section("functions", functions_of(derivation)),
        ]
        return [section for section in made if section.blocks]

    def network(self) -> Iterable[Block]:
        program = self.derivation.program
        yield Prose(_overview(program, self.derivation.of, self.words))
        yield symbols_of(program, self.printer)

    def forward(self) -> Iterable[Block]:
        derivation = self.derivation
        if self.refused:
            yield Prose(self.refused)
        if derivation.per_example:
            yield Prose(self._mean())
        given = [equation for line in derivation.forward for equation in line.equations]
        places = remark_on_places(given, self.printer)
        if places:
            yield Prose(places)
        rows = [row for line in derivation.forward for row in self._rows(line)]
        yield Equations((*rows, *self._outside(adjoints=False)))

    def _outside(self, *, adjoints: bool) -> list[Row]:
        """Return what is 0 before the first place or after the last."""
        lines = (*self.derivation.forward, *self.derivation.backward)
        found = outside(lines, self.printer.style, adjoints=adjoints)
        return [] if found is None else [Row(*found)]

    def backward(self) -> tuple[str, tuple[Block, ...]]:
        """Return the section and blocks of the named results and of all others."""
        derivation = self.derivation
        blocks: list[Block] = []
        arranged = parts(derivation)
        named = bool(arranged) and arranged[0].statement is not None
        defined = [row_of(line, self.form) for line in definitions(derivation)] if named else []
        if defined:
            shown = self.words.listed([f"${row.left} = {row.right}$" for row in defined])
            blocks.append(Prose(self.words.say("backward.definition", shown=shown)))
        after = self._outside(adjoints=True)
        if after:
            blocks.append(Prose(self.words.say("backward.outside")))
            blocks.append(Equations(tuple(after)))
        for part in arranged:
            statement = part.statement
            if statement is None:
                blocks += [Heading(self.words.say("heading.others"))] if named else []
                blocks.append(self._equations(part.lines))
                continue
            what = self.words.say(f"what.{statement.name}")
            blocks.append(Heading(self.words.say("what.title", name=statement.name, what=what)))
            rows = []
            name = statement.name
            if statement.general is not None:
                rows.append(row_of(statement.general, self.form, name))
                name = ""
            for line in part.lines:
                first, *others = self._rows(line)
                own = line in statement.instances
                named_key = name if own and name else first.key
                rows += [replace(first, name=name if own else "", key=named_key), *others]
                name = "" if own else name
            blocks.append(Equations(tuple(rows)))
        return "fundamental" if named else "gradient", tuple(blocks)

    def _equations(self, lines: Sequence[DerivedEquation]) -> Equations:
        return Equations(tuple(row for line in lines for row in self._rows(line)))

    def _rows(self, line: DerivedEquation) -> list[Row]:
        return [row_of(each, self.form) for each in self.lines[line.tensor]]

    def steps(self) -> Iterable[Block]:
        about: Tensor | None = None
        form = "index" if self.form == "component" else self.form
        if self.form == "component":
            yield Prose(self.words.say("steps.index form"))
        for step in steps(self.derivation):
            if step.about is not about:
                about = step.about
                what = f"${step.heading('latex')}$"
                yield Heading(self.words.say("heading.derivation", what=what))
            if step.kind in _INLINE and not any(len(f) > _SHORT for f in step.flat(form)):
                shown = self.words.listed([f"${formula}$" for formula in step.flat(form)])
                said = step.explanation("latex")
                yield Prose(self.words.say(f"step.inline.{step.kind}", said=said, shown=shown))
                continue
            yield Prose(step.explanation("latex") + step.colon)
            # What has a name is tagged once, where all results stand.
            yield Equations(tuple(Row(*sides) for sides in step.sides(form, "latex")))

    def _refusal(self, lines: Sequence[DerivedEquation]) -> str:
        """Return in words why there are no components."""
        sizes = [extent for line in lines for extent in line.tensor.shape]
        if not all(isinstance(extent, int) for extent in sizes):
            return self.words.say("run time")
        count = sum(math.prod(map(int, line.tensor.shape)) for line in lines)
        return self.words.say("too many", count=f"{count:,}", most=MOST_ENTRIES)

    def _mean(self) -> str:
        """Return in words, and in one formula, what the mean over a batch is."""
        derivation, style = self.derivation, self.printer.style
        batch = style.name(str(derivation.program.batch))
        assert derivation.program.cost is not None, "what is derived has a cost"
        cost = self.printer.tensor(derivation.program.cost)
        one = style.scripted(cost, "n", "")
        mean = rf"\frac{{1}}{{{batch}}} \sum_{{n=1}}^{{{batch}}} {one}"
        return self.words.say("forward.mean", batch=f"${batch}$", mean=f"${mean}$")


def _anchor(key: str) -> str:
    """Return what names a section in a link: its English title, in every language."""
    return words_of("en").say(f"section.{key}").lower().replace(" ", "-")


def _overview(program: Program, of: Tensor | None, words: Words) -> str:
    counts = (
        (len(program.equations), "equations"), (len(program.inputs), "inputs"),
        (len(program.targets), "targets"), (len(program.parameters), "parameters"),
    )  # fmt: skip
    parts = words.listed([words.count(f"network.{what}", n) for n, what in counts if n])
    if of is None:
        return words.say("network.cost", parts=parts)
    return words.say("network.of", parts=parts, name=f"`{of.name}`")
