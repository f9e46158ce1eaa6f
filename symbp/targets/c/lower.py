"""lower: from an entry point to the loop program that is printed as C, an arrow a line."""

from dataclasses import replace

import sympy

from symbp.calculus.contract import contract
from symbp.calculus.fold import fold
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.share import share
from symbp.entries.entry import Entry
from symbp.loops.build import build
from symbp.loops.fuse import fuse
from symbp.loops.nodes import Function
from symbp.loops.products import products
from symbp.notation.program import Program

__all__ = ["CAPACITY", "lowered"]

#: The most rows of a batch, for which there is memory.
CAPACITY = sympy.Symbol("capacity", integer=True, positive=True)


def lowered(entry: Entry) -> Function:
    """Return the loop program of an entry point.

    Parameters
    ----------
    entry : Entry
        What a function reads, computes and writes.
    """
    # [equations] -> [equations whose sums are products of two tensors, no gradient stored twice]
    entry = replace(entry, program=_contracted(entry))
    # [equations] -> [loops], a nest for each
    function = build(entry, CAPACITY)
    # [loops] -> [loops], sums of products as matrix products, neighbours in one loop
    return fuse(products(function))


def _contracted(entry: Entry) -> Program:
    program = fold(entry.program).prune(entry.roots) if entry.program.updates else entry.program
    return share(contract(lower_logsumexp(program)))
