"""Every example of the README and of docs/ runs: each page's Python blocks, in order."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

import symbp as bp
from symbp.networks.costs import COSTS

ROOT = Path(__file__).parents[1]
ALL_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in ALL_PAGES if "```python\n" in page.read_text(encoding="utf-8")]
OTHERS = ROOT / "docs" / "reference" / "sklearn.md"
# An example and, where the page shows it, what it prints.
EXAMPLE = r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for block in re.finditer(EXAMPLE, text, re.DOTALL):
        # Blank lines in front: a failure then names the line of the page.
        code = "\n" * text[: block.start(1)].count("\n") + block.group(1)
        exec(compile(code, str(page), "exec"), names)
        output = capsys.readouterr().out
        printed += output
        if block.group(2) is not None:
            assert_shown(block.group(2), output)
    assert printed.strip()


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_names_that_a_page_mentions_exist(page: Path) -> None:
    for name in set(re.findall(r"\bbp((?:\.[A-Za-z_]\w*)+)", page.read_text(encoding="utf-8"))):
        found: Any = bp
        for part in name[1:].split("."):
            assert hasattr(found, part), f"bp{name}"
            found = getattr(found, part)


def test_the_names_to_know_of_the_guide_exist() -> None:
    text = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|`]*(?:`[^|`]*`)?) \| (`.*) \|$", text, re.MULTILINE)
    assert {"networks", "costs, for `loss=`"} <= {title for title, _ in rows}
    for title, names in rows:
        known = COSTS if title.startswith("costs") else dir(bp)
        missing = [n for n in re.findall(r'`"?(\w+)"?`', names) if n not in known]
        assert not missing, title


def test_the_reference_has_every_public_name_once() -> None:
    # Those of parts that are imported by themselves have a page of their own.
    pages = sorted({*(ROOT / "docs" / "reference").glob("*.md")} - {OTHERS})
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    listed = re.findall(r"^\.\. auto(?:class|function|exception|data):: (\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(set(dir(bp)) - {"__version__"})


def assert_shown(shown: str, output: str) -> None:
    """Assert that an example prints what the page shows below it; ``…`` stands for any lines."""
    lines = iter([line.rstrip() for line in output.splitlines()])
    skipping = False
    for line in shown.splitlines():
        if line == "…":
            skipping = True
            continue
        found = next((other for other in lines if not skipping or other == line), None)
        assert found == line
        skipping = False


def test_the_graphs_of_the_tutorial_are_those_that_symbp_draws() -> None:
    pictures = ROOT / "docs" / "pictures"
    spec = importlib.util.spec_from_file_location("make_pictures", pictures / "make_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawn = module.graphs()
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(pictures/(.*?)\)", text)) == set(drawn)
    for name, svg in drawn.items():
        assert svg == (pictures / name).read_text(encoding="utf-8"), name


def test_the_readme_has_the_two_commands_that_ci_runs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- ci: (\w+) -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert [mark for mark, _ in blocks] == ["first", "second"]
    assert all(command.count("\n") == 1 for _, command in blocks)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "readme_command first" in script
    assert "readme_command second" in script
