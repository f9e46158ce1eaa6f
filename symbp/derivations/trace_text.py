"""How a trace prints as a whole: the walk forward and backward as a table."""

import math
from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.derivations.index_form import IndexForm
from symbp.derivations.printing import style_of
from symbp.derivations.trace_nodes import EvaluationTrace, TraceEdge
from symbp.notation.equation import Equation
from symbp.notation.tensor import Tensor

__all__ = ["latex_table", "text_table"]

# Longer sums are counted, not written out.
LONGEST_SUM = 8
LONGEST_PRODUCTS = 4
# The widest column to which the others are aligned.
WIDEST = 50

Row = tuple[str, ...]


def text_table(trace: EvaluationTrace, digits: int, limit: int) -> str:
    """Return the walk as aligned lines."""
    forward, backward = _rows(trace, "text", digits)
    lines = [trace.formula, ""] if trace.formula else []
    for title, rows in (("forward", forward), ("backward", backward)):
        lines += [title, *_aligned(rows[:limit])]
        if len(rows) > limit:
            lines.append(f"… and {len(rows) - limit:,} more of {len(rows):,} lines")
        lines.append("")
    return "\n".join(lines[:-1])


def latex_table(trace: EvaluationTrace, digits: int, limit: int) -> str:
    """Return the walk as the rows of ``aligned``."""
    lines: list[str] = []
    for rows in _rows(trace, "latex", digits):
        lines += [" &= ".join(row[:2]) + "".join(f" &&= {c}" for c in row[2:] if c)
                  for row in rows[:limit]]  # fmt: skip
        if len(rows) > limit:
            lines.append(rf"&\text{{and {len(rows) - limit} more of {len(rows)} lines}}")
        lines[-1] += r" \\[1ex]"
    body = "\n".join(line if line.endswith("[1ex]") else line + r" \\" for line in lines)
    return "\\begin{aligned}\n" + body.removesuffix(r" \\[1ex]") + "\n\\end{aligned}"


def _aligned(rows: Sequence[Row]) -> list[str]:
    """Return rows of a name and what it equals, with the equals signs under each other."""
    columns = max(map(len, rows))
    cells = [[row[c] for row in rows if c < len(row)] for c in range(columns)]
    # One long formula must not push all the numbers out of sight.
    widths = [max((len(t) for t in column if len(t) <= WIDEST), default=0) for column in cells]
    lines = []
    for row in rows:
        line = row[0].ljust(widths[0])
        for width, cell in zip(widths[1:], row[1:], strict=False):
            line += f"  = {cell.ljust(width)}" if cell else " " * (width + 4)
        lines.append(line.rstrip())
    return lines


def _rows(trace: EvaluationTrace, language: str, digits: int) -> tuple[list[Row], list[Row]]:
    cost = trace.nodes[-1].tensor
    form = IndexForm(style_of(language), cost)
    number = _Numbers(language, digits)
    forward: list[Row] = []
    for node in trace.nodes:
        name = form.tensor(node.tensor)
        if node.expression is None or node.expression.is_number:
            forward.append((name, number.show(node.value)))
        else:
            forward.append((name, _formula(form, node.expression), number.show(node.value)))
    readers: dict[str, list[TraceEdge]] = {}
    for edge in reversed(trace.edges):
        readers.setdefault(edge.source, []).append(edge)
    made: dict[Tensor, list[Equation]] = {}
    for equation in trace.backward:
        # After the last of its contributions, as a whole.
        made[equation.tensor] = [*made.pop(equation.tensor, ()), equation]
    one = form.style.partial(form.tensor(cost), form.tensor(cost))
    backward: list[Row] = [(one, number.show(1.0))]
    for tensor, equations in made.items():
        source = tensor.adjoint_of
        if source is None or not any(e.body.free_symbols or e.body != 0 for e in equations):
            source_node = None if source is None else trace.node(source.name)
            if source_node is not None:
                backward.append((form.tensor(tensor), number.show(0.0)))
            continue
        node = trace.node(source.name)
        edges = [e for e in readers.get(source.name, ()) if e.derivative != 0]
        shown, value = _contributions(form, equations), number.show(node.gradient or 0.0)
        if all(equation.body.is_number for equation in equations):
            cells = [shown] if shown == value else [shown, value]
        else:
            cells = [shown, _products(trace, edges, number), value]
        backward.append((form.tensor(tensor), *cells))
    return forward, backward


def _formula(form: IndexForm, body: Expr) -> str:
    if isinstance(body, sympy.Add) and len(body.args) > LONGEST_SUM:
        return form.style.remark(form.style.words.say("trace.terms", count=len(body.args)))
    return form.scalar(body)[0]


def _contributions(form: IndexForm, equations: Sequence[Equation]) -> str:
    if len(equations) > LONGEST_SUM:
        return form.style.remark(form.style.words.say("trace.terms", count=len(equations)))
    return form.sides(equations[0].lhs, equations)[1]


def _products(trace: EvaluationTrace, edges: Sequence[TraceEdge], number: "_Numbers") -> str:
    """Return ``1 × 3 + (-4) × 2``: the gradient of each reader times the local derivative."""
    if len(edges) > LONGEST_PRODUCTS:
        return ""
    return " + ".join(
        f"{number.factor(trace.node(e.target).gradient or 0.0)}"
        f"{number.times}{number.factor(e.value)}"
        for e in edges
    )


class _Numbers:
    """Numbers of a table, in a language and with some significant digits."""

    def __init__(self, language: str, digits: int) -> None:
        self.latex = language == "latex"
        self.digits = digits
        self.times = r" \cdot " if self.latex else " × "

    def show(self, value: float) -> str:
        text = f"{value:.{self.digits}g}"
        if not self.latex:
            return text
        if not math.isfinite(value):
            return {math.inf: r"\infty", -math.inf: r"-\infty"}.get(value, r"\mathrm{nan}")
        mantissa, e, exponent = text.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa

    def factor(self, value: float) -> str:
        text = self.show(value)
        return f"({text})" if text.startswith("-") else text
