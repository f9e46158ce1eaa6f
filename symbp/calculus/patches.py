"""patches: what a window that slides over a tensor reads, and where its products are added.

A *patch* is a copy ``operand[n, i, l, c, p, q] = a[n, c, i + p, l + q]`` that is read by
contractions only, or a contraction that is only scattered like that. Nobody else sees it, so that
the order of its axes is free. How long the runs are in which memory is copied decides it: with
``a[n, c, h, w]`` the positions ``i, l`` come last, with ``a[n, h, w, c]`` the places of the window
and the channels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy

from symbp.calculus.contract import is_contraction, split_scalars
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["Patch", "affine_indices", "order_patches", "patches_of", "permuted", "run_of"]


@dataclass(frozen=True)
class Patch:
    """A tensor of patches.

    Attributes
    ----------
    copy : Equation
        What copies it from where a window slides, or adds it there.
    patch : Element
        As the copy has it; its subscripts are the copy's indices.
    around : Element
        Where the window slides.
    contractions : tuple of Equation
        Those that read it, or the one that gives it.
    """

    copy: Equation
    patch: Element
    around: Element
    contractions: tuple[Equation, ...]

    @property
    def window(self) -> frozenset[Index]:
        """The copy's indices of the places of a window, and of what else is summed there."""
        first = self.contractions[0]
        factors = [e for e in first.reads() if e.args]
        (own,) = {e for e in (*factors, first.lhs) if e.tensor is self.patch.tensor}
        if first.lhs is own:
            # Of its gradient: the windows' places are those of the weights, which have no batch.
            others = [e for e in factors if _is_static(e)]
            inner = set(others[0].args) if len(others) == 1 else set()
        else:
            inner = set(first.reduce)
        return frozenset(
            index for index, at in zip(self.patch.args, own.args, strict=True) if at in inner
        )


def _is_static(element: Element) -> bool:
    return all(isinstance(extent, int) for extent in element.tensor.shape)


def patches_of(program: Program) -> Iterator[Patch]:
    """Yield the patches of a program whose contractions are of two plain tensors."""
    kept = set(program.roots)
    uses: dict[Tensor, list[Equation]] = {}
    for equation in program.equations:
        for tensor in dict.fromkeys(
            (equation.tensor, *(element.tensor for element in equation.reads()))
        ):
            uses.setdefault(tensor, []).append(equation)
    for equation in program.equations:
        pair = _copied(equation)
        if pair is None:
            continue
        patch, around = pair
        if patch.tensor in kept or patch.tensor.role != "intermediate":
            continue
        others = [e for e in uses[patch.tensor] if e is not equation]
        if others and all(is_contraction(other) for other in others):
            yield Patch(equation, patch, around, tuple(others))


def _copied(equation: Equation) -> tuple[Element, Element] | None:
    """Return the plain element of a copy, and the one that a window slides over."""
    if equation.reduce:
        return None
    if equation.is_scatter:
        elements = [e for e in equation.reads() if e.args]
        if len(elements) != 1 or not elements[0].is_plain:
            return None
        _, factors = split_scalars(equation.body)
        if factors != elements:
            return None
        patch, around = elements[0], equation.lhs
    else:
        slid = [e for e in equation.reads() if e.args]
        if len(slid) != 1:
            return None
        patch, around = equation.lhs, slid[0]
    if not any(len(affine_indices(subscript)) > 1 for subscript in around.args):
        return None
    return patch, around


def affine_indices(subscript: sympy.Basic) -> tuple[Index, ...]:
    """Return the indices of a subscript that is an affine sum of indices; none of another."""
    if isinstance(subscript, Index):
        return (subscript,)
    found = tuple(s for s in subscript.free_symbols if isinstance(s, Index))
    if len(found) < len(subscript.free_symbols) or subscript.atoms(Element):
        return ()
    rest = subscript - sum(subscript.coeff(index) * index for index in found)
    return found if sympy.expand(rest).is_Integer else ()


def run_of(patch: Element, around: Element) -> int:
    """Return how many neighbours of a patch are neighbours in memory where the window slides."""
    run = 1
    axes = list(zip(around.args, around.tensor.shape, strict=True))
    stride = 1
    for index in reversed(patch.args):
        place = next((a for a in axes if index in affine_indices(a[0])), None)
        if place is None or not isinstance(index.extent, int):
            return run
        if index.extent == 1:
            continue
        step = 1
        for _, extent in axes[axes.index(place) + 1 :]:
            if not isinstance(extent, int):
                return run
            step *= extent
        coefficient = 1 if place[0] is index else place[0].coeff(index)
        if step * coefficient != stride:
            return run
        run *= index.extent
        stride *= index.extent
    return run


def order_patches(program: Program) -> Program:
    """Return an equivalent program whose patches are copied in the longest runs.

    Parameters
    ----------
    program : Program
        Its contractions are of two plain tensors (see :mod:`symbp.calculus.contract`).
    """
    orders: dict[Tensor, tuple[int, ...]] = {}
    for patch in patches_of(program):
        given = patch.patch.args
        orders.setdefault(
            patch.patch.tensor, tuple(given.index(index) for index in _ordered(patch))
        )
    return permuted(program, orders)


def _ordered(patch: Patch) -> Sequence[Index]:
    """Return the indices of a patch in the order in which it is stored."""
    inside = patch.window
    batch = [i for i in patch.patch.args if not isinstance(i.extent, int)]
    place = {index: axis for axis, s in enumerate(patch.around.args) for index in affine_indices(s)}
    ranked = sorted((i for i in patch.patch.args if i not in batch), key=lambda i: place.get(i, -1))
    window = [i for i in ranked if i in inside]
    positions = [i for i in ranked if i not in inside]
    if not window or not positions:
        return tuple(patch.patch.args)
    orders = [(*batch, *positions, *window), (*batch, *window, *positions)]
    runs = [run_of(patch.patch.tensor[order], patch.around) for order in orders]
    # A product of all positions of a batch at once, where the runs are as long.
    return orders[runs[1] > runs[0]]


def permuted(program: Program, orders: dict[Tensor, tuple[int, ...]]) -> Program:
    """Return an equivalent program with the axes of some tensors in another order.

    Parameters
    ----------
    program : Program
        Any program.
    orders : dict of Tensor to tuple of int
        For a tensor, which of its axes is the first, the second, …; not of roots nor arguments.
    """
    made = {
        tensor: Tensor(
            tensor.name, tuple(tensor.indices[axis] for axis in order), label=tensor.label,
            symbol=tensor.symbol, kind=tensor.kind,
        )
        for tensor, order in orders.items()
        if order != tuple(range(tensor.rank))
    }  # fmt: skip
    if not made:
        return program

    def moved(equation: Equation) -> Equation:
        mapping: dict[Element, Element] = {}
        for element in (*reversed(tuple(equation.reads())), equation.lhs):
            if element.tensor in made:
                places = [element.args[axis].xreplace(mapping) for axis in orders[element.tensor]]
                new = Element(made[element.tensor], *places, serial=element.serial)
                mapping[element] = new
        return equation.rename(mapping) if mapping else equation

    return program.replace(equations=tuple(moved(equation) for equation in program.equations))
