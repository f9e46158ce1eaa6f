"""draw: a view of a network, of its derivation or of a trace, as a graph."""

from pathlib import Path

from symbp.derivations.derivation import Derivation
from symbp.derivations.derive import derive
from symbp.derivations.graphs.equations import equation_graph
from symbp.derivations.graphs.formats import format_of, save
from symbp.derivations.graphs.graph import Graph
from symbp.derivations.graphs.neurons import layer_graph
from symbp.derivations.graphs.reverse_network import reverse_graph
from symbp.notation.arguments import no_program
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.program import Program

__all__ = ["VIEWS", "draw"]

VIEWS = ("layers", "reverse", "equations", "trace")


def draw(
    thing: object,
    view: str | None = None,
    path: str | Path | None = None,
    limit: int = 200,
    animated: bool = False,
) -> Graph:
    """Return a drawing.

    Parameters
    ----------
    thing : Network, Program, Derivation, Trace or Graph
        What is drawn.
    view : {"layers", "reverse", "equations", "trace"}, optional
        The neurons and weights of a network; its backward pass, as a network that runs from right
        to left; which tensor is computed from which; or the numbers of a trace. By default
        ``layers``, for a program without a cost ``equations``, and for a trace ``trace``.
    path : str or Path, optional
        Where to write it: ``.svg``, ``.tex`` (TikZ), ``.dot``, ``.mmd`` (Mermaid) or ``.md``.
    limit : int
        About how many vertices there may be; beyond, columns are folded.
    animated : bool, default False
        Whether the file of a trace moves: values forward, then gradients backward. Only SVG does.

    Returns
    -------
    Graph
        With ``.svg()``, ``.dot()``, ``.mermaid()`` and ``.save(path)``; a notebook shows it.

    Raises
    ------
    SymbpError
        There is no such view of it, or the file's name says no format.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.draw(bp.mlp(784, 30, 10))
    Graph('Layer view: neurons, and weights on the edges': 33 vertices, 116 edges)
    """
    if path is not None:
        format_of(path)  # before anything is derived
    graph = _view(thing, view).folded(limit)
    if path is not None:
        save(graph, path, animated=animated)
    return graph


def _view(thing: object, view: str | None) -> Graph:
    if view is not None and view not in VIEWS:
        raise SymbpError(f"view {view!r}: {suggest(str(view), VIEWS)}")
    if isinstance(thing, (Program, Derivation)):
        program = thing if isinstance(thing, Program) else thing.program
        if view == "trace":
            raise SymbpError("view 'trace' needs numbers: draw bp.trace(program, values)")
        if view is None:
            view = "equations" if program.cost is None else "layers"
        if view == "equations":
            return equation_graph(program)
        derivation = thing if isinstance(thing, Derivation) else derive(program)
        return layer_graph(derivation) if view == "layers" else reverse_graph(derivation)
    if view not in (None, "trace"):
        raise SymbpError(
            f"view {view!r}: expected a Network, Program or Derivation, got {type(thing).__name__}"
        )
    graph = thing if isinstance(thing, Graph) else _graph_of(thing)
    if graph is None:
        raise SymbpError(
            f"draw: expected a Network, Program, Derivation, Trace or Graph, "
            f"got {no_program(thing)}"
        )
    return graph


def _graph_of(thing: object) -> Graph | None:
    """Return the graph that a trace, or anything else that has one, gives of itself."""
    make = getattr(thing, "graph", None)
    graph = make() if callable(make) else None
    return graph if isinstance(graph, Graph) else None
