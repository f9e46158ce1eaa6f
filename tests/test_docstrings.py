"""Every example of a docstring gives what stands below it."""

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import symbp

MODULES = [
    "symbp",
    *(
        found.name
        for found in pkgutil.walk_packages(symbp.__path__, "symbp.")
        if not found.name.endswith(".__main__")  # importing one runs it
    ),
]
FINDER = doctest.DocTestFinder(exclude_empty=True)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def has_examples(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return ">>> " in Path(spec.origin).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in MODULES if has_examples(name)])
def test_examples_of_a_module(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some write files
    examples = [test for test in FINDER.find(importlib.import_module(name)) if test.examples]
    assert examples
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in examples:
        runner.run(test, out=said.append)
    assert not said, "".join(said)
