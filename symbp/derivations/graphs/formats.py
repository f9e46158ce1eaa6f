"""formats: a graph as text in the format that a file's name asks for."""

from collections.abc import Callable
from pathlib import Path

from symbp.derivations.graphs.dot import dot
from symbp.derivations.graphs.mermaid import mermaid
from symbp.derivations.graphs.plain import PlainGraph
from symbp.derivations.graphs.svg import svg
from symbp.derivations.graphs.tikz import tikz
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.files import write_text

__all__ = ["FORMATS", "format_of", "save", "text_of"]

FORMATS: dict[str, Callable[[PlainGraph], str]] = {
    "svg": svg,
    "tikz": tikz,
    "dot": dot,
    "mermaid": lambda graph: mermaid(graph) + "\n",
    "markdown": lambda graph: f"```mermaid\n{mermaid(graph)}\n```\n",
}
SUFFIXES = {
    ".svg": "svg", ".tex": "tikz", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid",
    ".mermaid": "mermaid", ".md": "markdown",
}  # fmt: skip


def format_of(path: str | Path) -> str:
    """Return the name of the format that a file's suffix stands for.

    Raises
    ------
    SymbpError
        It stands for none.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in SUFFIXES:
        came = f"ends in {suffix!r}" if suffix else "has no suffix"
        raise SymbpError(f"{path}: a drawing's name {came}, {suggest(suffix, SUFFIXES)}")
    return SUFFIXES[suffix.lower()]


def text_of(graph: PlainGraph, format: str, animated: bool = False) -> str:
    """Return a drawing in a format; only SVG moves.

    Raises
    ------
    SymbpError
        Another format is to be animated.
    """
    if not animated:
        return FORMATS[format](graph)
    if format != "svg":
        raise SymbpError(f"animated: a drawing in the format {format} stands still, expected svg")
    return svg(graph, animated=True)


def save(
    graph: PlainGraph, path: str | Path, format: str | None = None, animated: bool = False
) -> Path:
    """Write a drawing to a file, whole or not at all.

    Parameters
    ----------
    graph : PlainGraph
        What is drawn.
    path : str or Path
        The file.
    format : {"svg", "tikz", "dot", "mermaid", "markdown"}, optional
        By default what the file's suffix says.
    animated : bool, default False
        Whether it moves.

    Returns
    -------
    Path
        The file.
    """
    return write_text(path, text_of(graph, format or format_of(path), animated))
