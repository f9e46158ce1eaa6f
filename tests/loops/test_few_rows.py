"""Products of few rows have code of their own; a product stands for its loops."""

from dataclasses import replace
from functools import partial

import pytest

from symbp.loops.expand_products import expand_products
from symbp.loops.few_rows import few_rows
from symbp.loops.nodes import Accumulate, Function, If, Product
from tests.loops.reading import changes, read


def in_library(function: Function) -> Function:
    """Return a function with code for few rows of what a library multiplies."""
    products = tuple(replace(s, routine="blas") for s in function.body if isinstance(s, Product))
    return few_rows(function.replace(body=products), 2)


def expand_wanted(function: Function) -> Function:
    """Return a function whose last product alone is written as loops."""
    last = function.body[-1]
    assert isinstance(last, Product)
    return expand_products(function, frozenset([last]))


# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "one row has code of its own": (
        partial(few_rows, few=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        if Eq(N, 1):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to 1, \
                j from 0 to 3
        else:
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
    ),
    "a product with a vector stays": (
        partial(few_rows, few=2),
        """
        function f(in x[N, 3], in b[3], out y[N], N):
            product y[n] = sum(x[n, k] b[k]; k from 0 to 3) for n from 0 to N
        """,
        "",
    ),
    "rows whose number is known stay": (
        partial(few_rows, few=2),
        """
        function f(in x[N, 3], in W[3, N], out y[3, 3], N):
            product y[j, l] = sum(W[j, n] x[n, l]; n from 0 to N) for j from 0 to 3, \
                l from 0 to 3
        """,
        "",
    ),
    "a product of which the columns are rows of the batch stays": (
        partial(few_rows, few=2),
        """
        function f(in x[N, 3], in W[N, 3], out y[N, N], N):
            product y[n, m] = sum(x[n, k] W[m, k]; k from 0 to 3) for n from 0 to N, \
                m from 0 to N
        """,
        "",
    ),
    "the rows of a strip": (
        partial(few_rows, few=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], N) by a team:
            let first, last = this member's part of 0 to N
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from first to last, \
                j from 0 to 3
        """,
        """
        let first, last = this member's part of 0 to N
        if Eq(-first + last, 1):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from first to first \
                + 1, j from 0 to 3
        else:
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from first to last, \
                j from 0 to 3
        """,
    ),
    "a few rows of a library's product are multiplied in tiles": (
        in_library,
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        if Eq(N, 1):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to 1, \
                j from 0 to 3
        else:
            if N <= 2:
                product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                    j from 0 to 3
            else:
                product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                    j from 0 to 3
        """,
    ),
    "a product is a sum in a register for each row and column": (
        expand_products,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                register z_total
                z_total = 0
                for k from 0 to 3:
                    z_total += x[n, k]*W[j, k]
                z[n, j] = z_total
        """,
    ),
    "a scalar factor and an addend": (
        expand_products,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = b[j] + 2 sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                register z_total
                z_total = 0
                for k from 0 to 3:
                    z_total += x[n, k]*W[j, k]
                z[n, j] = b[j] + 2*z_total
        """,
    ),
    "what is added to the target": (
        expand_products,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = b[j]
            product z[n, j] += 2 sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] = b[j]
        for n from 0 to N:
            for j from 0 to 3:
                register z_total
                z_total = 0
                for k from 0 to 3:
                    z_total += x[n, k]*W[j, k]
                z[n, j] += 2*z_total
        """,
    ),
    "a sum of columns": (
        expand_products,
        """
        function f(in x[N, 3], out c[3], N):
            product c[j] = sum(x[n, j]; n from 0 to N) for j from 0 to 3
        """,
        """
        for j from 0 to 3:
            register c_total
            c_total = 0
            for n from 0 to N:
                c_total += x[n, j]
            c[j] = c_total
        """,
    ),
    "only those that are wanted": (
        expand_wanted,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out d[3], out z[N, 3], N):
            product d[k] = sum(W[j, k]; j from 0 to 3) for k from 0 to 3
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        product d[k] = sum(W[j, k]; j from 0 to 3) for k from 0 to 3
        for n from 0 to N:
            for j from 0 to 3:
                register z_total
                z_total = 0
                for k from 0 to 3:
                    z_total += x[n, k]*W[j, k]
                z[n, j] = z_total
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)


PRODUCT = """
    function f(in x[N, 3], in W[3, 3], out z[N, 3], N):
        product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, j from 0 to 3
"""


def test_a_few_rows_are_multiplied_in_tiles_and_many_by_the_library() -> None:
    (choice,) = in_library(read(PRODUCT)).body
    assert isinstance(choice, If)
    (single,), (many,) = choice.body, choice.otherwise
    assert isinstance(many, If)
    (few,), (rest,) = many.body, many.otherwise
    found = [product.routine for product in (single, few, rest) if isinstance(product, Product)]
    assert found == ["tiles", "tiles", "blas"]


def test_the_order_of_a_products_sum_is_free() -> None:
    adding = [s for s in expand_products(read(PRODUCT)).statements if isinstance(s, Accumulate)]
    assert [statement.free_order for statement in adding] == [True]
