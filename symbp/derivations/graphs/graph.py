"""Graph: a graph that can be drawn, written down in every format, and shown by a notebook.

It stands above the formats; what they read is the :class:`~.plain.PlainGraph` that it is.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbp.derivations.graphs.dot import dot
from symbp.derivations.graphs.fold import folded
from symbp.derivations.graphs.formats import save
from symbp.derivations.graphs.mermaid import mermaid
from symbp.derivations.graphs.plain import Edge, PlainGraph, Vertex
from symbp.derivations.graphs.svg import svg
from symbp.derivations.graphs.tikz import tikz

__all__ = ["Edge", "Graph", "Vertex"]


@dataclass(frozen=True, repr=False)
class Graph(PlainGraph):
    """A directed graph to be drawn.

    Parameters
    ----------
    vertices : tuple of Vertex
        In the order in which they were made; it decides where the layout has a choice.
    edges : tuple of Edge
        Between them.
    title : str
        Names the drawing for those who do not see it.
    leftwards : bool
        Whether the first column stands at the right, as for a backward pass.
    in_order : bool
        Whether the vertices of a column stand in the order given, whatever crosses.
    aligned : bool
        Whether columns begin at one height, as the steps of a simple recurrence do.

    Raises
    ------
    SymbpError
        Two vertices have one key, or an edge ends at no vertex.

    Examples
    --------
    >>> graph = Graph((Vertex("x", "x", "input"), Vertex("y", "y", "cost")), (Edge("x", "y"),))
    >>> print(graph.mermaid())
    flowchart LR
        v0(["x"])
        v1(("y"))
        v0 --> v1
    """

    def svg(self, animated: bool = False) -> str:
        """Return the drawing as SVG: one file, or one element of an HTML page.

        Parameters
        ----------
        animated : bool, default False
            Whether values appear in the order in which they are computed, then gradients in the
            order of the way back. There is no script in it; printed, it shows everything.

        Raises
        ------
        SymbpError
            It is to be animated and has no values: it is no graph of a trace.

        Examples
        --------
        >>> import symbp as bp
        >>> graph = bp.trace("(x + y) * z", {"x": -2, "y": 5, "z": -4}).graph()
        >>> "@keyframes" in graph.svg(animated=True)
        True
        """
        return svg(self, animated)

    def tikz(self) -> str:
        """Return the drawing as a LaTeX document of its own, drawn with TikZ."""
        return tikz(self)

    def dot(self) -> str:
        """Return the graph in the language of Graphviz."""
        return dot(self)

    def mermaid(self) -> str:
        """Return the graph as a Mermaid flowchart."""
        return mermaid(self)

    def folded(self, limit: int = 200) -> "Graph":
        """Return a graph of at most about that many vertices, with columns folded.

        Parameters
        ----------
        limit : int
            How many vertices are to be drawn.

        Returns
        -------
        Graph
            The graph itself if it is small enough; else one in which the vertices between the
            first few and the last of a column are one vertex, which says how many they are.
        """
        return folded(self, limit)

    def save(self, path: str | Path, animated: bool = False) -> Path:
        """Write the drawing to a file.

        Parameters
        ----------
        path : str or Path
            Ends in ``.svg``, ``.tex`` (TikZ), ``.dot`` (or ``.gv``), ``.mmd`` (Mermaid), or
            ``.md`` (Mermaid in a Markdown document).
        animated : bool, default False
            As for :meth:`svg`.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        SymbpError
            The name ends in something else.
        """
        return save(self, path, animated=animated)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        shown = self.folded()
        return {"image/svg+xml": shown.svg(), "text/plain": repr(self)}
