"""The HTML report: complete, self-contained, well formed, and safe from what a user names."""

import functools
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import symbp as bp
from symbp.derivations.report import sections
from symbp.derivations.report.blocks import Block, Prose
from symbp.derivations.report.mathml import mathml
from tests.derivations.report.networks import FORMS, NETWORKS, derivation_of, hostile


@functools.cache
def page_of(name: str, form: str | None = None) -> str:
    derivation = derivation_of(name)
    return derivation.html() if form is None else derivation.html(form=form)


def tree(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def section(page: str, title: str) -> str:
    (found,) = re.findall(rf"<section id=\"{title}\">.*?</section>", page, re.S)
    return found


def pages() -> list[Any]:
    """Return each network in each form; every run has each of them at least once."""
    return [
        pytest.param(name, form, marks=[pytest.mark.slow] if (i - j) % len(FORMS) else [])
        for i, name in enumerate(NETWORKS)
        for j, form in enumerate(FORMS)
    ]


@pytest.mark.parametrize(("name", "form"), pages())
def test_the_page_is_well_formed_and_needs_nothing_else(name: str, form: str) -> None:
    page = page_of(name, form)
    tree(page)
    assert not re.search(r"https?:|//|url\((?!#)|@import|src=|<link|<script|javascript", page, re.I)
    assert not re.search(r"\son\w+=", page)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


@pytest.mark.parametrize("name", NETWORKS)
def test_every_equation_of_the_derivation_is_shown(name: str) -> None:
    derivation, page = derivation_of(name), page_of(name)
    for line in (*derivation.forward, *derivation.backward):
        left, right = line.latex().split(" = ", 1)
        assert mathml(left, display=True) in page
        assert mathml(f"= {right}", display=True) in page
    steps = section(page, "step-by-step")
    for step in derivation.steps():
        for left, right in step.sides():
            displayed, in_text = mathml(left, display=True), mathml(f"{left} = {right}")
            assert displayed in steps or in_text in steps


def test_the_contents_link_to_every_section() -> None:
    page = tree(bp.derive(bp.mlp(2, 3, 1)).html())
    links = [a.get("href") for a in page.iter("a")]
    assert links == [f"#{found.get('id')}" for found in page.iter("section")]
    titles = ["".join(heading.itertext()) for heading in page.iter("h2")]
    assert titles[:4] == [
        "Network",
        "Forward equations",
        "The four fundamental equations",
        "Step by step",
    ]
    assert titles[-1] == "Functions"
    assert "The code that computes it" in titles


def test_code_stands_beside_its_equation() -> None:
    page = bp.derive(bp.mlp(2, 3, 1)).html()
    passages = section(page, "the-code-that-computes-it").split('<div class="passage">')[1:]
    (bp4,) = [text for text in passages if "W1_adjoint, 2)" in text]
    assert mathml(r"= \sum_{n} a^{1}_{nk} \delta^{2}_{nj}", display=True) in bp4
    assert "(BP4)" in bp4


@pytest.mark.parametrize("name", NETWORKS)
def test_no_command_of_latex_is_left_in_a_formula(name: str) -> None:
    page = tree(page_of(name))
    for formula in page.iter("math"):
        assert "\\" not in "".join(formula.itertext())


def test_what_is_added_up_has_its_signs_beside_the_code() -> None:
    shown = section(bp.derive(bp.mlp(2, 3, 1)).html(), "the-code-that-computes-it")
    assert mathml(r"\leftarrow \sum_{k} w^{3}_{jk} a^{2}_{nk}", display=True) in shown
    assert mathml(r"\mathrel{+}= b^{2}_{j}", display=True) in shown


def test_what_a_user_names_is_shown_as_text() -> None:
    page = bp.derive(hostile()).html()
    tree(page)

    tags: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.add(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert "math" in tags
    assert not tags & {"script", "img"}
    assert "größe_β_中" in page


def test_the_limit_of_components_is_said() -> None:
    page = bp.derive(bp.mlp(784, 100, 10)).html(form="component")
    assert "more than 500" in section(page, "forward-equations")
    assert "at most 64" in section(page, "every-entry-of-the-gradient")


def test_the_page_of_a_large_network_is_no_longer_than_that_of_a_smaller_one() -> None:
    large, smaller = (
        bp.derive(bp.mlp(*n)).html() for n in ((784, 1000, 1000, 10), (80, 90, 90, 10))
    )
    assert len(large) < 1.05 * len(smaller)
    assert len(large) < 500_000


def test_the_page_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    page = bp.derive(bp.mlp(2, 1)).html(path)
    assert path.read_text(encoding="utf-8") == page
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_a_program_without_code_says_why() -> None:
    x, cost = bp.input("x"), bp.tensor("C")
    program = bp.Program([bp.Equation(cost, x**2)], cost=cost)
    page = bp.derive(program).html()
    assert "No code is generated: the program has no parameters" in page


def test_a_registered_section_is_part_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "_registered", {})

    def made(derivation: bp.Derivation) -> Iterator[Block]:
        yield Prose("With `<code>` and $x^2$ & more.")

    sections.register("A part of one's own", made)
    page = bp.derive(bp.mlp(2, 1)).html()
    assert "<h2>A part of one&#x27;s own</h2>" in page
    assert "<p>With <code>&lt;code&gt;</code> and <math" in page
    assert "The code that computes it" not in page


def test_bp_of_2_2_2_is_as_committed(golden: Callable[[str, str], None]) -> None:
    page = bp.derive(bp.mlp(2, 2, 2)).html()
    fragment = section(page, "the-four-fundamental-equations")
    golden("report-2-2-2-bp.html", fragment.replace("</div><div", "</div>\n<div") + "\n")
