"""paste: runtime source as it stands, only what is used, and everything that it needs."""

import ast
import builtins
from pathlib import Path

import pytest

import symbp.targets.numba.runtime
from symbp.compiler import module_source
from symbp.targets.numba.paste import Imports, paste
from tests.programs import PROGRAMS

RUNTIME = Path(symbp.targets.numba.runtime.__file__).parent
FILES = ["vector_maths_float32.py", "vector_maths_float64.py", "openblas.py", "blas.py",
         "without_scipy.py", "arguments.py", "entry_points.py", "trainer.py",
         "gradient_check.py"]  # fmt: skip
MATHS = ["exp", "tanh", "sigmoid", "softplus", "log", "erf", "gelu", "sin"]


def top_level(source: str) -> set[str]:
    """Return the names that a module's own statements and imports define."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        else:
            found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return found


def free_names(source: str) -> set[str]:
    """Return the names that are read somewhere and bound nowhere."""
    tree = ast.parse(source)
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }
    bound |= {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    bound |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    bound |= {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name}
    bound |= {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return read - bound - top_level(source) - set(dir(builtins)) - {"__file__"}


@pytest.mark.parametrize("file", FILES)
def test_what_is_pasted_stands_in_the_file(file: str) -> None:
    lines = (RUNTIME / file).read_text(encoding="utf-8").splitlines()
    pasted = paste(file).text.splitlines()
    left = iter(lines)
    assert all(line in left for line in pasted)  # in the same order


@pytest.mark.parametrize("file", FILES)
def test_no_import_from_symbp_is_left(file: str) -> None:
    pasted = paste(file)
    assert "symbp" not in pasted.imports.text()
    tree = ast.parse(pasted.text)
    assert not any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in tree.body)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MATHS)
def test_a_function_comes_with_what_it_needs_and_no_more(name: str, dtype: str) -> None:
    file = f"vector_maths_{dtype}.py"
    pasted = paste(file, [name])
    source = f"{pasted.imports.text()}\n{pasted.text}"
    assert name in top_level(pasted.text)
    assert free_names(source) <= {"real", "_OPTIONS"}
    assert len(pasted.text) < len(paste(file).text)


def test_nothing_wanted_is_nothing_pasted() -> None:
    pasted = paste("blas.py", [])
    assert pasted.text.strip() == ""
    assert pasted.imports.text().strip() == ""


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_module_leaves_no_name_undefined(name: str, dtype: str) -> None:
    assert free_names(module_source(PROGRAMS[name]()[0], dtype=dtype)) == set()


def test_imports_are_sorted_the_standard_library_first() -> None:
    imports = Imports({("numpy", "np"), ("os", None)}, {"typing": {"Any"}, "numba": {"b", "a"}})
    assert imports.text().splitlines() == [
        "import os",
        "from typing import Any",
        "",
        "import numpy as np",
        "from numba import a, b",
    ]
