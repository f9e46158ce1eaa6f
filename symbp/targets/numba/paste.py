"""paste: runtime source files, whole or in parts, as text for a generated module.

The runtime is real code of the project, linted and tested. A module gets only the top-level
statements that it uses, with the imports that those need.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

__all__ = ["Imports", "Pasted", "defined_in", "functions_of", "names_used", "paste"]

# Not by paths, so that symbp may be installed in a zip file.
_RUNTIME = resources.files("symbp.targets.numba.runtime")


@dataclass
class Imports:
    """The imports of a module: plain ones, and names by the module they come from."""

    plain: set[tuple[str, str | None]] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)

    def add(self, other: "Imports") -> None:
        """Take over another file's imports."""
        self.plain |= other.plain
        for module, names in other.names.items():
            self.names.setdefault(module, set()).update(names)

    def text(self) -> str:
        """Return the import block: standard library, then the rest."""
        standard: list[str] = []
        rest: list[str] = []
        for module, alias in sorted(self.plain, key=lambda p: p[0]):
            line = f"import {module}" + (f" as {alias}" if alias else "")
            (standard if _is_standard(module) else rest).append(line)
        for module in sorted(self.names):
            line = f"from {module} import {', '.join(sorted(self.names[module]))}"
            (standard if _is_standard(module) else rest).append(line)
        return "\n".join([*standard, "", *rest])


@dataclass(frozen=True)
class Pasted:
    """Source text and the imports that it needs."""

    text: str
    imports: Imports


@dataclass(frozen=True)
class _Statement:
    text: str
    defines: frozenset[str]
    defines_function: str
    """The name of the function that it is, or nothing."""
    uses: frozenset[str]


def paste(file: str, wanted: Iterable[str] | None = None) -> Pasted:
    """Return a runtime file's top-level statements without its docstring and imports.

    Parameters
    ----------
    file : str
        The file's name in ``symbp/targets/numba/runtime``, or with a folder its place in ``symbp``.
    wanted : iterable of str, optional
        The names that are needed; with them come the names that they use. By default all.
    """
    statements, imports = _parsed(file)
    if wanted is None:
        chosen = list(statements)
    else:
        needed, stack = set(), list(wanted)
        while stack:
            name = stack.pop()
            if name not in needed:
                needed.add(name)
                for statement in statements:
                    if name in statement.defines:
                        stack.extend(statement.uses)
        chosen = [s for s in statements if s.defines & needed]
    used = frozenset().union(*(s.uses for s in chosen)) if chosen else frozenset()
    kept = Imports(
        {(m, a) for m, a in imports.plain if (a or m.split(".")[0]) in used},
        {m: names & used for m, names in imports.names.items() if names & used},
    )
    return Pasted("\n".join(s.text for s in chosen).strip("\n") + "\n", kept)


@cache
def _parsed(file: str) -> tuple[tuple[_Statement, ...], Imports]:
    folder = resources.files("symbp") if "/" in file else _RUNTIME
    source = folder.joinpath(file).read_text(encoding="utf-8")
    lines = source.splitlines()
    imports = Imports()
    statements = []
    end = 0
    for node in ast.parse(source).body:
        start, previous_end, end = end, end, node.end_lineno or 0
        if isinstance(node, ast.Import):
            imports.plain |= {(alias.name, alias.asname) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if not module.startswith("symbp") and module != "__future__":
                imports.names.setdefault(module, set()).update(a.name for a in node.names)
        elif not (isinstance(node, ast.Expr) and previous_end == 0):
            # Comments and decorators above a statement belong to it.
            text = "\n".join(_without_directives(lines[start:end]))
            function = node.name if isinstance(node, ast.FunctionDef) else ""
            statements.append(_Statement(text, _defined(node), function, _used(node)))
    return tuple(statements), imports


def _without_directives(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith("# mypy:")]


def _defined(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return frozenset([node.name])
    stored = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return frozenset(n.id for n in stored if isinstance(n.ctx, ast.Store))


def names_used(text: str) -> set[str]:
    """Return the names that source text uses.

    Parameters
    ----------
    text : str
        Statements.
    """
    return {name for node in ast.parse(text).body for name in _used(node)}


def _used(node: ast.stmt) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def _is_standard(module: str) -> bool:
    import sys

    return module.split(".")[0] in sys.stdlib_module_names


def functions_of(file: str) -> frozenset[str]:
    """Return the names of the functions that a runtime file defines.

    Parameters
    ----------
    file : str
        As for :func:`paste`.
    """
    statements, _ = _parsed(file)
    return frozenset(s.defines_function for s in statements if s.defines_function)


def defined_in(file: str) -> frozenset[str]:
    """Return the names that a runtime file defines.

    Parameters
    ----------
    file : str
        As for :func:`paste`.
    """
    statements, _ = _parsed(file)
    return frozenset().union(*(s.defines for s in statements))
