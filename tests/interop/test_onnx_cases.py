"""ONNX's own cases of its operators: how many of them equations say, and which are refused."""

import re
from pathlib import Path

import pytest

from tests.onnx_cases import outcomes, table

pytest.importorskip("onnx")
PAGE = Path(__file__).parents[2] / "docs" / "onnx.md"
BETWEEN = re.compile(r"(?<=<!-- cases -->\n).*?(?=\n<!-- end of cases -->)", re.DOTALL)


@pytest.mark.slow
def test_the_page_says_which_cases_pass(request: pytest.FixtureRequest) -> None:
    found = outcomes()
    wrong = [each.case for each in found if each.reason == "another value"]
    # A quotient that is 25.5 in float32 only is rounded to another whole number.
    assert wrong == ["test_dynamicquantizelinear", "test_dynamicquantizelinear_expanded"]
    text = PAGE.read_text(encoding="utf-8")
    made = table(found)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(BETWEEN.sub(lambda _: made, text), encoding="utf-8")
        return
    shown = BETWEEN.search(text)
    assert shown is not None
    assert _without_errors(shown.group()) == _without_errors(made)


def _without_errors(text: str) -> str:
    """Return a table without its errors, which are of the last digits of a machine's functions."""
    return re.sub(r"\d+e[-+]\d+", "", text)
