"""Markdown with ``$$`` blocks."""

import re
from collections.abc import Callable

import pytest

import symbp as bp
from symbp.derivations.report.blocks import Listing, Passage, Picture, Row, Table
from symbp.derivations.report.markdown import markdown_of
from tests.derivations.report.networks import FORMS, NETWORKS, derivation_of


def test_the_markdown_of_2_2_2_is_as_committed(golden: Callable[[str, str], None]) -> None:
    golden("report-2-2-2-index.md", bp.derive(bp.mlp(2, 2, 2)).markdown("index"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_formulas_stand_between_dollars_on_lines_of_their_own(name: str, form: str) -> None:
    text = derivation_of(name).markdown(form)
    blocks = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.M | re.S)
    assert len(blocks) > 2
    assert len(blocks) * 2 == text.count("$$")
    for block in blocks:
        assert block.startswith(r"\begin{aligned}")
        assert block.endswith(r"\end{aligned}")
        assert "$" not in block
        assert "\n\n" not in block
        braces = re.sub(r"\\[{}]", "", block)
        assert braces.count("{") == braces.count("}")


def test_every_equation_is_there_and_steps_can_be_left_out() -> None:
    derivation = bp.derive(bp.mlp(3, 4, 2))
    text = derivation.markdown(steps=False)
    for line in (*derivation.forward, *derivation.backward):
        assert line.latex().replace(" = ", " &= ", 1) in text
    assert "Step by step" not in text
    assert "Step by step" in derivation.markdown()


def test_other_blocks_have_a_form_in_markdown() -> None:
    passage = Passage(((7, "z = w * x"),), (Row("z", "w x"),))
    table = Table(("mode", "count"), (("reverse", "7"),), numeric=(1,))
    picture = Picture("<svg></svg>", "graph LR\n", "A graph of `x_1`.")
    assert markdown_of([Listing((passage,)), table, picture]) == (
        "```python\nz = w * x\n```\n\n"
        "$$\n\\begin{aligned}\nz &= w x\n\\end{aligned}\n$$\n\n"
        "| mode | count |\n| --- | ---: |\n| reverse | 7 |\n\n"
        "```mermaid\ngraph LR\n```\n\nA graph of `x_1`.\n"
    )
