"""sheet: a whole derivation as one block, in LaTeX or for a terminal, and in a notebook."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from symbp.derivations.arrangement import definitions, outside, parts
from symbp.derivations.components import spread
from symbp.derivations.display import aligned, printed_bundle, remark, shown_sides
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.gradient_equations import GradientEquations
from symbp.derivations.numbering import EquationLabels, key_of
from symbp.derivations.printing import checked_form, equation_sides, style_of
from symbp.notation.display import shown_equations

__all__ = ["sheet_bundle", "sheet_latex", "sheet_text"]

# Left and right side, a name or remark, and what the equation's label is made of.
Row = tuple[str, str, str, str]


def sheet_latex(derivation: GradientEquations, form: str = "matrix") -> str:
    """Return the whole derivation in LaTeX; see :meth:`Derivation.latex`."""
    if derivation.style.numbered:
        return _numbered(derivation, checked_form(form))
    rows = []
    for section in _sections(derivation, checked_form(form), "latex"):
        block = []
        for left, right, tag, _ in section:
            sides = f"{left} &= {right}" if left else rf"&\phantom{{=}}\; {right}"
            block.append(sides + (rf" && \text{{({tag})}}" if tag else ""))
        rows.append(" \\\\\n".join(block))
    body = " \\\\[1.2ex]\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _numbered(derivation: GradientEquations, form: str) -> str:
    """Return the derivation as equations with numbers and labels, whose names stand beside them."""
    labels = EquationLabels()
    blocks = []
    for section in _sections(derivation, form, "latex"):
        block = []
        for left, right, tag, key in section:
            if not left:
                block.append(rf"&\phantom{{=}}\; {right} \nonumber")
                continue
            line = f"{left} &= {right}"
            if tag.startswith("BP"):
                line += rf" \tag{{{tag}}}"
            elif tag:
                line += rf" && \text{{({tag})}}"
            block.append(line + rf" \label{{{labels.of(tag if tag.startswith('BP') else key)}}}")
        blocks.append(" \\\\\n".join(block))
    body = " \\\\[1.2ex]\n".join(blocks)
    return f"\\begin{{align}}\n{body}\n\\end{{align}}"


def sheet_text(derivation: GradientEquations, form: str = "matrix") -> str:
    """Return the whole derivation in Unicode; see :meth:`Derivation.text`."""
    sections = list(_sections(derivation, checked_form(form), "text"))
    width = max(len(left) for section in sections for left, *_ in section)
    blocks = []
    for section in sections:
        lines = []
        for left, right, tag, _ in section:
            line = f"{left:>{width}} {'=' if left else ' '} {right}"
            # BP1 is a heading and stands in front; a remark follows.
            named = tag.startswith("BP")
            line = f"{tag if named else '':3}  {line}"
            lines.append(line if named or not tag else f"{line}   ({tag})")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _sections(derivation: GradientEquations, form: str, language: str) -> list[list[Row]]:
    """Return the rows to print."""
    style = style_of(language, derivation.style)

    lines = (*derivation.forward, *derivation.backward)
    entries = spread(lines) if form == "component" else {line.tensor: [line] for line in lines}

    def row(line: DerivedEquation, tag: str = "") -> Row:
        return (*equation_sides(line, form, style), tag, key_of(line.tensor))

    def rows(line: DerivedEquation, tag: str = "") -> list[Row]:
        first, *others = entries[line.tensor]
        return [row(first, tag), *map(row, others)]

    said = _said_of_the_cost(derivation, language)
    cost = derivation.program.cost
    sections = [[r for e in derivation.forward for r in rows(e, said if e.tensor is cost else "")]]
    before = outside(lines, style, adjoints=False)
    after = outside(lines, style, adjoints=True)
    sections[0] += [(*before, "", "before")] if before else []
    arranged = parts(derivation)
    beginning: list[Row] = []
    if arranged and arranged[0].statement is not None:
        said = style.words.say("sheet.definition")
        beginning = [row(line, said) for line in definitions(derivation)]
    sections.append(beginning + ([(*after, "", "after")] if after else []))
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
    given = [(*rule.sides(language), rule.remark(language), "rule") for rule in derivation.rules]
    return [section for section in (*sections, given) if section]


def _said_of_the_cost(derivation: GradientEquations, language: str) -> str:
    if not derivation.per_example:
        return ""
    style = style_of(language, derivation.style)
    name = style.name(str(derivation.program.batch))
    return style.words.say("sheet.example", batch=f"${name}$" if language == "latex" else name)


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
