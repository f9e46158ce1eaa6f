"""A nest over whole arrays becomes one loop."""

import pytest

from symbp.loops.flatten import flatten
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "nests over whole arrays become loops over their numbers": (
        flatten,
        """
        function f(in x[N, 3], out y[N, 3], N):
            allocate z[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = exp(x[n, j])
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = tanh(z[n, j])
        """,
        """
        view x_flat[3*N] of x
        view y_flat[3*N] of y
        allocate z[N, 3]
        view z_flat[3*N] of z
        for i from 0 to 3*N:
            z_flat[i] = exp(x_flat[i])
        for i from 0 to 3*N:
            y_flat[i] = tanh(z_flat[i])
        """,
    ),
    "some of the rows, a register within, and what does not vary": (
        flatten,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            for n from 0 to 1:
                for j from 0 to 3:
                    y[n, j] = 1
            for n from 1 to N:
                for j from 0 to 3:
                    register s
                    s = x[n, j] + b[0]
                    y[n, j] = s**2
        """,
        """
        view y_flat[3*N] of y
        view x_flat[3*N] of x
        for i from 0 to 3:
            y_flat[i] = 1
        for i from 3 to 3*N:
            register s
            s = x_flat[i] + b[0]
            y_flat[i] = s**2
        """,
    ),
    "a part of each row stays a nest": (
        flatten,
        """
        function f(in x[N, 3], out y[N, 3], N):
            for n from 0 to N:
                for j from 0 to 2:
                    y[n, j] = x[n, j]
            for n from 0 to N:
                for j from 2 to 3:
                    y[n, j] = x[n, j]
        """,
        "",
    ),
    "another order of the axes stays a nest": (
        flatten,
        """
        function f(in x[3, N], out y[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = x[j, n]
        """,
        "",
    ),
    "what is the same for all rows stays a nest": (
        flatten,
        """
        function f(in b[3], out y[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = b[j]
        """,
        "",
    ),
    "what is the same within a row stays a nest": (
        flatten,
        """
        function f(in b[N], out y[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = b[n]
        """,
        "",
    ),
    "an index that stands for itself stays": (
        flatten,
        """
        function f(in x[N, 3], out y[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = where(n > 0, x[n, j], 0)
        """,
        "",
    ),
    "a nest that runs over a part of an array stays": (
        flatten,
        """
        function f(in x[3, N, 3], out y[3, N, 3], N):
            for j from 0 to 3:
                y[j, 0, 0] = 1
                for n from 0 to N:
                    for k from 0 to 3:
                        y[j, n, k] = x[j, n, k]
        """,
        "",
    ),
    "rows of a length that is not known stay a nest": (
        flatten,
        """
        function f(in x[3, N], out y[3, N], N):
            for j from 0 to 3:
                for n from 0 to N:
                    y[j, n] = x[j, n]
        """,
        "",
    ),
    "rows that run downwards stay a nest": (
        flatten,
        """
        function f(in x[N, 3], out y[N, 3], N):
            for n from 0 to N:
                for j from 2 to -1 step -1:
                    y[n, j] = x[n, j]
        """,
        "",
    ),
    "an array of three axes, with another view of it": (
        flatten,
        """
        function f(in x[N, 3, 3], out y[N, 3, 3], N):
            view v[N, 9] of x
            for n from 0 to N:
                for j from 0 to 3:
                    for k from 0 to 3:
                        y[n, j, k] = x[n, j, k]
        """,
        """
        view x_flat[9*N] of x
        view y_flat[9*N] of y
        view v[N, 9] of x
        for i from 0 to 9*N:
            y_flat[i] = x_flat[i]
        """,
    ),
    "a sum of all numbers": (
        flatten,
        """
        function f(in x[N, 3], N):
            register s
            s = 0
            for n from 0 to N:
                for j from 0 to 3:
                    s += x[n, j]
            return s
        """,
        """
        view x_flat[3*N] of x
        register s
        s = 0
        for i from 0 to 3*N:
            s += x_flat[i]
        return s
        """,
    ),
    "a nest with a branch stays": (
        flatten,
        """
        function f(in x[N, 3], out y[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    if x[n, j] > 0:
                        y[n, j] = 1
                    else:
                        y[n, j] = 0
        """,
        "",
    ),
    "rows of rows that are not whole stay a nest": (
        flatten,
        """
        function f(in x[N, 3, 3], out y[N, 3, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    for k from 1 to 3:
                        y[n, j, k] = x[n, j, k]
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j, 0] = 1
        """,
        "",
    ),
    "one length within that is not known is enough": (
        flatten,
        """
        function f(in x[3, N, 3], out y[3, N, 3], N):
            for j from 0 to 3:
                for n from 0 to N:
                    for k from 0 to 3:
                        y[j, n, k] = x[j, n, k]
        """,
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
