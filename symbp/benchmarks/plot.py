"""The ratios as bars on a logarithmic axis, as SVG: right of the line symbp is faster."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from symbp.benchmarks.grids import rows_text, three_digits
from symbp.benchmarks.report import Report, Row

__all__ = ["plot_svg"]

# Okabe and Ito's colours, told apart by the colour-blind too.
_COLOURS = ("#0072b2", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9", "#009e73")
_WIDTH, _LEFT, _RIGHT = 1000, 310, 60
_BAR, _GAP, _HEAD = 9, 12, 58
_OPTIMIZERS = {"sgd": "SGD", "adam": "Adam"}
_KINDS = {
    "sigmoid": "sigmoid with the quadratic cost",
    "relu": "ReLU with the softmax cross-entropy",
}
_TITLES = {"step": "training step", "gradient": "gradient", "predict": "prediction"}


def plot_svg(report: Report) -> str:
    """Return a drawing: a panel for each measure and thread setting, a bar for each peer.

    Peers without a ratio have no bar, but a word that says why.
    """
    titles = [peer.title for peer in report.peers]
    colours = {
        peer.name: _COLOURS[number % len(_COLOURS)] for number, peer in enumerate(report.peers)
    }
    names = {peer.name: peer.title for peer in report.peers}
    ratios = [each.ratio.median for row in report.rows for each in row.peers if each.ratio]
    low = min([0.5, *(ratio / 1.3 for ratio in ratios)])
    high = max([2.0, *(ratio * 1.6 for ratio in ratios)])
    axis = _Axis(low, high)
    parts: list[str] = []
    parts.append(_text(16, 26, "Time of each peer / time of symbp", size=16, weight="bold"))
    top = 44.0
    for line in ("Right of the line symbp is faster.", _settings(report), _circumstances(report)):
        parts.append(_text(16, top, line, size=11))
        top += 16
    x = 16.0
    for title, colour in zip(titles, colours.values(), strict=True):
        parts.append(
            f'<rect x="{x:.0f}" y="{top - 5:.0f}" width="10" height="10" fill="{colour}"/>'
        )
        parts.append(_text(x + 14, top + 4, title, size=11))
        x += 30 + 6.6 * len(title)
    top += 20
    for threads in dict.fromkeys(row.threads for row in report.rows):
        for measure in dict.fromkeys(row.case.measure for row in report.rows):
            rows = [r for r in report.rows if (r.threads, r.case.measure) == (threads, measure)]
            if rows:
                count = "1 thread" if threads == "1" else "all threads"
                parts += _panel(rows, f"{_TITLES[measure]}, {count}", top, axis, colours, names)
                top += _height(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top + 10:.0f}" '
        f'viewBox="0 0 {_WIDTH} {top + 10:.0f}" font-family="sans-serif" fill="#222">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _settings(report: Report) -> str:
    """Return what was trained, and how: precisions, threads, optimizers, activations and costs."""
    cases = [row.case for row in report.rows]
    threads = ["1 thread" if row.threads == "1" else "all threads" for row in report.rows]
    optimizers = [_OPTIMIZERS[case.optimizer] for case in cases if case.measure == "step"]
    kinds = [_KINDS.get(case.kind.name, case.kind.name) for case in cases]
    dtypes: list[str] = [case.dtype for case in cases]
    groups = [dtypes, threads, optimizers, kinds]
    return "; ".join(" and ".join(dict.fromkeys(group)) for group in groups if group)


def _circumstances(report: Report) -> str:
    """Return where, when and how thoroughly it was measured, as far as the report says."""
    found = [report.machine.get(name, "") for name in ("processor", "date", "timings")]
    if "interrupted" in report.machine:
        found.append(f"interrupted: {report.machine['interrupted']}")
    return "; ".join(text for text in found if text)


class _Axis:
    """A logarithmic axis over the width of the drawing."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def ticks(self) -> list[float]:
        """Return 1, 2, 5 in each decade; powers of ten alone where there are many decades."""
        digits = (1, 2, 5) if self.high / self.low < 1000 else (1,)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = [digit * 10.0**decade for decade in decades for digit in digits]
        return [tick for tick in found if self.low <= tick <= self.high]


def _row_height(row: Row) -> float:
    return len(row.peers) * _BAR + _GAP


def _height(rows: Sequence[Row]) -> float:
    return _HEAD + sum(_row_height(row) for row in rows) + 16


def _panel(
    rows: Sequence[Row],
    title: str,
    top: float,
    axis: _Axis,
    colours: dict[str, str],
    names: dict[str, str],
) -> list[str]:
    bottom = top + _height(rows) - 16
    parts = [_text(16, top + 26, title, size=14, weight="bold")]
    for tick in axis.ticks():
        x = axis(tick)
        stroke = "#222" if tick == 1 else "#ddd"
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 42:.1f}" y2="{bottom:.1f}" '
            f'stroke="{stroke}"/>'
        )
        parts.append(_text(x, top + 38, f"{tick:g}×", size=10, anchor="middle"))
    y = top + _HEAD - 8
    for row in rows:
        middle = y + len(row.peers) * _BAR / 2 + 4
        parts.append(_text(_LEFT - 60, middle, _label(row), size=11, anchor="end"))
        for each in row.peers:
            if each.ratio is None:
                word = f"{names[each.peer]}: {each.status}"
                parts.append(_text(axis(1) + 4, y + 7.5, word, size=8, fill="#777"))
            else:
                ratio = each.ratio.median
                ends = sorted((axis(1), axis(ratio)))
                parts.append(
                    f'<rect x="{ends[0]:.1f}" y="{y:.1f}" width="{ends[1] - ends[0]:.1f}" '
                    f'height="{_BAR - 1}" fill="{colours[each.peer]}"/>'
                )
                left = ratio < 1
                x = ends[0] - 3 if left else ends[1] + 3
                word, anchor = three_digits(ratio), "end" if left else "start"
                parts.append(_text(x, y + 7.5, word, size=8, anchor=anchor))
            y += _BAR
        y += _GAP
    return parts


def _label(row: Row) -> str:
    case = row.case
    parts = [case.workload.name, case.kind.name]
    if case.measure == "predict":
        parts = [case.workload.name.split()[0], case.kind.name, rows_text(case.rows)]
    elif case.measure == "step":
        parts.append(_OPTIMIZERS[case.optimizer])
    return " ".join([*parts, case.dtype])


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int,
    anchor: str = "start",
    weight: str = "normal",
    fill: str = "#222",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'font-weight="{weight}" fill="{fill}">{escape(text)}</text>'
    )
