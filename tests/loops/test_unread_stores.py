"""A value that only its own turn reads is not stored."""

import pytest

from symbp.loops.unread_stores import unread_stores
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "a value that only its own turn reads is not stored": (
        unread_stores,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j]
            for j from 0 to 3:
                for n from 0 to N:
                    z[n, j] += b[j]
                    y[n, j] = tanh(z[n, j])
        """,
        """
        allocate z[N, 3]
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] = x[n, j]
        for j from 0 to 3:
            for n from 0 to N:
                register z_
                z_ = z[n, j] + b[j]
                y[n, j] = tanh(z_)
        """,
    ),
    "the last of several writes is the one": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n]
                y[n] = z[n]
                z[n] = 2*x[n]
            for n from 0 to N:
                z[n] = 3*x[n]
                y[n] += z[n] + exp(z[n])
        """,
        """
        allocate z[N]
        for n from 0 to N:
            z[n] = x[n]
            y[n] = z[n]
            z[n] = 2*x[n]
        for n from 0 to N:
            register z_
            z_ = 3*x[n]
            y[n] += z_ + exp(z_)
        """,
    ),
    "a value that a later loop reads is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n]
                y[n] = exp(z[n])
            for n from 0 to N:
                y[n] += z[n]
        """,
        "",
    ),
    "a value that a deeper loop reads is stored": (
        unread_stores,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n, 0]
                for j from 0 to 3:
                    y[n, j] = z[n]
        """,
        "",
    ),
    "a value that the next turn reads is stored": (
        unread_stores,
        """
        function f(in x[4], out y[4]):
            allocate h[4]
            for t from 0 to 4:
                y[t] = where(t > 0, h[t - 1], 0)
                h[t] = x[t]
                y[t] += h[t]
        """,
        "",
    ),
    "a value that is written under a condition is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = 1
            for n from 0 to N:
                if x[n] > 0:
                    z[n] = x[n]
                    y[n] = z[n]
                else:
                    y[n] = 0
        """,
        "",
    ),
    "the larger of two values is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                z[n] max= 0
                y[n] = z[n]
        """,
        "",
    ),
    "what nothing reads any more stays": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                y[n] = x[n]
                z[n] = x[n]
        """,
        "",
    ),
    "what is seen by another name is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            view v[N] of z
            for n from 0 to N:
                z[n] = x[n]
                y[n] = z[n]
            for n from 0 to N:
                y[n] += v[n]
        """,
        "",
    ),
    "what each turn of an outer loop sets anew is not": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for j from 0 to 3:
                for n from 0 to N:
                    z[n] = x[n]
                for n from 0 to N:
                    z[n] += 1
                    y[n] = z[n]
        """,
        """
        allocate z[N]
        for j from 0 to 3:
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                register z_
                z_ = z[n] + 1
                y[n] = z_
        """,
    ),
    "what the first turn alone sets is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for j from 0 to 3:
                if j > 0:
                    y[0] = 1
                else:
                    for n from 0 to N:
                        z[n] = x[n]
                for n from 0 to N:
                    z[n] += 1
                    y[n] = z[n]
        """,
        "",
    ),
    "what a branch reads is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n]
                y[n] = 1
                if x[n] > 0:
                    y[n] = z[n]
                else:
                    y[n] += 1
        """,
        "",
    ),
    "an element of another place is read from memory": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n]
                y[n] = z[n] + where(n > 0, z[n - 1], 0)
        """,
        "",
    ),
    "an argument is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            register s
            s = 0
            for n from 0 to N:
                y[n] = x[n]
                s += y[n]
            return s
        """,
        "",
    ),
    "what each turn of an outer loop adds to is stored": (
        unread_stores,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n]
            for j from 0 to 3:
                for n from 0 to N:
                    z[n] += 1
                    y[n] = z[n]
        """,
        "",
    ),
    "whole numbers stay whole numbers": (
        unread_stores,
        """
        function f(in label_given[N], in W[3, 3], out y[N], N):
            allocate label[N]
            for n from 0 to N:
                label[n] = label_given[n]
                y[n] = W[label[n], label[n]]
        """,
        """
        allocate label[N]
        for n from 0 to N:
            register label_
            label_ = label_given[n]
            y[n] = W[label_, label_]
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
