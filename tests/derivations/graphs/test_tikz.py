"""TikZ: a drawing compiles as it is; and a trace that moves shows all in the end."""

import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import symbp as bp
from symbp.cli import app
from symbp.derivations.graphs.graph import Graph, Vertex
from symbp.derivations.graphs.notation import Piece, pieces, spans

TRACE = bp.trace("(x + y) * z", {"x": -2, "y": 5, "z": -4})


def compiled(document: str, folder: Path) -> str:
    (folder / "graph.tex").write_text(document, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "graph.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "graph.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    return log


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_a_drawing_with_any_names_compiles_without_a_warning(tmp_path: Path) -> None:
    names = ["w²₁₁", "a_{1,2}^(T-1)", "x_y & 5% #1 {b} \\ ~^$", "größe β", "中", "∂C/∂𝐖⁽¹⁾", "10⁻³"]
    vertices = tuple(
        Vertex(f"v{n}", name, above="−0.5", below=name, bias=name, function="relu")
        for n, name in enumerate(names)
    )
    log = compiled(Graph(vertices, ()).tikz(), tmp_path)
    assert "Warning" not in log


def test_a_network_in_tikz_has_its_names_as_mathematics() -> None:
    text = bp.draw(bp.mlp(2, 3, 1)).tikz()
    assert "{$w_{11}^{2}$}" in text
    assert r"{$\sigma $}" in text
    assert text.isascii()


def test_names_are_taken_apart() -> None:
    assert pieces("w²₁₁") == [Piece("w", "11", "2")]
    assert pieces("h⁽¹⁾_{1,2} + b") == [Piece("h", "1,2", "(1)"), Piece(" + b")]
    assert pieces("x²²") == [Piece("x", "", "22")]
    assert spans("σ′(z)") == [("σ", True), ("′(", False), ("z", True), (")", False)]
    assert spans("softmax") == [("softmax", False)]


def test_a_neuron_shows_its_function_and_the_cost_stands_beside_the_outputs() -> None:
    graph = bp.draw(bp.mlp(3, 3, 3))
    neurons = [vertex for vertex in graph.vertices if vertex.kind == "neuron"]
    assert {vertex.function for vertex in neurons} == {"σ"}
    root = ElementTree.fromstring(graph.svg())
    circles = [
        (float(c.get("cx", 0)), float(c.get("cy", 0)))
        for c in root.iter()
        if c.tag.endswith("circle")
    ]
    *hidden, cost = circles
    outputs = [y for x, y in hidden if x == max(x for x, _ in hidden)]
    assert cost[1] == pytest.approx(sum(outputs) / len(outputs), abs=1.0)


def test_a_trace_moves_without_a_script_and_prints_whole() -> None:
    moving = TRACE.graph().svg(animated=True)
    ElementTree.fromstring(moving)
    assert "<script" not in moving
    rules = moving[moving.index("<style>") : moving.index("</style>")]
    assert "@media screen and (prefers-reduced-motion:no-preference){" in rules
    # Outside of that rule nothing is hidden, and nothing else differs from the still drawing.
    assert rules.split("@media screen")[0].count("opacity:0}") == 1  # in a keyframe
    for text in ("−12", "−4", "3"):
        assert f">{text}</text>" in moving
    delays = [
        float(p.split("s")[0]) for p in moving.split('class="in" style="animation-delay:')[1:]
    ]
    assert max(delays) > min(delays) == 0.0
    with pytest.raises(bp.SymbpError, match="has no values"):
        bp.draw(bp.mlp(2, 1)).svg(animated=True)


def test_the_command_writes_tikz_and_animations(tmp_path: Path) -> None:
    runner = CliRunner()
    made = tmp_path / "trace.svg"
    asked = ["draw", "(x + y) * z", "--at", "x=-2,y=5,z=-4", "--animate", "-o", str(made)]
    assert runner.invoke(app, asked).exit_code == 0
    assert "@keyframes" in made.read_text()
    drawn = tmp_path / "graph.tex"
    assert runner.invoke(app, ["draw", "2-3-1", "-o", str(drawn)]).exit_code == 0
    assert r"\begin{tikzpicture}" in drawn.read_text()
    wrong = runner.invoke(app, [*asked[:-1], str(tmp_path / "trace.dot")])
    assert wrong.exit_code == 2
