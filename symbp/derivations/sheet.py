"""sheet: a whole derivation as one block, in LaTeX or for a terminal, and in a notebook."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from symbp.derivations.arrangement import definitions, outside, parts
from symbp.derivations.components import spread
from symbp.derivations.display import aligned, printed_bundle, remark, shown_sides
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.notation.display import shown_equations

__all__ = ["sheet_bundle", "sheet_latex", "sheet_text"]

Row = tuple[str, str, str]


def sheet_latex(derivation: GradientEquations, form: str = "matrix") -> str:
    """Return the whole derivation in LaTeX; see :meth:`Derivation.latex`."""
    rows = []
    for section in _sections(derivation, checked_form(form), "latex"):
        block = []
        for left, right, tag in section:
            sides = f"{left} &= {right}" if left else rf"&\phantom{{=}}\; {right}"
            block.append(sides + (rf" && \text{{({tag})}}" if tag else ""))
        rows.append(" \\\\\n".join(block))
    body = " \\\\[1.2ex]\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def sheet_text(derivation: GradientEquations, form: str = "matrix") -> str:
    """Return the whole derivation in Unicode; see :meth:`Derivation.text`."""
    sections = list(_sections(derivation, checked_form(form), "text"))
    width = max(len(left) for section in sections for left, _, _ in section)
    blocks = []
    for section in sections:
        lines = []
        for left, right, tag in section:
            line = f"{left:>{width}} {'=' if left else ' '} {right}"
            # BP1 is a heading and stands in front; a remark follows.
            named = tag.startswith("BP")
            line = f"{tag if named else '':3}  {line}"
            lines.append(line if named or not tag else f"{line}   ({tag})")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _sections(derivation: GradientEquations, form: str, language: str) -> list[list[Row]]:
    """Return the rows to print: left side, right side and tag."""
    style = style_of(language)

    lines = (*derivation.forward, *derivation.backward)
    entries = spread(lines) if form == "component" else {line.tensor: [line] for line in lines}

    def row(line: DerivedEquation, tag: str = "") -> Row:
        return (*equation_sides(line, form, style), tag)

    def rows(line: DerivedEquation, tag: str = "") -> list[Row]:
        first, *others = entries[line.tensor]
        return [row(first, tag), *map(row, others)]

    said = _said_of_the_cost(derivation, language)
    cost = derivation.program.cost
    sections = [[r for e in derivation.forward for r in rows(e, said if e.tensor is cost else "")]]
    before = outside(lines, style, adjoints=False)
    after = outside(lines, style, adjoints=True)
    sections[0] += [(*before, "")] if before else []
    arranged = parts(derivation)
    beginning: list[Row] = []
    if arranged and arranged[0].statement is not None:
        beginning = [row(line, "by definition") for line in definitions(derivation)]
    sections.append(beginning + ([(*after, "")] if after else []))
    for part in arranged:
        section: list[Row] = []
        statement = part.statement
        name = "" if statement is None else statement.name
        if statement is not None and statement.general is not None:
            section.append(row(statement.general, name))
            name = ""
        for line in part.lines:
            own = statement is not None and line in statement.instances
            section += rows(line, name if own else "")
            name = "" if own else name
        sections.append(section)
    given = [(*rule.sides(language), rule.remark(language)) for rule in derivation.rules]
    return [section for section in (*sections, given) if section]


def _said_of_the_cost(derivation: GradientEquations, language: str) -> str:
    if not derivation.per_example:
        return ""
    name = style_of(language).name(str(derivation.program.batch))
    return f"per example, averaged over {f'${name}$' if language == 'latex' else name}"


def sheet_bundle(derivation: GradientEquations, include: Any, exclude: Any) -> dict[str, str]:
    """Return a derivation in the forms that a notebook knows.

    Parameters
    ----------
    derivation : GradientEquations
        Shown whole if it is short, else its first forward and backward equations without names.
    include, exclude : collections of str, or None
        The MIME types that are asked for and that are not.
    """
    sections = (derivation.forward, derivation.backward)
    equations = [e for section in sections for line in section for e in line.equations]
    if not shown_equations(equations, "")[1]:
        return printed_bundle(
            partial(sheet_text, derivation), partial(sheet_latex, derivation),
            repr(derivation), include, exclude,
        )  # fmt: skip
    shown: list[DerivedEquation] = []
    notes: list[str] = []
    for what, section in zip(("forward", "backward"), sections, strict=True):
        kept = _first(section)
        shown += kept
        if len(kept) < len(section):
            notes.append(f"{len(section) - len(kept):,} more {what} equations")

    def note(call: str) -> str:
        return f"… {' and '.join(notes) or 'parts of equations'}; {call} shows all"

    def text() -> str:
        rows = [shown_sides(line, "text") for line in shown]
        return "\n".join([*(f"{left} = {right}" for left, right in rows), note("print(d.text())")])

    def latex() -> str:
        rows = [
            rf"{left} &= {right}" for left, right in (shown_sides(line, "latex") for line in shown)
        ]
        return aligned([*rows, remark(note("print(d.latex())"))])

    return printed_bundle(text, latex, repr(derivation), include, exclude)


def _first(section: Sequence[DerivedEquation]) -> list[DerivedEquation]:
    """Return the first lines of a section: half of what a notebook shows."""
    equations = [equation for line in section for equation in line.equations]
    fit = max(len(shown_equations(equations, "")[0]) // 2, 1)
    kept: list[DerivedEquation] = []
    for line in section:
        if kept and sum(len(other.equations) for other in (*kept, line)) > fit:
            break
        kept.append(line)
    return kept
