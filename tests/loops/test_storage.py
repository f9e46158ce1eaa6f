"""Arrays lose the axes that need no memory, and no others."""

import pytest

from symbp.loops.storage import storage
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "what one turn writes and reads needs no memory": (
        storage,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + b[j]
                    y[n, j] = tanh(z[n, j])
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                register z
                z = x[n, j] + b[j]
                y[n, j] = tanh(z)
        """,
    ),
    "only the axes go along which nothing is kept": (
        storage,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + b[j]
                for k from 0 to 3:
                    y[n, k] = z[n, k]*z[n, 0]
        """,
        """
        allocate z[3] of each member
        for n from 0 to N:
            for j from 0 to 3:
                z[j] = x[n, j] + b[j]
            for k from 0 to 3:
                y[n, k] = z[k]*z[0]
        """,
    ),
    "what outlives a turn of the outer loop keeps all axes": (
        storage,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[3, N]
            for j from 0 to 3:
                for n from 0 to N:
                    z[j, n] = x[n, j] + b[j]
                    y[n, j] = z[0, n]
        """,
        "",
    ),
    "what a later loop reads stays in memory": (
        storage,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + b[j]
                    y[n, j] = tanh(z[n, j])
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] += z[n, j]
        """,
        "",
    ),
    "what a view stands for keeps its memory": (
        storage,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            view v[N, 3] of z
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + b[j]
                    y[n, j] = v[n, j]
        """,
        "",
    ),
    "what nothing uses goes": (
        storage,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            register s
            for n from 0 to N:
                y[n] = x[n]
        """,
        """
        register s
        for n from 0 to N:
            y[n] = x[n]
        """,
    ),
    "a branch is in the turn that it is in": (
        storage,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    if x[n, j] > 0:
                        z[n, j] = x[n, j] + b[j]
                    else:
                        z[n, j] = 0
                    y[n, j] = tanh(z[n, j])
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                register z
                if x[n, j] > 0:
                    z = x[n, j] + b[j]
                else:
                    z = 0
                y[n, j] = tanh(z)
        """,
    ),
    "numbers in subscripts of arrays that lose axes too": (
        storage,
        """
        function f(in label_given[N], in W[3, N], out y[N], N):
            allocate z[N, 3]
            allocate label[N]
            for n from 0 to N:
                label[n] = label_given[n]
                for i from 0 to 3:
                    z[n, i] = W[i, n]
                y[n] = z[n, label[n]]
        """,
        """
        allocate z[3] of each member
        for n from 0 to N:
            register label
            label = label_given[n]
            for i from 0 to 3:
                z[i] = W[i, n]
            y[n] = z[label]
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
