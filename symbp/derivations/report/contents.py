"""contents: what a derivation's report says, the same in every language.

The network, its forward equations, BP1–BP4 or the gradients, each entry where there are few, the
steps, and the functions with the conventions of their derivatives.
"""

from collections.abc import Iterable, Sequence

from symbp.derivations.arrangement import definitions, outside, parts
from symbp.derivations.components import spread
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.index_form import IndexForm
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
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["STEPS_IN_INDEX_FORM", "contents", "plain_title", "row_of"]

#: What is said where components are asked for.
STEPS_IN_INDEX_FORM = "The steps are in index form: each is said for all entries at once."

# Steps whose formulas stand in the sentence, if they are not longer than so many signs of LaTeX.
_INLINE = ("equation", "local derivative")
_SHORT = 130

_WHAT = {
    "BP1": "the error of the output layer",
    "BP2": "the error of a layer from that of the next",
    "BP3": "the gradient by the biases",
    "BP4": "the gradient by the weights",
}


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
    return " ".join(repr(derivation.program).split()).strip("<>")


def row_of(line: DerivedEquation, form: str, name: str = "") -> Row:
    """Return an equation as a row of LaTeX."""
    return Row(*equation_sides(line, form, style_of("latex")), name)


class _Contents:
    def __init__(self, derivation: GradientEquations, form: str) -> None:
        self.derivation = derivation
        cost = derivation.program.cost
        assert cost is not None, "what is derived has a cost"
        self.printer = IndexForm(style_of("latex"), cost)
        lines = (*derivation.forward, *derivation.backward)
        self.asked, self.form, self.refused = form, form, ""
        self.lines: dict[Tensor, list[DerivedEquation]] = {line.tensor: [line] for line in lines}
        if form == "component":
            try:
                self.lines = spread(lines)
            except SymbpError as error:
                self.form, self.refused = "index", str(error)

    def sections(self, steps: bool, further: bool) -> list[Section]:
        derivation = self.derivation
        further = further and derivation.of is None
        made = [
            Section("Network", tuple(self.network())),
            Section("Forward equations", tuple(self.forward())),
            Section(*self.backward()),
            Section(
                "Every entry of the gradient",
                tuple(entries(derivation, self.asked) if derivation.of is None else ()),
                True,
            ),
            Section("Step by step", tuple(self.steps() if steps else ()), True),
            Section("Drawings", tuple(drawings_of(derivation) if further else ())),
            Section("Operations", tuple(operations_of(derivation) if further else ())),
            Section("Functions", tuple(functions_of(derivation))),
        ]
        return [section for section in made if section.blocks]

    def network(self) -> Iterable[Block]:
        program = self.derivation.program
        yield Prose(_overview(program, self.derivation.of))
        yield symbols_of(program, self.printer)

    def forward(self) -> Iterable[Block]:
        derivation = self.derivation
        if self.refused:
            yield Prose(f"{_sentence(self.refused)} The index form stands here instead.")
        if derivation.per_example:
            batch = style_of("latex").name(str(derivation.program.batch))
            yield Prose(
                f"The equations are those of one example: cost and gradients are their means "
                f"over the ${batch}$ examples of a batch."
            )
        given = [equation for line in derivation.forward for equation in line.equations]
        places = remark_on_places(given, self.printer)
        if places:
            yield Prose(places)
        rows = [row for line in derivation.forward for row in self._rows(line)]
        yield Equations((*rows, *self._outside(adjoints=False)))

    def _outside(self, *, adjoints: bool) -> list[Row]:
        """Return what is 0 before the first place or after the last."""
        lines = (*self.derivation.forward, *self.derivation.backward)
        found = outside(lines, style_of("latex"), adjoints=adjoints)
        return [] if found is None else [Row(*found)]

    def backward(self) -> tuple[str, tuple[Block, ...]]:
        """Return the title and blocks of the named results and of all others."""
        derivation = self.derivation
        blocks: list[Block] = []
        arranged = parts(derivation)
        named = bool(arranged) and arranged[0].statement is not None
        if named:
            defined = [row_of(line, self.form) for line in definitions(derivation)]
            shown = ", ".join(f"${row.left} = {row.right}$" for row in defined)
            blocks.append(Prose(f"By definition {shown}."))
        after = self._outside(adjoints=True)
        if after:
            blocks.append(Prose("After the last step there is nothing:"))
            blocks.append(Equations(tuple(after)))
        for part in arranged:
            statement = part.statement
            if statement is None:
                blocks += [Heading("Other derivatives")] if named else []
                blocks.append(self._equations(part.lines))
                continue
            blocks.append(Heading(f"{statement.name}: {_WHAT[statement.name]}"))
            rows = []
            name = statement.name
            if statement.general is not None:
                rows.append(row_of(statement.general, self.form, name))
                name = ""
            for line in part.lines:
                first, *others = self._rows(line)
                own = line in statement.instances
                rows += [Row(first.left, first.right, name if own else ""), *others]
                name = "" if own else name
            blocks.append(Equations(tuple(rows)))
        return "The four fundamental equations" if named else "The gradient", tuple(blocks)

    def _equations(self, lines: Sequence[DerivedEquation]) -> Equations:
        return Equations(tuple(row for line in lines for row in self._rows(line)))

    def _rows(self, line: DerivedEquation) -> list[Row]:
        return [row_of(each, self.form) for each in self.lines[line.tensor]]

    def steps(self) -> Iterable[Block]:
        about: Tensor | None = None
        form = "index" if self.form == "component" else self.form
        if self.form == "component":
            yield Prose(STEPS_IN_INDEX_FORM)
        for step in steps(self.derivation):
            if step.about is not about:
                about = step.about
                yield Heading(f"Derivation of ${step.heading('latex')}$")
            if step.kind in _INLINE and not any(len(f) > _SHORT for f in step.flat(form)):
                shown = [f"${formula}$" for formula in step.flat(form)]
                yield Prose(f"{step.explanation('latex')} {_listed(shown)}.")
                continue
            yield Prose(step.explanation("latex") + ":")
            # What has a name is tagged once, where all results stand.
            yield Equations(tuple(Row(*sides) for sides in step.sides(form, "latex")))


def _overview(program: Program, of: Tensor | None) -> str:
    counts = (
        (len(program.equations), "equation"), (len(program.inputs), "input"),
        (len(program.targets), "target"), (len(program.parameters), "parameter tensor"),
    )  # fmt: skip
    parts = [f"{count} {what}{'s' * (count != 1)}" for count, what in counts if count]
    whole = ", ".join(parts[:-1]) + " and " + parts[-1]
    wanted = "is the gradient of its cost" if of is None else f"are the derivatives of {of.name}"
    return f"A program of {whole}. What is wanted {wanted}."


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
