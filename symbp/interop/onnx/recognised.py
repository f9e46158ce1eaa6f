"""Equations whose form is that of an operator: convolutions, largest values of windows, softmax.

What is looked at is the equation, and never what it was made from. Everything here could be left
out: these equations would be gathers of windows with sums and maxima over them, and exponentials,
with the same values.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symbp.calculus.contract import split_scalars
from symbp.interop.onnx.expressions import Expressions
from symbp.interop.onnx.values import Value, Values
from symbp.notation.bounds import COMPARISONS
from symbp.notation.collected import sum_of, terms
from symbp.notation.equation import Equation
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.standard import exp
from symbp.notation.tensor import Element, Tensor

__all__ = ["Rule", "recognised"]

# From what evaluates bodies and the indices of the left to the value.
Rule = Callable[[Expressions, Sequence[Index]], Value]

# As many combinations of indices are tried to see whether a condition is that of a padding.
_LARGEST_GRID = 2_000_000


def recognised(program: Program, convolutions: bool = True) -> tuple[Program, dict[Equation, Rule]]:
    """Return the program, and for those of its equations that are one operator what writes it.

    Parameters
    ----------
    program : Program
        One reduction an equation, bodies written out.
    convolutions : bool
        Whether there is to be an operator for them.
    """
    rules: dict[Equation, Rule] = {}
    single: dict[Tensor, list[Equation]] = {}
    for equation in program.equations:
        single.setdefault(equation.tensor, []).append(equation)
    equations = []
    for equation in program.equations:
        found = _softmax(equation, single) or _largest(equation)
        if found is None and convolutions:
            found = _convolution(equation)
        if found is not None:
            equation, rule = found
            rules[equation] = rule
        equations.append(equation)
    changed = program.replace(equations=tuple(equations), passed=program.passed)
    return changed.prune(program.roots), rules


def _softmax(
    equation: Equation, defined: dict[Tensor, list[Equation]]
) -> tuple[Equation, Rule] | None:
    """Recognise ``exp(z - logsumexp z)``, or the same without the exponential."""
    body = equation.body.args[0] if isinstance(equation.body, exp) else equation.body
    if equation.reduce or not equation.lhs.is_plain or not isinstance(body, sympy.Add):
        return None
    for term in terms(body):
        logsum = -term
        if not isinstance(logsum, Element) or not logsum.is_plain:
            continue
        (source, *more) = defined.get(logsum.tensor, [None])
        if source is None or more or source.operation != "logsumexp" or len(source.reduce) != 1:
            continue
        rest = sum_of(*(other for other in terms(body) if other is not term))
        names = dict(zip(source.lhs.args, logsum.args, strict=True))
        for index in equation.lhs.args:
            if index in logsum.args or index.extent != source.reduce[0].extent:
                continue
            if source.body.xreplace({**names, source.reduce[0]: index}) == rest:
                operator = "Softmax" if body is not equation.body else "LogSoftmax"
                return equation.replace(body=rest), _softmax_rule(operator, rest, index)
    return None


def _softmax_rule(operator: str, body: Any, index: Index) -> Rule:
    def rule(expressions: Expressions, left: Sequence[Index]) -> Value:
        v = expressions.values
        value = v.cast(expressions.evaluate(body), "float")
        axis = value.axes.index(index)
        return Value(v.graph.add(operator, [v.name(value)], axis=axis), value.axes)

    return rule


@dataclass(frozen=True)
class _Window:
    """One axis along which a window slides: ``stride·i + dilation·p - before``."""

    i: Index
    p: Index
    stride: int
    dilation: int
    before: int
    size: int

    @property
    def after(self) -> int:
        """How far the last window reaches beyond the end."""
        last = self.stride * (int(self.i.extent) - 1) + self.dilation * (int(self.p.extent) - 1)
        return last - self.before - (self.size - 1)


@dataclass(frozen=True)
class _Windows:
    """A tensor read in windows: the axes that are read as they are, and the others."""

    element: Element
    plain: tuple[Index, ...]
    along: tuple[_Window, ...]

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes that say so."""
        pads = [w.before for w in self.along] + [max(w.after, 0) for w in self.along]
        return {
            "strides": [w.stride for w in self.along],
            "dilations": [w.dilation for w in self.along],
            "pads": pads,
            "kernel_shape": [int(w.p.extent) for w in self.along],
        }

    def source(self, expressions: Expressions, first: Sequence[Index]) -> str:
        """Return the tensor with some axes in front, then those of the windows."""
        v = expressions.values
        value = expressions.tensors[self.element.tensor]
        subscripts: list[Any] = [*self.element.args]
        axes = [subscripts.index(index) for index in first]
        axes += [
            next(p for p, each in enumerate(subscripts) if w.p in each.free_symbols)
            for w in self.along
        ]
        return v.name(v.transposed(value, [value.axes[axis] for axis in axes]))


def _windows(factor: Any, reduced: Sequence[Index], filled: Any) -> _Windows | None:
    """Return how a tensor is read in windows, beyond its ends as one number; None if it is not."""
    condition: Any = sympy.true
    if isinstance(factor, where):
        condition, factor, other = factor.args
        if other != filled:
            return None
    if not isinstance(factor, Element) or factor.atoms(Element) != {factor}:
        return None
    plain, along = [], []
    for subscript, extent in zip(factor.args, factor.tensor.shape, strict=True):
        if isinstance(subscript, Index):
            if subscript.extent != extent:
                return None
            plain.append(subscript)
            continue
        found = _window(subscript, extent, reduced)
        if found is None:
            return None
        along.append(found)
    used = [*plain, *(w.i for w in along), *(w.p for w in along)]
    if not along or len(set(used)) < len(used) or any(index.sequential for index in used):
        return None
    if any(w.before < 0 or w.after >= w.stride * int(w.i.extent) for w in along):
        return None
    if any(w.after < 1 - w.stride for w in along):  # a window more would have room
        return None
    return _Windows(factor, tuple(plain), tuple(along)) if _is_inside(condition, along) else None


def _window(subscript: Any, extent: Any, reduced: Sequence[Index]) -> _Window | None:
    indices = sorted(subscript.atoms(Index), key=lambda index: index.dummy_index)
    if len(indices) != 2 or not all(isinstance(i.extent, int) for i in indices):
        return None
    inner = [index for index in indices if index in reduced]
    outer = [index for index in indices if index not in reduced]
    if len(inner) != 1 or not isinstance(extent, int):
        return None
    (i,), (p,) = outer, inner
    whole = sympy.expand(subscript)
    stride, dilation = int(whole.coeff(i)), int(whole.coeff(p))
    before = -int(whole.xreplace({i: 0, p: 0}))
    if stride < 1 or dilation < 1:
        return None
    return _Window(i, p, stride, dilation, before, extent)


def _is_inside(condition: Any, along: Sequence[_Window]) -> bool:
    """Whether a condition is true exactly where all windows are inside."""
    indices = [index for w in along for index in (w.i, w.p)]
    if condition.free_symbols - {*indices} or condition.atoms(Element):
        return False
    if math.prod(int(index.extent) for index in indices) > _LARGEST_GRID:
        return False
    grid = dict(zip(indices, np.ix_(*(np.arange(int(i.extent)) for i in indices)), strict=True))
    inside: Any = True
    for w in along:
        place = w.stride * grid[w.i] + w.dilation * grid[w.p] - w.before
        inside = inside & (place >= 0) & (place < w.size)
    found = _truth(condition, grid)
    return found is not None and bool(np.all(found == inside))


def _truth(node: Any, grid: dict[Index, Any]) -> Any:
    if node is sympy.true:
        return np.True_
    if isinstance(node, sympy.And):
        parts = [_truth(each, grid) for each in node.args]
        if any(part is None for part in parts):
            return None
        result = parts[0]
        for part in parts[1:]:
            result = result & part
        return result
    for kind, compare in COMPARISONS.items():
        if isinstance(node, kind):
            sides = [_number(side, grid) for side in node.args]
            return None if any(side is None for side in sides) else compare(*sides)
    return None


def _number(node: Any, grid: dict[Index, Any]) -> Any:
    """Return an affine expression over the grid."""
    result: Any = 0
    for term in sympy.Add.make_args(sympy.expand(node)):
        coefficient, factor = term.as_coeff_Mul()
        if factor != 1 and factor not in grid:
            return None
        result = result + float(coefficient) * (1 if factor == 1 else grid[factor])
    return result


def _convolution(equation: Equation) -> tuple[Equation, Rule] | None:
    """Recognise a sum of a kernel's elements times those of a window."""
    if equation.operation != "sum" or not equation.reduce or not equation.lhs.is_plain:
        return None
    scalar, parts = split_scalars(equation.body)
    if len(parts) != 2:
        return None
    for kernel, factor in (parts, parts[::-1]):
        if not isinstance(kernel, Element) or not kernel.is_plain:
            continue
        windows = _windows(factor, equation.reduce, 0)
        if windows is None:
            continue
        left, reduced = {*equation.lhs.args}, {*equation.reduce}
        summed = [index for index in windows.plain if index in reduced]
        kept = [index for index in windows.plain if index not in reduced]
        offsets, steps = [w.p for w in windows.along], [w.i for w in windows.along]
        channels = [index for index in kernel.args if index not in (*summed, *offsets)]
        whole = len(summed) == len(kept) == len(channels) == 1
        if (
            whole
            and reduced == {*summed, *offsets}
            and left == {*kept, *channels, *steps}
            and {*kernel.args} == {*channels, *summed, *offsets}
        ):
            order = (*channels, *summed, *offsets)
            axes = (*kept, *channels, *steps)
            return equation, _convolution_rule(windows, kernel, order, axes, scalar)
    return None


def _convolution_rule(
    windows: _Windows, kernel: Element, order: Sequence[Index], axes: Sequence[Index], scalar: Any
) -> Rule:
    def rule(expressions: Expressions, left: Sequence[Index]) -> Value:
        v = expressions.values
        source = windows.source(expressions, (axes[0], order[1]))
        weights = v.transposed(expressions.evaluate(kernel), order)
        name = v.graph.add("Conv", [source, v.name(weights)], **windows.attributes)
        return _scaled(expressions, Value(name, tuple(axes)), scalar)

    return rule


def _scaled(expressions: Expressions, value: Value, scalar: Any) -> Value:
    v: Values = expressions.values
    if scalar == 1:
        return value
    return v.apply("Mul", v.cast(expressions.evaluate(scalar), "float"), value)


def _largest(equation: Equation) -> tuple[Equation, Rule] | None:
    """Recognise the largest element of each window."""
    if equation.operation != "max" or not equation.lhs.is_plain:
        return None
    windows = _windows(equation.body, equation.reduce, -sympy.oo)
    if windows is None or len(windows.plain) != 2:
        return None
    axes = (*windows.plain, *(w.i for w in windows.along))
    if {*equation.lhs.args} != {*axes} or {*equation.reduce} != {w.p for w in windows.along}:
        return None

    def rule(expressions: Expressions, left: Sequence[Index]) -> Value:
        source = windows.source(expressions, windows.plain)
        name = expressions.values.graph.add("MaxPool", [source], **windows.attributes)
        return Value(name, axes)

    return equation, rule
