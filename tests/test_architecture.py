"""The architecture, read off the source: which way imports point, and what must be absent."""

import ast
import functools
from collections.abc import Collection, Iterator, Mapping
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
    "matrices": {"notation"},
    "entries": {"notation", "calculus"},
    "loops": {"notation", "calculus", "entries"},
    "schedules": {"notation", "calculus", "entries", "loops"},
    "targets": {"notation", "calculus", "entries", "loops", "schedules"},
    "training": {"notation"},
    "compiler": {
        "notation",
        "calculus",
        "networks",
        "derivations",
        "training",
        "entries",
        "schedules",
        "targets",
    },
    "checking": {"notation", "calculus", "networks", "compiler"},
    "listing": {"notation", "calculus", "networks", "derivations", "targets", "compiler"},
    "gallery": {"notation", "networks", "compiler"},
    "interop": {"notation", "calculus", "networks", "entries", "training", "compiler"},
    "diagnosis": {"targets"},
    "sklearn": {"notation", "networks", "derivations", "targets", "compiler"},
    "tables": {"notation", "training", "sklearn"},
    "sweeps": {"notation", "calculus", "networks", "training", "compiler"},
}
# The top: the public names, the commands and the benchmarks may use everything.
TOP = {"__init__", "__main__", "api", "cli", "commands", "benchmarks"}
LONGEST = 420


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path) for path in MODULES}
PARTS = sorted({part(path) for path in MODULES})


def files_of(wanted: str) -> list[Path]:
    return [path for path in MODULES if part(path) == wanted]


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a file: each is parsed once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the module of each import of symbp, in functions too."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports relatively"
            # `from symbp import notation` imports a part; `from symbp.x import y` imports x.
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [dotted if dotted in NAMES else node.module or "" for dotted in inside]
        else:
            continue
        for dotted in modules:
            if dotted.split(".")[0] == "symbp":
                yield node.lineno, dotted


@pytest.mark.parametrize("here", [here for here in PARTS if here not in TOP])
def test_imports_point_one_way(here: str) -> None:
    assert here in LOWER, f"{here!r} is no part of the architecture"
    allowed = LOWER[here] | {here}
    wrong = [
        f"{name(path)}:{line} imports {dotted}"
        for path in files_of(here)
        for line, dotted in imports(path)
        # `import symbp` from inside would depend on everything.
        if dotted == "symbp" or dotted.split(".")[1] not in allowed
    ]
    assert not wrong


def runs(here: str, imported: str) -> Iterator[str]:
    """Yield the modules that an import runs: the one that is named, and the packages entered.

    Those around the importing module are running or have run already.
    """
    yield imported
    around = [*here.split("."), ""]
    parts = imported.split(".")
    for end in range(1, len(parts)):
        if parts[:end] != around[:end]:
            yield ".".join(parts[:end])


def circle(edges: Mapping[str, Collection[str]]) -> list[str] | None:
    """Return a circle of a graph, from a node back to itself, or None."""
    done: set[str] = set()
    for root in edges:
        path: list[str] = []
        work = [iter([root])]
        while work:
            node = next(work[-1], None)
            if node is None:
                work.pop()
                if path:
                    done.add(path.pop())
            elif node in path:
                return [*path[path.index(node) :], node]
            elif node not in done:
                path.append(node)
                work.append(iter(edges.get(node, ())))
    return None


def test_no_imports_run_in_a_circle() -> None:
    # Those in functions and those for type checkers count: who needs whom is what is asked.
    edges = {
        here: [module for _, dotted in imports(path) for module in runs(here, dotted)]
        for path in MODULES
        for here in [module_name(path)]
    }
    found = circle(edges)
    assert found is None, f"a circle of imports: {' → '.join(found or ())}"


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": ["b", "c"], "b": ["c"], "c": []}, None),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c", "b"]),
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["d"], "b": ["c"], "c": ["a", "b"]}, ["b", "c", "b"]),
    ],
)
def test_the_search_finds_circles(edges: dict[str, list[str]], expected: list[str] | None) -> None:
    assert circle(edges) == expected


def test_a_package_that_is_entered_runs_before_its_module() -> None:
    assert list(runs("symbp.a.x", "symbp.a.y")) == ["symbp.a.y"]
    assert list(runs("symbp.a.x", "symbp.b.y")) == ["symbp.b.y", "symbp.b"]
    assert list(runs("symbp.a", "symbp.a.b.c")) == ["symbp.a.b.c", "symbp.a.b"]


def test_programs_are_differentiated_in_one_place() -> None:
    # A trace differentiates the formula as it was written, operation by operation.
    allowed = {
        "symbp.calculus.gradient_program",
        # Derivatives that stand in equations, and how many operations their gradient takes.
        "symbp.calculus.derivative",
        "symbp.calculus.derivative_steps",
        "symbp.derivations.trace",
        "symbp.derivations.trace_stable",
    }
    found = {
        module_name(path)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module == "symbp.calculus.reverse"
        if any(alias.name == "reverse" for alias in node.names)
    }
    assert found == allowed


def test_files_stay_small() -> None:
    lines = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert not {path: count for path, count in lines.items() if count > LONGEST}


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


# These have workers of joblib, which exchange numbers and texts of ours, and read no files.
HAVE_WORKERS = {"symbp/sweeps/dispatch.py", "symbp/benchmarks/sweep_rate.py"}


@pytest.mark.parametrize("here", PARTS)
def test_no_text_is_run_as_code(here: str) -> None:
    found = [
        f"{name(path)}:{getattr(node, 'lineno', 0)} uses {what}"
        for path in files_of(here)
        for node in nodes(path)
        if (what := runs_text_as_code(node))
        and not (what == "joblib" and name(path) in HAVE_WORKERS)
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
