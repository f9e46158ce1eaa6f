"""SVG, DOT and Mermaid: well-formed, with the numbers in them, whatever the names are."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbp.derivations.graphs import Edge, Graph, Vertex
from symbp.derivations.graphs.notation import Piece, pieces
from symbp.notation.errors import SymbpError

SVG = "{http://www.w3.org/2000/svg}"
TEXTBOOK = Graph(
    (
        Vertex("x", "x", "input", "-2", "-4"),
        Vertex("y", "y", "input", "5", "-4"),
        Vertex("z", "z", "parameter", "-4", "3"),
        Vertex("q", "+", "operation", "3", "-4"),
        Vertex("f", "×", "cost", "-12", "1"),
    ),
    (Edge("x", "q", "1"), Edge("y", "q"), Edge("q", "f", "-4"), Edge("z", "f", "3")),
    "f = (x + y)z",
)
KINDS = Graph(
    (
        Vertex("n", 'a "b" <c> & \\d', "neuron"),
        Vertex("a", "σ′(z²₁)", "amplifier"),
        Vertex("k", "2", "constant"),
        Vertex("m", "… 772 more", "fold"),
    ),
    (Edge("n", "a"), Edge("k", "a", "w|x", "1.5", "-0.5"), Edge("m", "a")),
    'a "title"; <b>',
    leftwards=True,
)
HOSTILE = [
    "</text><script>alert(1)</script>",
    "a&b",
    '"quoted"',
    "]]>",
    "-->",
    "x\x00y\x1bz",
    "é漢",
]


def texts(svg: str) -> list[tuple[str, str]]:
    """Return the class and the text of each text element."""
    root = ElementTree.fromstring(svg)
    return [(e.get("class", ""), "".join(e.itertext())) for e in root.iter(f"{SVG}text")]


def test_values_are_green_above_and_gradients_red_below() -> None:
    root = ElementTree.fromstring(TEXTBOOK.svg())
    for group in root.iter(f"{SVG}g"):
        above, below, name = (
            next(e for e in group.iter(f"{SVG}text") if kind in e.get("class", "").split())
            for kind in ("value", "gradient", "name")
        )
        assert float(above.get("y", "")) < float(name.get("y", "")) < float(below.get("y", ""))
    found = texts(TEXTBOOK.svg())
    assert [t for c, t in found if "value" in c] == ["-2", "5", "-4", "3", "-12"]
    assert [t for c, t in found if "gradient" in c] == ["-4", "-4", "3", "-4", "1"]
    assert [t for c, t in found if "edge-label" in c] == ["1", "-4", "3"]
    assert root.find(f"{SVG}title").text == "f = (x + y)z"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_become_markup(name: str) -> None:
    graph = Graph(
        (Vertex("a", name, above=name, below=name), Vertex(name, name, "fold")),
        (Edge("a", name, name, name, name),),
        name,
    )
    root = ElementTree.fromstring(graph.svg())
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "style", "defs", "marker", "path", "rect", "g", "circle",
                    "text", "tspan"}  # fmt: skip
    shown = "".join(c if c.isprintable() else "�" for c in name)
    assert [t for _, t in texts(graph.svg())].count(shown) >= 4


@given(st.text(max_size=30), st.text(max_size=30))
def test_svg_is_well_formed_for_any_text(label: str, title: str) -> None:
    graph = Graph((Vertex("a", label), Vertex("b", "b")), (Edge("a", "b", label),), title)
    ElementTree.fromstring(graph.svg())


def test_two_drawings_in_one_page_do_not_share_identifiers() -> None:
    def identifiers(graph: Graph) -> set[str]:
        return set(re.findall(r'id="([^"]+)"', graph.svg()))

    assert identifiers(TEXTBOOK)
    assert not identifiers(TEXTBOOK) & identifiers(KINDS)
    assert identifiers(TEXTBOOK) == identifiers(TEXTBOOK)
    # Each rule of the style names the drawing's own class, so it does nothing to the page.
    style = re.search(r"<style>(.*)</style>", TEXTBOOK.svg(), re.DOTALL)
    own = re.search(r'class="symbp-graph (\w+)"', TEXTBOOK.svg())
    assert style is not None
    assert own is not None
    rules = style[1].replace("@media (prefers-color-scheme:dark){", "")
    for selector in re.findall(r"([^{}]+)\{[^}]*\}", rules):
        assert all(part.startswith(f".{own[1]}") for part in selector.split(","))


def test_an_amplifier_points_where_the_signal_goes() -> None:
    def tip(leftwards: bool) -> float:
        graph = Graph((Vertex("a", "s", "amplifier"),), (), leftwards=leftwards)
        start, _, after = re.findall(r'shape node" d="M(\S+) (\S+)L(\S+)', graph.svg())[0]
        return float(after) - float(start)

    assert tip(leftwards=False) > 0 > tip(leftwards=True)


def test_subscripts_that_unicode_lacks_are_lowered() -> None:
    assert pieces("w³_{1,12}") == [Piece("w", "1,12", "3")]
    svg = Graph((Vertex("w", "w³_{1,12}"),), ()).svg()
    assert '<tspan class="i">w</tspan>' in svg
    # What stands below begins where what stands above begins.
    above, below = re.findall(r'<tspan dx="(\S+)" dy="\S+" font-size="72%">', svg)
    assert float(above) > 0 > float(below)


@pytest.mark.parametrize(("name", "graph"), [("textbook", TEXTBOOK), ("kinds", KINDS)])
def test_dot_and_mermaid_are_as_committed(
    name: str, graph: Graph, golden: Callable[[str, str], None]
) -> None:
    golden(f"graph-{name}.dot", graph.dot())
    golden(f"graph-{name}.mmd", graph.mermaid() + "\n")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("text", [*HOSTILE, "\\", "a\nb", "\\N", "%s", "<b>x</b>", "&amp;", "}"])
def test_graphviz_reads_any_name_as_it_is(text: str) -> None:
    graph = Graph(
        (Vertex("a", text), Vertex("b", text, above=text)),
        (Edge("a", "b", text, above=text), Edge("b", "a", text)),
        text,
    )
    done = subprocess.run(["dot", "-Tsvg"], input=graph.dot().encode(), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    shown = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    found = [e.text for e in ElementTree.fromstring(done.stdout).iter(f"{SVG}text")]
    for line in shown.split("\n"):
        assert found.count(line) >= 4


@given(st.text(max_size=20))
def test_mermaid_keeps_names_in_quotes(text: str) -> None:
    lines = Graph((Vertex("a", text), Vertex("b", "b")), (Edge("a", "b", text),)).mermaid()
    assert len(lines.split("\n")) == 4
    for line in lines.split("\n")[1:3]:
        inner = re.fullmatch(r'    v\d\(\("(.*)"\)\)', line)
        assert inner is not None
        assert not set(re.sub(r"#\d+;|<br/>", "", inner[1])) & set('"<>#;`&|[]{}')


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.svg", "<svg"), ("a.dot", "digraph"), ("a.mmd", "flowchart"), ("a.md", "```mermaid")],
)
def test_the_suffix_says_the_format(name: str, start: str, tmp_path: Path) -> None:
    assert TEXTBOOK.save(tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_another_suffix_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SymbpError, match=r"ends in '\.png'.*known: \.dot"):
        TEXTBOOK.save(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Graph((Vertex("a", "x"), Vertex("a", "y")), ()), "two vertices have the key 'a'"),
        (lambda: Graph((Vertex("a", "x"),), (Edge("a", "b"),)), "there is no vertex 'b'"),
        (lambda: Vertex("a", "x", "neurone"), "did you mean 'neuron'"),
        (lambda: Vertex("a", 3), "label is a int, expected a string"),  # type: ignore[arg-type]
        (lambda: Graph(("a",), ()), "'a' is no Vertex"),  # type: ignore[arg-type]
        (lambda: TEXTBOOK.folded(0), "limit 0: expected a positive number"),
    ],
)
def test_what_is_no_graph_is_said(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SymbpError, match=re.escape(message)):
        make()
