"""Which of the loops that may be fused are."""

from functools import partial

import pytest

from symbp.loops.fuse import fuse
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "loops of other lengths inside that have nothing in common stay apart": (
        fuse,
        """
        function f(in x[3, N], in b[3], out y[3, N], out c[3], N):
            for j from 0 to 3:
                for n from 0 to N:
                    y[j, n] = x[j, n]
            for j from 0 to 3:
                c[j] = b[j]
        """,
        "",
    ),
    "loops of other lengths inside that load the same are fused": (
        fuse,
        """
        function f(in x[3, N], in b[3], out y[3, N], out c[3], N):
            for j from 0 to 3:
                for n from 0 to N:
                    y[j, n] = x[j, n] + b[j]
            for j from 0 to 3:
                c[j] = b[j]
        """,
        """
        for j from 0 to 3:
            for n from 0 to N:
                y[j, n] = x[j, n] + b[j]
            c[j] = b[j]
        """,
    ),
    "what copies examples from anywhere stays apart": (
        fuse,
        """
        function f(in W[3, 3], in label[N], out y[N, 3], out c[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = 1
            for n from 0 to N:
                for j from 0 to 3:
                    c[n, j] = W[label[n], j]
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] += 2
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                y[n, j] = 1
                y[n, j] += 2
        for n from 0 to N:
            for j from 0 to 3:
                c[n, j] = W[label[n], j]
        """,
    ),
    "copies of whole rows stay apart, those of numbers do not": (
        fuse,
        """
        function f(in W[3, 3], in b[3], in label[N], out y[N, 3], out c[N, 3], out d[N], \
            out e[N], N):
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = W[label[n], j]
            for n from 0 to N:
                for j from 0 to 3:
                    c[n, j] = W[label[n], j]
            for n from 0 to N:
                d[n] = b[label[n]]
            for n from 0 to N:
                e[n] = 2*b[label[n]]
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                y[n, j] = W[label[n], j]
        for n from 0 to N:
            for j from 0 to 3:
                c[n, j] = W[label[n], j]
        for n from 0 to N:
            d[n] = b[label[n]]
            e[n] = 2*b[label[n]]
        """,
    ),
    "a loop moves back no farther than it is told": (
        partial(fuse, farthest=2),
        """
        function f(in x[N], out y[N], N):
            register s
            register r
            for n from 0 to N:
                y[n] = x[n]
            s = 1
            r = 2
            for n from 0 to N:
                y[n] += x[n]
            for n from 0 to N:
                y[n] += 2*x[n]
            return r + s
        """,
        """
        register s
        register r
        for n from 0 to N:
            y[n] = x[n]
        s = 1
        r = 2
        for n from 0 to N:
            y[n] += x[n]
            y[n] += 2*x[n]
        return r + s
        """,
    ),
    "rows are kept apart from sums over the rows": (
        partial(fuse, rows_apart=True),
        """
        function f(in x[N, 3], out y[N, 3], out d[N, 3], out c[3], N):
            for j from 0 to 3:
                c[j] = 0
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = exp(x[n, j])
            for n from 0 to N:
                for j from 0 to 3:
                    c[j] += y[n, j]
            for n from 0 to N:
                for j from 0 to 3:
                    d[n, j] = x[n, j]
        """,
        """
        for j from 0 to 3:
            c[j] = 0
        for n from 0 to N:
            for j from 0 to 3:
                y[n, j] = exp(x[n, j])
                d[n, j] = x[n, j]
        for n from 0 to N:
            for j from 0 to 3:
                c[j] += y[n, j]
        """,
    ),
    "sums into arrays of other shapes, and into registers, are kept apart": (
        partial(fuse, rows_apart=True),
        """
        function f(in x[N, 3], out c[3], out d[3, 3], N):
            register s
            s = 0
            for j from 0 to 3:
                c[j] = 0
            for j from 0 to 3:
                for k from 0 to 3:
                    d[j, k] = 0
            for n from 0 to N:
                for j from 0 to 3:
                    c[j] += x[n, j]
            for n from 0 to N:
                for j from 0 to 3:
                    for k from 0 to 3:
                        d[j, k] += x[n, j]*x[n, k]
            for n from 0 to N:
                for j from 0 to 3:
                    s += x[n, j]
            return s
        """,
        "",
    ),
    "the first of the loops within tells how long they are": (
        fuse,
        """
        function f(in x[3, N, 3], in b[3, N, 3], out y[3, N, 3], out c[3, N, 3], out d[3, N], N):
            for i from 0 to 3:
                for n from 0 to N:
                    for j from 0 to 3:
                        y[i, n, j] = x[i, n, j]
                for n from 0 to N:
                    d[i, n] = 1
            for i from 0 to 3:
                for n from 0 to N:
                    for j from 0 to 3:
                        c[i, n, j] = b[i, n, j]
        """,
        """
        for i from 0 to 3:
            for n from 0 to N:
                for j from 0 to 3:
                    y[i, n, j] = x[i, n, j]
                    c[i, n, j] = b[i, n, j]
            for n from 0 to N:
                d[i, n] = 1
        """,
    ),
    "within a branch, rows are not kept apart": (
        partial(fuse, rows_apart=True),
        """
        function f(in x[N, 3], out y[N, 3], out c[3], N):
            register s
            s = x[0, 0]
            for j from 0 to 3:
                c[j] = 0
            if s > 0:
                for n from 0 to N:
                    for j from 0 to 3:
                        y[n, j] = exp(x[n, j])
                for n from 0 to N:
                    for j from 0 to 3:
                        c[j] += x[n, j]
            else:
                for n from 0 to N:
                    for j from 0 to 3:
                        y[n, j] = tanh(x[n, j])
                for n from 0 to N:
                    for j from 0 to 3:
                        c[j] += 2*x[n, j]
        """,
        """
        register s
        s = x[0, 0]
        for j from 0 to 3:
            c[j] = 0
        if s > 0:
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = exp(x[n, j])
                    c[j] += x[n, j]
        else:
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = tanh(x[n, j])
                    c[j] += 2*x[n, j]
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
