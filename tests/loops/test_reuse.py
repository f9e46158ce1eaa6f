"""An array takes over the memory of one that is not needed any more, and of no other."""

import pytest

from symbp.loops.reuse import reuse
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "an array takes over the memory of one that each turn reads for the last time": (
        reuse,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            allocate a[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + b[j]
            for n from 0 to N:
                for j from 0 to 3:
                    a[n, j] = tanh(z[n, j])
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = a[n, j] + 1
        """,
        """
        allocate z[N, 3]
        view a[N, 3] of z
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] = x[n, j] + b[j]
        for n from 0 to N:
            for j from 0 to 3:
                a[n, j] = tanh(z[n, j])
        for n from 0 to N:
            for j from 0 to 3:
                y[n, j] = a[n, j] + 1
        """,
    ),
    "memory is taken over again and again": (
        reuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            allocate a[N]
            allocate c[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                a[n] = exp(z[n])
            for n from 0 to N:
                c[n] = tanh(a[n])
            for n from 0 to N:
                y[n] = c[n]
        """,
        """
        allocate z[N]
        view a[N] of z
        view c[N] of z
        for n from 0 to N:
            z[n] = x[n]
        for n from 0 to N:
            a[n] = exp(z[n])
        for n from 0 to N:
            c[n] = tanh(a[n])
        for n from 0 to N:
            y[n] = c[n]
        """,
    ),
    "an array that is read later keeps its memory": (
        reuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            allocate a[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                a[n] = exp(z[n])
            for n from 0 to N:
                y[n] = a[n] + z[n]
        """,
        "",
    ),
    "a turn that reads a neighbour does not overwrite it": (
        reuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            allocate a[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                a[n] = where(n > 0, z[n - 1], 0)
            for n from 0 to N:
                y[n] = a[n]
        """,
        "",
    ),
    "what is written before the last read has memory of its own": (
        reuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            allocate a[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                a[n] = exp(x[n])
                y[n] = z[n]
            for n from 0 to N:
                y[n] += a[n]
        """,
        "",
    ),
    "another order of the axes is another place": (
        reuse,
        """
        function f(in x[3, 3], out y[3, 3]):
            allocate z[3, 3]
            allocate a[3, 3]
            for j from 0 to 3:
                for k from 0 to 3:
                    z[j, k] = x[j, k]
            for j from 0 to 3:
                for k from 0 to 3:
                    a[j, k] = z[k, j]
            for j from 0 to 3:
                for k from 0 to 3:
                    y[j, k] = a[j, k]
        """,
        "",
    ),
    "steps in time read what others wrote": (
        reuse,
        """
        function f(in x[4], out y[4]):
            allocate h[4]
            allocate a[4]
            for t from 0 to 4:
                h[t] = x[t]
            for t from 0 to 4:
                y[t] = h[t]
                a[t] = y[t]
            for t from 0 to 4:
                y[t] += a[t]
        """,
        """
        allocate h[4]
        view a[4] of h
        for t from 0 to 4:
            h[t] = x[t]
        for t from 0 to 4:
            y[t] = h[t]
            a[t] = y[t]
        for t from 0 to 4:
            y[t] += a[t]
        """,
    ),
    "a branch, an inner loop: the whole statement counts": (
        reuse,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            allocate a[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j]
            for n from 0 to N:
                for j from 0 to 3:
                    if x[n, j] > 0:
                        a[n, j] = z[n, j]
                    else:
                        a[n, j] = b[j]
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = a[n, j]
        """,
        "",
    ),
    "another shape, whole numbers and registers have memory of their own": (
        reuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            allocate a[3]
            allocate label[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                y[n] = z[n]
            for j from 0 to 3:
                a[j] = 1
            for n from 0 to N:
                label[n] = 2
            for n from 0 to N:
                y[n] += a[1]*label[n]
        """,
        "",
    ),
    "what a view stands for is kept": (
        reuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            view v[N] of z
            allocate a[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                a[n] = exp(z[n])
            for n from 0 to N:
                y[n] = a[n] + v[n]
        """,
        "",
    ),
    "a product is not overwritten while it is read": (
        reuse,
        """
        function f(in x[3, 3], in W[3, 3], out y[3, 3]):
            allocate z[3, 3]
            allocate a[3, 3]
            for j from 0 to 3:
                for k from 0 to 3:
                    z[j, k] = x[j, k]
            product a[j, k] = sum(z[j, l] W[l, k]; l from 0 to 3) for j from 0 to 3, \
                k from 0 to 3
            for j from 0 to 3:
                for k from 0 to 3:
                    y[j, k] = a[j, k]
        """,
        "",
    ),
    "an array that several turns read is not overwritten by the first": (
        reuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            allocate a[N]
            for n from 0 to N:
                z[n] = x[n]
            for j from 0 to 3:
                for n from 0 to N:
                    a[n] = z[n] + 1
            for n from 0 to N:
                y[n] = a[n]
        """,
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
