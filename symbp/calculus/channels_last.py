"""channels_last: a tensor that a window slides over has the axes that it does not slide along last.

``a[n, c, h, w]`` becomes ``a[n, h, w, c]`` where ``z[n, o, i, l] = Σ W[o, c, p, q] a[n, c, i + p,
l + q]`` reads it, and so do the tensors that are computed from it and for it, element by element.
The positions of all examples are then the rows of one matrix product, and what is done with each
number runs along the channels, which are next to each other. Arguments, parameters and what
somebody outside reads stay as they are.
"""

from collections.abc import Container

from symbp.calculus.contract import is_contraction
from symbp.calculus.patches import affine_indices, patches_of, permuted
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["LEAST_CHANNELS", "channels_last", "channels_of"]

# With fewer the runs in memory are shorter than a vector register of double precision.
LEAST_CHANNELS = 4

Axis = tuple[Tensor, int]


def channels_last(program: Program, kept: Container[Tensor] = ()) -> Program:
    """Return an equivalent program with the channels of its own tensors as their last axes.

    Parameters
    ----------
    program : Program
        Its contractions are of two plain tensors (see :mod:`symbp.calculus.contract`).
    kept : container of Tensor
        Those whose layout others rely on.
    """
    return permuted(program, channels_of(program, kept))


def channels_of(program: Program, kept: Container[Tensor] = ()) -> dict[Tensor, tuple[int, ...]]:
    """Return the tensors that have channels before other axes, each with a better order of axes.

    Parameters
    ----------
    program, kept :
        See :func:`channels_last`.
    """
    patches = list(patches_of(program))
    if not patches:
        return {}
    classes = _Classes()
    for equation in program.equations:
        _connect(equation, classes)
    channels: set[Axis] = set()
    slid: set[Axis] = set()
    for patch in patches:
        around = patch.around
        window = patch.window
        for axis, subscript in enumerate(around.args):
            if len(affine_indices(subscript)) != 1 or not isinstance(subscript, Index):
                slid.add(classes.of((around.tensor, axis)))
            elif subscript in window:
                channels.add(classes.of((around.tensor, axis)))
        for contraction in patch.contractions:
            for element in (contraction.lhs, *contraction.reads()):
                if element.tensor is patch.patch.tensor or _is_static(element):
                    continue
                # What the patch has not comes from the weights: the other side's channels.
                own = next(
                    e for e in (contraction.lhs, *contraction.reads())
                    if e.tensor is patch.patch.tensor
                )  # fmt: skip
                for axis, index in enumerate(element.args):
                    if index not in own.args:
                        channels.add(classes.of((element.tensor, axis)))
    fixed = {*program.roots, *(t for pair in program.gradients for t in pair)}
    result: dict[Tensor, tuple[int, ...]] = {}
    for tensor in program.tensors:
        if tensor in kept or tensor in fixed or tensor.role != "intermediate":
            continue
        if all(isinstance(extent, int) for extent in tensor.shape):
            continue  # of weights: see align_operands
        last = [
            axis
            for axis, extent in enumerate(tensor.shape)
            if classes.of((tensor, axis)) in channels - slid
            and isinstance(extent, int)
            and extent >= LEAST_CHANNELS
        ]
        rest = [axis for axis in range(tensor.rank) if axis not in last]
        order = (*rest, *last)
        if last and order != tuple(range(tensor.rank)):
            result[tensor] = order
    for patch in patches:
        result.pop(patch.patch.tensor, None)
    return result


def _is_static(element: Element) -> bool:
    return all(isinstance(extent, int) for extent in element.tensor.shape)


class _Classes:
    """Axes that mean the same, as sets that are joined."""

    def __init__(self) -> None:
        self.parents: dict[Axis, Axis] = {}

    def of(self, axis: Axis) -> Axis:
        """Return what stands for all axes that mean the same."""
        while axis in self.parents:
            axis = self.parents[axis]
        return axis

    def join(self, one: Axis, other: Axis) -> None:
        """Note that two axes mean the same."""
        first, second = self.of(one), self.of(other)
        if first != second:
            self.parents[second] = first


def _connect(equation: Equation, classes: _Classes) -> None:
    """Join the axes of what is computed with those of what it is computed from."""
    lhs = equation.lhs
    contraction = is_contraction(equation)
    for element in equation.reads():
        if contraction and _is_static(element):
            continue  # a parameter's axes are its own
        for one, other in ((lhs, element), (element, lhs)):
            plain = {s: axis for axis, s in enumerate(one.args) if isinstance(s, Index)}
            for axis, subscript in enumerate(other.args):
                shared = [i for i in affine_indices(subscript) if i in plain]
                if len(shared) == 1:
                    classes.join((one.tensor, plain[shared[0]]), (other.tensor, axis))
