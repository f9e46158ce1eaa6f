"""``symbp draw`` as a user runs it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import symbp as bp
from symbp.cli import app


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, ["draw", *map(str, arguments)])
    # Only exits: anything else would reach the user as a traceback.
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("view", ["layers", "reverse", "equations"])
@pytest.mark.parametrize(
    ("suffix", "format"), [("svg", "svg"), ("dot", "dot"), ("mmd", "mermaid"), ("md", "markdown")]
)
def test_a_file_holds_what_is_printed_without_one(
    view: str, suffix: str, format: str, tmp_path: Path
) -> None:
    path = tmp_path / f"graph.{suffix}"
    assert run("3-2-2", "--view", view, "-o", path).stdout == f"wrote {path}\n"
    printed = run("3-2-2", "--view", view, "--format", format).stdout
    assert path.read_text(encoding="utf-8") == printed
    graph = bp.draw(bp.mlp(3, 2, 2), view)
    body = {"svg": graph.svg, "dot": graph.dot}.get(format, graph.mermaid)()
    assert body in printed
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_formula_is_drawn_with_its_numbers() -> None:
    shown = run("(x + y) * z", "--at", "x=-2, y=5, z=-4").stdout
    expected = bp.trace("(x + y) * z", {"x": -2, "y": 5, "z": -4}).graph().svg()
    assert shown == expected
    for text in (">−12<", ">−4<", ">3<"):
        assert text in shown


def test_a_network_of_a_file_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("import symbp as bp\nnet = bp.mlp(2, 1)\n", encoding="utf-8")
    assert run(f"{path}:net").stdout == bp.draw(bp.mlp(2, 1)).svg()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x+y"], "'x+y' is not a network: expected layer sizes"),
        (["2-2", "-o", "a.pdf"], "a.pdf: a drawing's name ends in '.pdf'"),
        (["2-2", "-o", "a"], "a: a drawing's name has no suffix"),
        (["2-2", "--at", "x=1"], "2-2: --at and --view trace take a formula"),
        (["x*y", "--view", "trace"], "'x*y' needs numbers, such as --at x=1,y=2"),
        (["x*y", "--at", "x=1,y"], "--at y: expected a name and a number"),
        (["x*y", "--at", "x=1,y=two"], "--at y=two: expected a name and a number"),
        (["x*y", "--at", "x=1,x=2"], "x is given twice"),
        (["x*y", "--at", "x=1,y=2", "--loss", "quadratic"], "--loss quadratic: a formula has none"),
        (["x*y", "--at", "x=1,y=2", "--view", "layers"], "view 'layers': expected a Network"),
        (["2-2", "--limit", "0"], "limit 0: expected a positive number"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_2(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
