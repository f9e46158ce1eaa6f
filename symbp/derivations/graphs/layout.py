"""layout: a place for each vertex, edge and label of a graph, in columns from left to right.

The method of Sugiyama, Tagawa and Toda (1981): columns by longest paths, an order in each column
with few crossings, then coordinates. An edge that passes a column gets a place of its own there,
so that it runs round the vertices. It is written here because the libraries for it in pure Python
are unmaintained or under the GPL, and Graphviz would be a program to install.
"""

import itertools
from dataclasses import dataclass

from symbp.derivations.graphs.labels import Box, place_labels
from symbp.derivations.graphs.ordering import ordered
from symbp.derivations.graphs.plain import Edge, PlainGraph
from symbp.derivations.graphs.ranks import backward_edges, ranks
from symbp.derivations.graphs.spacing import heights

__all__ = ["Curve", "Extent", "Layout", "Point", "Size", "layout"]

Point = tuple[float, float]
Size = tuple[float, float]
# A width, and how far something reaches above and below its centre.
Extent = tuple[float, float, float]
# A path: a start, then cubic pieces, each two control points and an end.
Curve = tuple[Point, ...]

MARGIN = 16.0
# Between vertices of a column, between an edge that passes and its neighbours, between columns.
VERTEX_GAP = 22.0
EDGE_GAP = 14.0
COLUMN_GAP = 48.0
WIDEST_GAP, WIDEST_OF_MANY = 340.0, 120.0
MANY = 80
# An edge steeper than this leaves and arrives horizontally; it would touch the neighbours.
STEEPEST = 2.0
# How high the loop of an edge from a vertex to itself rises.
LOOP = 30.0


@dataclass(frozen=True)
class Layout:
    """Where everything stands; y grows downwards.

    Attributes
    ----------
    width, height : float
        Of the drawing.
    centres : dict of str to Point
        The centre of each vertex' box.
    curves : tuple of Curve
        For each edge a start and cubic Bézier pieces.
    labels : tuple of Point or None
        For each edge the centre of its label.
    columns : dict of str to int
        The column of each vertex, counted in the direction of the edges.
    """

    width: float
    height: float
    centres: dict[str, Point]
    curves: tuple[Curve, ...]
    labels: tuple[Point | None, ...]
    columns: dict[str, int]


def layout(
    graph: PlainGraph,
    sizes: dict[str, Extent],
    outlines: dict[str, Size],
    round_: set[str],
    label_sizes: tuple[Size | None, ...],
) -> Layout:
    """Return a place for everything.

    Parameters
    ----------
    graph : PlainGraph
        What is drawn.
    sizes : dict of str to (float, float, float)
        The width of each vertex' box, with all the text that belongs to it, and how far the box
        reaches above and below the outline's centre, where edges end.
    outlines : dict of str to Size
        The width and height of what is drawn round its name, where edges end.
    round_ : set of str
        The vertices whose outline is a circle.
    label_sizes : tuple of Size or None
        The width and height of each edge's label; None for an edge without one.

    Returns
    -------
    Layout
        The boxes of the vertices are disjoint.
    """
    if not graph.vertices:
        return Layout(2 * MARGIN, 2 * MARGIN, {}, (), (), {})
    return _Placing(graph, sizes, outlines, round_, label_sizes).result()


class _Placing:
    """The nodes are numbers: the vertices first, then a node for each column an edge passes."""

    def __init__(
        self,
        graph: PlainGraph,
        sizes: dict[str, Extent],
        outlines: dict[str, Size],
        round_: set[str],
        label_sizes: tuple[Size | None, ...],
    ) -> None:
        self.graph, self.label_sizes = graph, label_sizes
        self.keys = [vertex.key for vertex in graph.vertices]
        self.sizes = [sizes[key] for key in self.keys]
        self.outlines = [outlines[key] for key in self.keys]
        self.round = [key in round_ for key in self.keys]
        self.columns_of = ranks(graph)
        self.rank = [self.columns_of[key] for key in self.keys]
        self.back = backward_edges(graph)
        self.chains = self._chains()
        self.twins: dict[tuple[str, ...], list[int]] = {}
        for position, edge in enumerate(graph.edges):
            self.twins.setdefault(_ends(edge), []).append(position)
        count = len(self.rank)
        self.after: list[list[int]] = [[] for _ in range(count)]
        self.before: list[list[int]] = [[] for _ in range(count)]
        for chain in self.chains:
            for left, right in itertools.pairwise(chain):
                self.after[left].append(right)
                self.before[right].append(left)

    def _chains(self) -> list[list[int]]:
        """Return the nodes of each edge from left to right, and make those in between."""
        number = {key: position for position, key in enumerate(self.keys)}
        chains = []
        for position, edge in enumerate(self.graph.edges):
            source, target = number[edge.source], number[edge.target]
            if position in self.back:
                source, target = target, source
            chain = [source]
            for rank in range(self.rank[source] + 1, self.rank[target]):
                chain.append(len(self.rank))
                self.rank.append(rank)
            chains.append(chain if source == target else [*chain, target])
        return chains

    def result(self) -> Layout:
        columns: list[list[int]] = [[] for _ in range(max(self.rank) + 1)]
        for node in self._first_order():
            columns[self.rank[node]].append(node)
        real = len(self.keys)
        kept = real if self.graph.in_order else 0
        columns = ordered(columns, self.after, self.before, kept)
        targets = {vertex.key for vertex in self.graph.vertices if vertex.kind == "target"}
        light = [node for node, key in enumerate(self.keys) if key in targets]
        up, down = ([s[side] for s in self.sizes] for side in (1, 2))
        if self.graph.in_order:
            # One pitch for all columns: rows of a network are level.
            up, down = [max(up)] * real, [max(down)] * real
            for node in light:  # no row of the network goes on there
                _, up[node], down[node] = self.sizes[node]
        for chain in self.chains:
            if len(chain) == 1:
                up[chain[0]] = max(up[chain[0]], self.sizes[chain[0]][1] + LOOP)
        passing = [0.0] * (len(self.rank) - real)
        size = list(zip([*up, *passing], [*down, *passing], strict=True))
        gap = [VERTEX_GAP if node < real else EDGE_GAP for node in range(len(self.rank))]
        for node in light:
            gap[node] = EDGE_GAP
        self.y = heights(
            columns, self.after, self.before, size, gap, real, self.graph.aligned, light
        )
        half = [
            max((self.sizes[node][0] / 2 for node in column if node < real), default=4.0)
            for column in columns
        ]
        self.half = half
        self.x_of = self._column_places(half)
        self.centre = [(self.x_of[self.rank[n]], self.y[n]) for n in range(len(self.rank))]
        curves = [self._curve(position) for position in range(len(self.chains))]
        boxes = [
            Box(x, y + (below - above) / 2, width, above + below)
            for (x, y), (width, above, below) in zip(self.centre[:real], self.sizes, strict=True)
        ]
        labels, boxes = place_labels(curves, self.label_sizes, boxes)
        return self._framed(curves, labels, boxes)

    def _first_order(self) -> list[int]:
        """Return the nodes as given; one that an edge passes stands beside the edge's source."""
        key: dict[int, tuple[float, int]] = {n: (n, 0) for n in range(len(self.keys))}
        for position, chain in enumerate(self.chains):
            for node in chain[1:-1]:
                key[node] = (chain[0] + 0.5, position)
        return sorted(key, key=key.__getitem__)

    def _column_places(self, half: list[float]) -> list[float]:
        gaps = [COLUMN_GAP] * len(half)
        # Steep edges want room, but a reader has to find his way through a large graph.
        widest_gap = WIDEST_GAP if len(self.keys) <= MANY else WIDEST_OF_MANY
        labels: list[list[Size]] = [[] for _ in half]
        for position, chain in enumerate(self.chains):
            size = self.label_sizes[position]
            for left, right in itertools.pairwise(chain):
                rise = abs(self.y[left] - self.y[right])
                column = self.rank[left]
                gaps[column] = max(gaps[column], min(widest_gap, 0.52 * rise))
            if size is not None and len(chain) > 1:
                labels[self.rank[chain[0]]].append(size)
        places = [half[0]]
        for column in range(len(half) - 1):
            widest = max((width for width, _ in labels[column]), default=0.0)
            # Several labels want several places along their edges.
            room = widest * min(5.0, 1.0 + 0.3 * len(labels[column])) + 24 if widest else 0.0
            gap = max(gaps[column], room)
            places.append(places[-1] + half[column] + gap + half[column + 1])
        return places

    def _curve(self, position: int) -> Curve:
        chain = self.chains[position]
        if len(chain) == 1:
            return self._loop(chain[0])
        shift = self._shift(position)
        if len(chain) == 2 and self._is_flat(chain) and not shift:
            curve = self._straight(chain[0], chain[1])
        else:
            curve = self._through(chain, shift)
        return tuple(reversed(curve)) if position in self.back else curve

    def _shift(self, position: int) -> float:
        """Return how far a curve bends aside, for several edges between the same two vertices."""
        twins = self.twins[_ends(self.graph.edges[position])]
        return 22.0 * (twins.index(position) - (len(twins) - 1) / 2)

    def _is_flat(self, chain: list[int]) -> bool:
        (x0, y0), (x1, y1) = (self.centre[node] for node in chain)
        across = x1 - x0 - sum(self.half[self.rank[node]] for node in chain)
        # A vertex narrower than its column would send a slanting edge over its neighbours.
        narrow = any(self.half[self.rank[n]] - self.outlines[n][0] / 2 > 6.0 for n in chain)
        return abs(y1 - y0) <= (0.25 if narrow else STEEPEST) * across

    def _straight(self, left: int, right: int) -> Curve:
        start, end = self._port(left, right, 1.0), self._port(right, left, -1.0)
        third = ((end[0] - start[0]) / 3, (end[1] - start[1]) / 3)
        return (
            start,
            (start[0] + third[0], start[1] + third[1]),
            (end[0] - third[0], end[1] - third[1]),
            end,
        )

    def _port(self, node: int, other: int, side: float) -> Point:
        (x, y), (u, v) = self.centre[node], self.centre[other]
        if not self.round[node]:
            return self._side(node, other, side)
        length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5
        radius = self.outlines[node][0] / 2
        return x + radius * (u - x) / length, y + radius * (v - y) / length

    def _side(self, node: int, other: int, side: float) -> Point:
        """Return where a side is met; several edges meet it one beside the other."""
        (x, y), rise = self.centre[node], self.y[other] - self.y[node]
        half = self.outlines[node][0] / 2
        if not self.round[node]:
            return x + side * half, y + max(-9.0, min(9.0, 0.06 * rise))
        aside = max(-0.75 * half, min(0.75 * half, 0.12 * rise))
        return x + side * (half**2 - aside**2) ** 0.5, y + aside

    def _through(self, chain: list[int], shift: float) -> Curve:
        """Return a curve that is horizontal wherever it passes a column."""
        points: list[Point] = []
        for place, node in enumerate(chain):
            x, y = self.centre[node]
            half = self.half[self.rank[node]]
            for side, other in ((-1.0, place - 1), (1.0, place + 1)):
                if not 0 <= other < len(chain):
                    continue
                entry = [(x + side * half, y)]
                if node < len(self.keys):
                    port = self._side(node, chain[other], side)
                    # A vertex narrower than its column is reached along a level line.
                    level = [(x + side * half, port[1])] if abs(port[0] - x) < half - 1.0 else []
                    entry = [*level, port] if side < 0 else [port, *level]
                points += entry
        curve: list[Point] = [points[0]]
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            bend = (x1 - x0) * 0.5
            aside = shift if len(points) == 2 else 0.0
            curve += [(x0 + bend, y0 + aside), (x1 - bend, y1 + aside), (x1, y1)]
        return tuple(curve)

    def _loop(self, node: int) -> Curve:
        (x, y), (width, height) = self.centre[node], self.outlines[node]
        top, reach = y - height / 2, min(width / 2, 16.0)
        return ((x + reach, top), (x + 2 * reach, top - LOOP), (x - 2 * reach, top - LOOP),
                (x - reach, top))  # fmt: skip

    def _framed(self, curves: list[Curve], labels: list[Point | None], boxes: list[Box]) -> Layout:
        """Move everything so that it begins at the margin; mirror it for a backward pass."""
        points = [point for curve in curves for point in curve]
        left = min([box.left for box in boxes] + [x for x, _ in points])
        right = max([box.right for box in boxes] + [x for x, _ in points])
        top = min([box.top for box in boxes] + [y for _, y in points])
        bottom = max([box.bottom for box in boxes] + [y for _, y in points])

        def moved(point: Point) -> Point:
            x = right - point[0] if self.graph.leftwards else point[0] - left
            return round(x + MARGIN, 2), round(point[1] - top + MARGIN, 2)

        return Layout(
            round(right - left + 2 * MARGIN, 2),
            round(bottom - top + 2 * MARGIN, 2),
            {key: moved(self.centre[node]) for node, key in enumerate(self.keys)},
            tuple(tuple(map(moved, curve)) for curve in curves),
            tuple(None if label is None else moved(label) for label in labels),
            self.columns_of,
        )


def _ends(edge: Edge) -> tuple[str, ...]:
    return tuple(sorted((edge.source, edge.target)))
