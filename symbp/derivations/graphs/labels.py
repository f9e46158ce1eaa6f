"""labels: a place along each edge for its label, free of vertices, other labels and other edges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Box", "place_labels"]

Point = tuple[float, float]
# Where along an edge a label is tried: the middle first, then ever nearer to the ends.
PLACES = (0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75, 0.18, 0.82, 0.45, 0.55, 0.36, 0.64, 0.28, 0.72,
          0.22, 0.78, 0.15, 0.85)  # fmt: skip
# How far apart labels stand, so that two are not read as one.
APART = 5.0
CELL = 40.0


@dataclass(frozen=True)
class Box:
    """A rectangle by its centre and size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """The smallest x."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """The largest x."""
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        """The smallest y."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """The largest y."""
        return self.y + self.height / 2

    def overlap(self, other: "Box") -> float:
        """Return the area that two boxes have in common."""
        across = min(self.right, other.right) - max(self.left, other.left)
        along = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across * along if across > 0 and along > 0 else 0.0

    def cells(self) -> Iterator[tuple[int, int]]:
        """Yield the cells of a grid that the box touches."""
        for column in range(int(self.left // CELL), int(self.right // CELL) + 1):
            for row in range(int(self.top // CELL), int(self.bottom // CELL) + 1):
                yield column, row


def place_labels(
    curves: Sequence[Sequence[Point]],
    sizes: Sequence[tuple[float, float] | None],
    boxes: Sequence[Box],
) -> tuple[list[Point | None], list[Box]]:
    """Return the centre of each edge's label, and all boxes, those of labels among them.

    Parameters
    ----------
    curves : sequence of sequence of Point
        For each edge a start and cubic pieces.
    sizes : sequence of (float, float) or None
        The size of each label.
    boxes : sequence of Box
        What is drawn already.
    """
    grid: dict[tuple[int, int], list[Box]] = {}
    passing: dict[tuple[int, int], list[tuple[int, Point]]] = {}
    result = list(boxes)
    for box in boxes:
        for cell in box.cells():
            grid.setdefault(cell, []).append(box)
    if any(size is not None for size in sizes):
        for number, curve in enumerate(curves):
            for piece in range(0, len(curve) - 1, 3):
                for step in range(21):
                    x, y = _point(curve[piece : piece + 4], step / 20)
                    cell = int(x // CELL), int(y // CELL)
                    passing.setdefault(cell, []).append((number, (x, y)))
    centres: list[Point | None] = []
    for number, (curve, size) in enumerate(zip(curves, sizes, strict=True)):
        if size is None:
            centres.append(None)
            continue
        best, least = None, float("inf")
        for rank, along in enumerate(PLACES):
            box = Box(*_along(curve, along), *size)
            wide = Box(box.x, box.y, box.width + 2 * APART, box.height + APART)
            cost = 0.02 * rank
            near = {id(b): b for cell in wide.cells() for b in grid.get(cell, ())}
            cost += sum(box.overlap(other) for other in near.values())
            # Nearness is worse than a place far from the middle, and better than a hidden letter.
            cost += 0.2 * sum(wide.overlap(other) for other in near.values())
            hit = {
                other
                for cell in box.cells()
                for other, (x, y) in passing.get(cell, ())
                if other != number and box.left < x < box.right and box.top < y < box.bottom
            }
            cost += 2.0 * len(hit)
            if cost < least:
                best, least = box, cost
        assert best is not None, "there are places to try"
        for cell in best.cells():
            grid.setdefault(cell, []).append(best)
        result.append(best)
        centres.append((best.x, best.y))
    return centres, result


def _along(curve: Sequence[Point], along: float) -> Point:
    """Return a point of a curve: in its widest piece, which lies between two columns."""
    starts = range(0, len(curve) - 1, 3)
    widest = max(starts, key=lambda start: abs(curve[start + 3][0] - curve[start][0]))
    return _point(curve[widest : widest + 4], along)


def _point(piece: Sequence[Point], t: float) -> Point:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = piece
    a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    return a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3
