"""`symbp derive` as a user runs it: forms, formats, one entry, and reports in files."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import symbp as bp
from symbp.cli import app


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, ["derive", *(str(argument) for argument in arguments)])
    # Only exits: anything else would reach the user as a traceback.
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("form", ["matrix", "index", "component"])
def test_each_form_in_each_format(form: str) -> None:
    derivation = bp.derive(bp.mlp(2, 3, 2))
    for format, printed in (
        ("text", derivation.text(form)),
        ("latex", derivation.latex(form)),
        ("markdown", derivation.markdown(form, steps=False)),
    ):
        result = run("2-3-2", "--form", form, "--format", format)
        assert result.stdout == printed.rstrip("\n") + "\n"


def test_steps_are_printed_below_the_equations() -> None:
    result = run("2-3-2", "--steps")
    derivation = bp.derive(bp.mlp(2, 3, 2))
    assert result.stdout.startswith(derivation.text())
    at = 0
    for step in derivation.steps():
        for line in step.text().split("\n"):
            at = result.stdout.index(f"    {line}\n", at)
    markdown = run("2-3-2", "--steps", "--format", "markdown").stdout
    assert markdown == derivation.markdown().rstrip("\n") + "\n"
    latex = run("2-3-2", "--steps", "--format", "latex", "--form", "component").stdout
    assert derivation.latex("component") in latex
    assert all(step.latex("index") in latex for step in derivation.steps())
    assert latex.count("\\[\n") + latex.count("\\[ ") == 1 + len(derivation.steps())


@pytest.mark.parametrize("format", ["text", "latex", "markdown"])
def test_steps_that_are_not_in_the_form_asked_for_say_so(format: str) -> None:
    said = "The steps are in index form"
    asked = ("2-3-2", "--steps", "--format", format, "--form")
    assert said in run(*asked, "component").stdout
    assert said not in run(*asked, "matrix").stdout


@pytest.mark.parametrize("format", ["text", "latex", "markdown"])
def test_an_entry_that_is_too_long_is_stopped_and_says_what_is_left_out(format: str) -> None:
    shown = run("784-1000-1000-10", "--entry", "W1[0,0]", "--format", format).stdout
    stopped = bp.derive(bp.mlp(784, 1000, 1000, 10)).entry("W1", 0, 0)
    left, right = (stopped.text() if format == "text" else stopped.latex()).split(" = ")
    assert left in shown
    assert right in shown
    assert shown.count("Left out: the expanded formula would hold more than 2,000 symbols.") == 1
    assert "10,000 paths" in shown


def test_one_entry_has_no_steps() -> None:
    assert "--steps" in refused("3-3-3", "--entry", "W1[0,0]", "--steps")


def test_one_entry_is_printed_expanded_and_as_paths() -> None:
    derivation = bp.derive(bp.mlp(3, 3, 3))
    stopped = derivation.entry("W1", 0, 2)
    expanded = derivation.entry("W1", 0, 2, expanded=True)
    paths = derivation.paths("W1", 0, 2)
    for spelling in ("W1[0,2]", " W1[ 0 , 2 ] "):
        text = run("3-3-3", "--entry", spelling).stdout
        assert text == f"{stopped.text()}\n\n{expanded.text()}\n\n{paths.text()}\n"
    latex = run("3-3-3", "--entry", "W1[0,2]", "--format", "latex").stdout
    for formula in (stopped.latex(), expanded.latex(), paths.latex()):
        assert f"\\[\n{formula}\n\\]\n" in latex
    markdown = run("3-3-3", "--entry", "W1[0,2]", "--format", "markdown").stdout
    assert markdown.count("$$") == 4
    assert expanded.latex().replace(" = ", " &= ", 1) in markdown


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("W9[0,0]", "did you mean"),
        ("W1[0", "such as 'W1[0,0]'"),
        ("W1[0,0", "such as"),
        ("W1[-1,0]", "such as"),
        ("W1[7,0]", "W1"),
        ("W1", "W1"),
        ("__import__('os')", "such as"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_line(entry: str, said: str) -> None:
    assert said in refused("3-3-3", "--entry", entry)


def test_reports_are_written_and_named(tmp_path: Path) -> None:
    html, tex, text = tmp_path / "r.html", tmp_path / "r.tex", tmp_path / "r.txt"
    result = run("2-3-2", "--html", html, "--latex", tex, "-o", text, "--form", "index")
    assert result.stdout == f"wrote {html}\nwrote {tex}\nwrote {text}\n"
    derivation = bp.derive(bp.mlp(2, 3, 2))
    assert html.read_text(encoding="utf-8") == derivation.html(form="index")
    assert tex.read_text(encoding="utf-8") == derivation.document("index")
    assert text.read_text(encoding="utf-8") == derivation.text("index") + "\n"
    assert run("2-3-2", "--html", html).stdout == f"wrote {html}\n"


def test_what_cannot_be_written_or_derived_leaves_no_file(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "r.html"
    result = run("2-3-2", "--html", missing)
    assert result.exit_code in (1, 2)
    assert str(missing) in result.stderr
    out = tmp_path / "big.txt"
    assert "500" in refused("784-100-10", "--form", "component", "-o", out)
    assert list(tmp_path.iterdir()) == []


def test_help_shows_the_options_with_examples() -> None:
    text = run("--help").stdout
    for option in ("--form", "--format", "--steps", "--entry", "--html", "--latex", "--to"):
        assert option in text
    assert 'symbp derive 3-3-3 --entry "W1[0,0]"' in text
    assert "report.html" in text


def printed(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_with_wrt_the_argument_is_a_formula(tmp_path: Path) -> None:
    said = printed("norm2(A*x - b)^2 + c*norm1(x)", "--wrt", "x", "--check").splitlines()
    assert said[0] == "2 Aᵀ (A x - b) + c sign(x)"
    assert said[1].startswith("largest relative difference")
    symmetric = ("x'*A*x", "--wrt", "x", "--assume", "A symmetric")
    assert printed(*symmetric, "--format", "ascii").strip() == "2*A*x"
    assert printed(*symmetric, "--order", "hessian", "--format", "latex").strip() == "2 A"
    shaped = ("a'*X*b", "--wrt", "X", "--shape", "X=m,n", "--shape", "a=m")
    assert printed(*shaped, "--format", "ascii").strip() == "a*b'"
    assert printed("sum(f(x))", "--wrt", "x", "--function", "f").strip() == "f′(x)"
    printed("x'*x", "--wrt", "x", "-o", tmp_path / "gradient.txt")
    assert (tmp_path / "gradient.txt").read_text() == "2 x\n"


def test_options_of_formulas_and_of_networks_do_not_mix() -> None:
    assert "needs --wrt" in refused("2-3-2", "--shape", "A=m,n")
    assert "needs --wrt" in refused("2-3-2", "--format", "ascii")
    assert "is for a network" in refused("x'*x", "--wrt", "x", "--loss", "quadratic")
    assert "expected A=m,n" in refused("x'*x", "--wrt", "x", "--shape", "x")
    assert "expected ')'" in refused("logdet(X", "--wrt", "X")
