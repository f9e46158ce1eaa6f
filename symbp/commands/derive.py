"""``symbp derive``: print the derivation of a network's gradient, or write it as a report."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from symbp.commands.arguments import Activation, Loss, Output, read_network
from symbp.commands.errors import reports_errors

if TYPE_CHECKING:
    from symbp import Derivation, MatrixDerivative

__all__ = ["derive"]

NetworkOrFormula = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="Layer sizes such as 64-30-10, or FILE.py:NAME for a Network or Program that your "
        "own file defines (the file is run, as `python FILE.py` would); with --wrt a formula.",
        show_default=False,
    ),
]


@reports_errors
def derive(
    network: NetworkOrFormula,
    activation: Activation = None,
    loss: Loss = None,
    output: Output = None,
    form: Annotated[
        Literal["matrix", "index", "component"],
        typer.Option(help="Vectors and matrices, elements with indices, or every entry."),
    ] = "matrix",
    format: Annotated[
        Literal["text", "latex", "markdown", "ascii"],
        typer.Option(
            help="Unicode for a terminal, LaTeX, or Markdown with $$; ascii is a formula's own "
            "language."
        ),
    ] = "text",
    steps: Annotated[
        bool,
        typer.Option(
            "--steps",
            help="Print how each gradient is derived, step by step; in LaTeX with displays that "
            "can be pasted.",
        ),
    ] = False,
    style: Annotated[
        Literal["nielsen", "goodfellow", "bishop", "petersen"],
        typer.Option(help="The book whose notation is followed."),
    ] = "nielsen",
    language: Annotated[
        Literal["en", "zh"], typer.Option(help="The language of the words: English or Chinese.")
    ] = "en",
    numbered: Annotated[
        bool,
        typer.Option(
            "--numbered", help="In LaTeX: equations with numbers, and labels to refer to."
        ),
    ] = False,
    entry: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[I,J]",
            help="Print one entry of the gradient instead: expanded, and as a sum over paths. "
            "Places count from 0.",
        ),
    ] = None,
    count_from: Annotated[
        int,
        typer.Option(
            metavar="0|1", help="What the first place of an axis is called: 1, as in books, or 0."
        ),
    ] = 1,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report: one page, with the generated code."),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a LaTeX document that pdflatex compiles."),
    ] = None,
    wrt: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The argument is a matrix formula; print its gradient by NAME.",
        ),
    ] = None,
    order: Annotated[
        Literal["gradient", "hessian", "jacobian"],
        typer.Option(help="Of a formula: which derivative."),
    ] = "gradient",
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A=m,n",
            help="Of a formula: the extents of a symbol; c= is a scalar. By default those that "
            "follow. Can be repeated.",
        ),
    ] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar='"A symmetric"', help="Of a formula: what holds of a symbol. Can be repeated."
        ),
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Of a formula: an undefined function. Can be repeated."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Of a formula: compare it with differences, and say so."),
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", "-o", metavar="FILE", help="Write to a file.", show_default="standard output"
        ),
    ] = None,
) -> None:
    r"""Print the forward equations of a network and its derived BP1–BP4.

    With --wrt the argument is a matrix formula, and its derivative is printed.

    With --html or --latex the derivation is written there, and printed only if -o says where to.

    [bold]Examples[/bold]

    symbp derive 784-30-10 --activation sigmoid --loss quadratic

    symbp derive 64-30-10 --loss softmax_cross_entropy --form index --format latex -o bp.tex

    symbp derive 3-3-3 --steps --format markdown -o steps.md

    symbp derive 3-3-3 --style goodfellow --numbered --latex derivation.tex

    symbp derive 3-3-3 --language zh --html report.html

    symbp derive 3-3-3 --entry "W1\[0,0]"

    symbp derive 3-3-3 --form component --latex every-entry.tex

    symbp derive model.py:net --html report.html

    symbp derive "norm2(A*x - b)^2 + c*norm1(x)" --wrt x

    symbp derive "x'*A*x" --wrt x --order hessian --assume "A symmetric" --format latex
    """
    from symbp.notation.files import write_text

    if wrt is not None:
        others = {
            "--activation": activation, "--loss": loss, "--output": output, "--entry": entry,
            "--html": html, "--latex": latex, "--steps": steps or None,
            "--style": None if style == "nielsen" else style, "--numbered": numbered or None,
            "--language": None if language == "en" else language,
        }  # fmt: skip
        derived = _of_formula(network, wrt, order, shape, assume, function, format, others)
        lines = [derived[0], str(derived[1].check(draws=6))] if check else [derived[0]]
        content = "\n".join(lines)
        if to is None:
            typer.echo(content)
        else:
            write_text(to, content + "\n")
            typer.echo(f"wrote {to}")
        return
    # Not by symbp: what compiles and trains is not needed, and takes long to import.
    from symbp.derivations.derive import derive as derivation_of
    from symbp.notation.errors import SymbpError

    only = {"--shape": shape, "--assume": assume, "--function": function, "--check": check or None}
    for option, value in only.items():
        if value:
            raise SymbpError(f"{option}: is for a formula, which needs --wrt")
    if format == "ascii":
        raise SymbpError("--format ascii: is for a formula, which needs --wrt")

    if entry is not None and steps:
        raise SymbpError("--steps: one entry has no steps, leave out --steps or --entry")
    if numbered and latex is None and format != "latex":
        raise SymbpError("--numbered: is for --format latex or --latex FILE")
    derivation = derivation_of(
        read_network(network, activation, loss, output), count_from=count_from
    ).styled(style, language, numbered=numbered)
    written: list[tuple[Path, str]] = []
    if html is not None:
        # A page has the generated code too, in a section that the code generator adds.
        import symbp.api  # noqa: F401

        written.append((html, derivation.html(form=form)))
    if latex is not None:
        written.append((latex, derivation.document(form)))
    if entry is not None or to is not None or not written:
        if entry is not None:
            text = _entry(derivation, entry, format)
        else:
            text = _printed(derivation, form, format, steps)
        text = text.rstrip("\n")
        if to is None:
            typer.echo(text)
        else:
            written.append((to, text + "\n"))
    for path, content in written:
        write_text(path, content)
        typer.echo(f"wrote {path}")


def _of_formula(
    written: str,
    wrt: str,
    order: str,
    shape: list[str] | None,
    assume: list[str] | None,
    function: list[str] | None,
    format: str,
    others: Mapping[str, object],
) -> tuple[str, "MatrixDerivative"]:
    """Return the derivative of a formula, printed."""
    # Not by symbp: a formula needs none of what networks need.
    from symbp.matrices import formula
    from symbp.notation.errors import SymbpError

    for option, value in others.items():
        if value is not None:
            raise SymbpError(f"{option}: is for a network, not for a formula with --wrt")
    shapes: dict[str, str] = {}
    for text in shape or ():
        name, equals, extents = (part.strip() for part in text.partition("="))
        if not name.isidentifier() or not equals:
            raise SymbpError(f"--shape {text!r}: expected A=m,n or x=n or c=")
        shapes[name] = extents
    of = formula(written, assume=assume, functions=function or (), **shapes)
    found = {"gradient": of.gradient, "hessian": of.hessian, "jacobian": of.jacobian}[order](wrt)
    if format == "markdown":
        return f"$$\n{found.latex()}\n$$", found
    return {"text": found.text, "latex": found.latex, "ascii": found.ascii}[format](), found


def _printed(derivation: "Derivation", form: str, format: str, steps: bool) -> str:
    if format == "markdown":
        return derivation.markdown(form, steps=steps)
    if not steps:
        return derivation.text(form) if format == "text" else derivation.latex(form)
    # Here, since only steps in the form of components need it.
    from symbp.derivations.languages import words_of

    words = words_of(derivation.style.language)
    said = [words.say("steps.index form")] if form == "component" else []
    found = derivation.steps()
    if format == "text":
        return "\n\n".join([derivation.text(form), *said, found.text(form)])
    whole = derivation.latex(form)
    if not derivation.style.numbered:  # else it is a display already
        whole = _displayed(whole)
    return "\n\n".join([whole, *said, found.latex(form)])


def _entry(derivation: "Derivation", entry: str, format: str) -> str:
    from symbp.derivations.report.entries import forms_of_entry, one_entry
    from symbp.derivations.report.markdown import markdown_of

    name, place = _name_and_place(entry)
    if format == "markdown":
        return markdown_of(one_entry(derivation, name, place))
    lines, left_out = forms_of_entry(derivation, name, place)
    paths = derivation.paths(name, *place)
    said = [left_out] if left_out else []
    if format == "latex":
        formulas = dict.fromkeys(line.latex("index") for line in lines)
        parts = [*map(_displayed, formulas), *said, _displayed(paths.latex())]
    else:
        parts = [*dict.fromkeys(line.text("index") for line in lines), *said, paths.text()]
    return "\n\n".join(parts)


def _displayed(formula: str) -> str:
    """Return a formula as a display that can stand in a document."""
    return f"\\[\n{formula}\n\\]"


def _name_and_place(entry: str) -> tuple[str, tuple[int, ...]]:
    """Return the name and the numbers of ``W1[0,0]``; a scalar has no brackets."""
    from symbp.notation.errors import SymbpError

    found = re.fullmatch(r"\s*(\w+)\s*(?:\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])?\s*", entry)
    if found is None:
        raise SymbpError(f"--entry {entry!r}: expected a name and a place, such as 'W1[0,0]'")
    numbers = found[2].split(",") if found[2] else []
    return found[1], tuple(int(number) for number in numbers)
