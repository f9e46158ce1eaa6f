"""The architecture, read off the source: which way imports point, and what must be absent."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "symbp"
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part may import besides itself. Packages on one level do not import each other.
LOWER: dict[str, set[str]] = {
    "notation": set(),
    "calculus": {"notation"},
    "networks": {"notation", "calculus"},
    "derivations": {"notation", "calculus"},
    "codegen": {"notation", "calculus", "schedules"},
    "entries": {"notation", "calculus"},
    "loops": {"notation", "calculus", "entries"},
    "schedules": {"notation", "calculus", "entries", "loops"},
    "targets": {"notation", "calculus", "entries", "loops", "schedules"},
    "training": {
        "notation",
        "calculus",
        "networks",
        "derivations",
        "codegen",
        "entries",
        "targets",
    },
}
# The top: the public names, the driver, the commands and the benchmarks may use everything.
TOP = {"__init__", "__main__", "api", "cli", "commands", "benchmarks"}
LONGEST = 420


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the dotted name of each import of symbp, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports relatively"
            # `from symbp import notation` imports a part; `from symbp.x import y` imports x.
            names = (
                [f"symbp.{alias.name}" for alias in node.names]
                if node.module == "symbp"
                else [node.module or ""]
            )
        else:
            continue
        for dotted in names:
            if dotted.split(".")[0] == "symbp":
                yield node.lineno, dotted


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    here = part(path)
    if here in TOP:
        return
    assert here in LOWER, f"{name(path)}: {here!r} is no part of the architecture"
    allowed = LOWER[here] | {here}
    wrong = [
        f"{name(path)}:{line} imports {dotted}"
        for line, dotted in imports(path)
        # `import symbp` from inside would depend on everything.
        if dotted == "symbp" or dotted.split(".")[1] not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def runs_text_as_code(node: ast.AST) -> str | None:
    """Return what a node uses of that which turns text into running code."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.append(node.module)
        roots = {dotted.split(".")[0] for dotted in modules}
        banned = {"pickle", "cloudpickle", "joblib", "marshal", "parse_expr", "lambdify"}
        return next(iter(sorted(roots & banned)), None)
    if isinstance(node, ast.Call):
        function = called(node)
        if isinstance(node.func, ast.Name) and function in {"eval", "exec"}:
            return function
        if function in {"parse_expr", "lambdify"}:
            return function
        if function in {"sympify", "S"} and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.JoinedStr) or (
                isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            ):
                return f"{function} of a string"
            # Anything but strict sympify evaluates a string that slips through.
            strict = any(keyword.arg == "strict" for keyword in node.keywords)
            if function == "sympify" and not strict:
                return "sympify without strict=True"
        if any(
            keyword.arg == "allow_pickle"
            and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
            for keyword in node.keywords
        ):
            return "allow_pickle"
    return None


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_text_is_run_as_code(path: Path) -> None:
    found = [
        f"{name(path)}:{getattr(node, 'lineno', 0)} uses {what}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (what := runs_text_as_code(node))
    ]
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "import pickle",
        "from sympy.parsing.sympy_parser import parse_expr",
        "sympy.lambdify(x, y)",
        "sympy.sympify('x')",
        "sympify(value)",
        "numpy.load(path, allow_pickle=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert any(runs_text_as_code(node) for node in ast.walk(ast.parse(source)))


def test_no_committed_text_holds_a_path_of_a_machine() -> None:
    # Assembled, so that this file does not hold them itself.
    homes = ["/" + word for word in ("root/", "home/", "Users/")]
    texts = [*MODULES, *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / ".ci" / "run"]
    found = [
        f"{name(path)}: {home}"
        for path in texts
        for home in homes
        if home in path.read_text(encoding="utf-8")
    ]
    assert not found
