"""Where a source file may be changed: everything but what no test can see, said as rules.

Not drawn are mutants inside of

- annotations of arguments, results and variables, type aliases, blocks under ``TYPE_CHECKING``;
- docstrings, ``__all__``, ``__slots__``, imports;
- the arguments of a ``raise``: the texts of errors (whether one is raised is drawn);
- ``strict=`` of ``zip`` and ``stacklevel=``, which change nothing in a program that is right, and
  decorators that cache, without which it is only slower.
"""

import ast
from collections.abc import Iterator

__all__ = ["Span", "forbidden", "is_inside"]

#: First line and column, last line and column behind it; lines from 1, columns in characters.
Span = tuple[int, int, int, int]

_ALIASES = {"Callable", "Literal", "Union", "Optional", "TypeVar", "Iterable", "Mapping"}


def span(node: ast.AST, lines: list[str]) -> Span:
    """Return where a node stands, in characters (``ast`` counts bytes)."""
    first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    start = len(lines[first - 1].encode()[: node.col_offset].decode())  # type: ignore[attr-defined]
    end = len(lines[last - 1].encode()[: node.end_col_offset].decode())  # type: ignore[attr-defined]
    return first, start, last, end


def forbidden(source: str) -> list[Span]:
    """Return the parts of a source text that are not drawn from."""
    lines = source.splitlines()
    return [span(node, lines) for node in _unseen(ast.parse(source))]


def is_inside(place: Span, spans: list[Span]) -> bool:
    """Whether a place lies in one of the spans."""
    start, end = place[:2], place[2:]
    return any(start >= one[:2] and end <= one[2:] for one in spans)


def _unseen(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
            yield node.annotation
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns
        if isinstance(node, (ast.Import, ast.ImportFrom)) or _is_declaration(node):
            yield node
        if isinstance(node, ast.Raise):
            yield from _texts(node)
        if isinstance(node, ast.keyword) and node.arg in ("strict", "stacklevel"):
            yield node.value
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield node
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from (d for d in node.decorator_list if "cache" in ast.unparse(d))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first


def _texts(node: ast.Raise) -> Iterator[ast.AST]:
    if isinstance(node.exc, ast.Call):
        yield from node.exc.args
        yield from (keyword.value for keyword in node.exc.keywords)


def _is_declaration(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign):
        return False
    names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    if names & {"__all__", "__slots__"}:
        return True
    value = node.value
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        return value.value.id in _ALIASES
    return False
