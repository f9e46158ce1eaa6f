"""ranks: the column of each vertex of a graph, so that edges lead from one column to a later one.

A vertex stands as far along as the longest path that leads to it. Edges that would close a cycle
(a recurrence, drawn as tensors) are found first; they alone lead back.
"""

from symbp.derivations.graphs.plain import Edge, PlainGraph

__all__ = ["backward_edges", "ranks"]


def ranks(graph: PlainGraph) -> dict[str, int]:
    """Return the column of each vertex, counted from 0.

    Parameters
    ----------
    graph : PlainGraph
        Where a vertex has a rank of its own, it stands there, or further along if an edge needs it.

    Returns
    -------
    dict of str to int
        For each edge that is not of :func:`backward_edges`, the target's is the larger one.
    """
    back = backward_edges(graph)
    following: dict[str, list[str]] = {vertex.key: [] for vertex in graph.vertices}
    waiting = dict.fromkeys(following, 0)
    for position, edge in enumerate(graph.edges):
        if position not in back:
            following[edge.source].append(edge.target)
            waiting[edge.target] += 1
    given = {vertex.key: vertex.rank for vertex in graph.vertices}
    least = min((rank for rank in given.values() if rank is not None), default=0)
    result = {key: 0 if rank is None else rank - least for key, rank in given.items()}
    ready = [key for key in following if not waiting[key]]
    for key in ready:
        for target in following[key]:
            result[target] = max(result[target], result[key] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    # Columns that nothing stands in are left out.
    columns = {rank: column for column, rank in enumerate(sorted(set(result.values())))}
    return {key: columns[rank] for key, rank in result.items()}


def backward_edges(graph: PlainGraph) -> set[int]:
    """Return the positions of the edges that lead back to where a walk along edges came from."""
    leaving: dict[str, list[tuple[int, Edge]]] = {vertex.key: [] for vertex in graph.vertices}
    for position, edge in enumerate(graph.edges):
        leaving[edge.source].append((position, edge))
    entered = {edge.target for edge in graph.edges if edge.source != edge.target}
    # Sources first: from elsewhere, the edge that enters a cycle could seem to lead back.
    starts = [vertex.key for vertex in graph.vertices if vertex.key not in entered]
    back: set[int] = set()
    on_path: set[str] = set()
    seen: set[str] = set()
    for start in (*starts, *leaving):
        if start in seen:
            continue
        seen.add(start)
        on_path.add(start)
        path = [(start, iter(leaving[start]))]
        while path:
            key, edges = path[-1]
            for position, edge in edges:
                if edge.target in on_path:
                    back.add(position)
                elif edge.target not in seen:
                    seen.add(edge.target)
                    on_path.add(edge.target)
                    path.append((edge.target, iter(leaving[edge.target])))
                    break
            else:
                on_path.discard(key)
                path.pop()
    return back
