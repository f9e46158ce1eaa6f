"""The component form: every entry of a derivation's lines, written out.

The printed equations are unrolled (:mod:`symbp.calculus.unroll`), so that ``δ²_j = Σ_k w³_kj δ³_k
σ'(z²_j)`` becomes ``δ²_1 = (w³_11 δ³_1 + w³_21 δ³_2) σ'(z²_1)``.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from symbp.calculus.unroll import Components
from symbp.derivations.line import Line
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Tensor

__all__ = ["MOST_ENTRIES", "components_of", "spread"]

# A page holds about fifty lines: more than ten pages are no longer read.
MOST_ENTRIES = 500

SomeLine = TypeVar("SomeLine", bound=Line)


def components_of(lines: Sequence[Line]) -> Components:
    """Return the elements of what lines of a derivation define."""
    equations = [equation for line in lines for equation in line.equations]
    tensors = [tensor for e in equations for tensor in (e.tensor, *(r.tensor for r in e.reads()))]
    return Components(equations, tensors)


def spread(lines: Sequence[SomeLine]) -> dict[Tensor, list[SomeLine]]:
    """Return, for the tensor of each line, one line for each of its elements.

    Raises
    ------
    SymbpError
        There are more than 500 of them, or a size is known at run time only.
    """
    elements = components_of(lines)
    sizes = [math.prod(elements.size(extent) for extent in line.tensor.shape) for line in lines]
    if sum(sizes) > MOST_ENTRIES:
        raise SymbpError(
            f"form 'component' would print {sum(sizes):,} equations, more than {MOST_ENTRIES}: use "
            f"the form 'index', or ask for single entries with derivation.entry(…)"
        )
    return {
        line.tensor: [
            replace(line, equations=(elements.equation(line.tensor, place),))
            for place in elements.places(line.tensor)
        ]
        for line in lines
    }
