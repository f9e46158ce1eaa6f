"""A product begins with what is added to it, where that is all that becomes of it."""

from functools import partial

import pytest

from symbp.loops.addends import addends
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "a product begins with what is added to it": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
        """,
        """
        product z[n, j] = b[j] + sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
            j from 0 to 3
        """,
    ),
    "rows begin with rows": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[N, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[n, j]
        """,
        """
        product z[n, j] = b[n, j] + sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
            j from 0 to 3
        """,
    ),
    "what it is added to may be set before it": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = b[j]
            product z[n, j] += sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        product z[n, j] = b[j] + sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
            j from 0 to 3
        """,
    ),
    "the rest of the loop stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out y[N, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = x[n, j]
                    z[n, j] += b[j]
        """,
        """
        product z[n, j] = b[j] + sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
            j from 0 to 3
        for n from 0 to N:
            for j from 0 to 3:
                y[n, j] = x[n, j]
        """,
    ),
    "two addends stay": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += x[n, j]
        """,
        "",
    ),
    "what is computed first stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += 2*b[j]
        """,
        "",
    ),
    "a maximum stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] max= b[j]
        """,
        "",
    ),
    "an addend that does not lie in rows stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3, N], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j, n]
        """,
        "",
    ),
    "a column is not a row": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[N], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[n]
        """,
        "",
    ),
    "an addend that changes in between stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            allocate c[3]
            for j from 0 to 3:
                c[j] = b[j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for j from 0 to 3:
                c[j] = 2*b[j]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += c[j]
        """,
        "",
    ),
    "an argument that holds something already stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], inout z[N, 3], N):
            product z[n, j] += sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
        """,
        "",
    ),
    "whole numbers stay": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in label[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += label[j]
        """,
        "",
    ),
    "what is added under another order of the indices": (
        addends,
        """
        function f(in x[3, 3], in W[3, 3], in b[3, 3], out z[3, 3], N):
            product z[i, j] = sum(x[i, k] W[j, k]; k from 0 to 3) for i from 0 to 3, \
                j from 0 to 3
            for i from 0 to 3:
                for j from 0 to 3:
                    z[j, i] += b[j, i]
        """,
        """
        product z[i, j] = b[i, j] + sum(x[i, k] W[j, k]; k from 0 to 3) for i from 0 to 3, \
            j from 0 to 3
        """,
    ),
    "what is added to some rows only stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 1 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
        """,
        "",
    ),
    "what is added to some columns only stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 2:
                    z[n, j] += b[j]
        """,
        "",
    ),
    "what is added several times stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for i from 0 to 3:
                for n from 0 to N:
                    for j from 0 to 3:
                        z[n, j] += b[j]
        """,
        "",
    ),
    "what is added to every other row stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N step 2:
                for j from 0 to 3:
                    z[n, j] += b[j]
        """,
        "",
    ),
    "the sum alone is read before": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out y[N, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = z[n, j]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
        """,
        "",
    ),
    "the sum alone is read before, in the same loop": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out y[N, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = z[n, j]
                    z[n, j] += b[j]
        """,
        "",
    ),
    "both together are read behind, in the same loop": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out y[N, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
                    y[n, j] = tanh(z[n, j])
        """,
        """
        product z[n, j] = b[j] + sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
            j from 0 to 3
        for n from 0 to N:
            for j from 0 to 3:
                y[n, j] = tanh(z[n, j])
        """,
    ),
    "the sums of a row whose columns are not all complete are read": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out y[N, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
                    y[n, j] = z[n, 2]
        """,
        "",
    ),
    "what it begins with is read before the sum": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out y[N, 3], out z[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = b[j]
                    y[n, j] = z[n, j]
            product z[n, j] += sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        "",
    ),
    "what replaces the sum stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = b[j]
        """,
        "",
    ),
    "a product with a vector has no columns to begin with": (
        addends,
        """
        function f(in x[N, 3], in b[3], in d[N], out y[N], N):
            product y[n] = sum(x[n, k] b[k]; k from 0 to 3) for n from 0 to N
            for n from 0 to N:
                y[n] += d[n]
        """,
        "",
    ),
    "a sum of columns stays": (
        addends,
        """
        function f(in x[N, 3], in b[3], out c[3], N):
            product c[j] = sum(x[n, j]; n from 0 to N) for j from 0 to 3
            for j from 0 to 3:
                c[j] += b[j]
        """,
        "",
    ),
    "only products that are wanted": (
        partial(addends, wanted=lambda product: False),
        """
        function f(in x[N, 3], in W[3, 3], in b[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += b[j]
        """,
        "",
    ),
    "what is added under a condition stays": (
        addends,
        """
        function f(in x[N, 3], in W[3, 3], in b[3], inout s[3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            if s[0] > 0:
                for n from 0 to N:
                    for j from 0 to 3:
                        z[n, j] += b[j]
            s[0] = 1
        """,
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
