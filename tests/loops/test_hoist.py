"""What does not vary in a loop is computed before it."""

import pytest

from symbp.loops.hoist import hoist
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "what does not vary is computed before the loop": (
        hoist,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            register c
            c = x[0, 0]
            for j from 0 to 3:
                for n from 0 to N:
                    y[n, j] = exp(c)*x[n, j] + b[j]
        """,
        """
        register c
        c = x[0, 0]
        register v1
        v1 = exp(c)
        for j from 0 to 3:
            register v2
            v2 = b[j]
            for n from 0 to N:
                y[n, j] = v1*x[n, j] + v2
        """,
    ),
    "goes out of all loops that it does not vary in; two registers of one value become one": (
        hoist,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            register c
            c = x[0, 0]
            for j from 0 to 3:
                for n from 0 to N:
                    y[n, j] = exp(c)*x[n, j]
                for m from 0 to N:
                    y[m, j] += exp(c) + tanh(b[j])*x[m, j]
        """,
        """
        register c
        c = x[0, 0]
        register v1
        v1 = exp(c)
        for j from 0 to 3:
            for n from 0 to N:
                y[n, j] = v1*x[n, j]
            register v3
            v3 = tanh(b[j])
            for m from 0 to N:
                y[m, j] += v1 + v3*x[m, j]
        """,
    ),
    "what the loop writes stays": (
        hoist,
        """
        function f(in x[N], inout b[3], out y[N], N):
            register s
            s = 1
            for n from 0 to N:
                y[n] = exp(b[0])*x[n] + exp(s) + exp(b[1])
                s = 2
                b[0] = x[n]
        """,
        "",
    ),
    "a register of the loop's own stays": (
        hoist,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            for n from 0 to N:
                register s
                s = x[n, 0]
                for j from 0 to 3:
                    y[n, j] = exp(s)*b[j]
        """,
        """
        for n from 0 to N:
            register s
            s = x[n, 0]
            register v1
            v1 = exp(s)
            for j from 0 to 3:
                y[n, j] = v1*b[j]
        """,
    ),
    "what a condition guards stays": (
        hoist,
        """
        function f(in x[N], in b[3], out y[N], N):
            for j from 0 to 3:
                for n from 0 to N:
                    y[n] = where(j > 0, exp(b[j - 1]), exp(b[j]))*x[n]
        """,
        "",
    ),
    "what is safe under a condition that varies goes out": (
        hoist,
        """
        function f(in x[N], in b[3], in a[3], out y[3, N], N):
            for j from 0 to 3:
                for n from 0 to N:
                    y[j, n] = where(x[n] > 0, exp(b[j])*x[n], exp(a[j]))
        """,
        """
        for j from 0 to 3:
            register v1
            v1 = exp(b[j])
            register v2
            v2 = exp(a[j])
            for n from 0 to N:
                y[j, n] = where(x[n] > 0, v1*x[n], v2)
        """,
    ),
    "the front of a product or a sum goes out": (
        hoist,
        """
        function f(in x[N], in b[3], in a[3], out y[3, N], N):
            for j from 0 to 3:
                for n from 0 to N:
                    y[j, n] = 2*b[j]*a[j]*x[n]*tanh(x[n])
                for n from 0 to N:
                    y[j, n] += b[j] + a[j] + 2 + x[n]
                for n from 0 to N:
                    y[j, n] += x[n]*tanh(b[j])**2
        """,
        """
        for j from 0 to 3:
            register v1
            v1 = 2*b[j]*a[j]
            for n from 0 to N:
                y[j, n] = v1*x[n]*tanh(x[n])
            register v2
            v2 = b[j] + a[j] + 2
            for n from 0 to N:
                y[j, n] += v2 + x[n]
            register v3
            v3 = tanh(b[j])
            for n from 0 to N:
                y[j, n] += x[n]*v3**2
        """,
    ),
    "a power of what varies, a quotient": (
        hoist,
        """
        function f(in x[N], in b[3], in a[3], out y[3, N], N):
            for j from 0 to 3:
                for n from 0 to N:
                    y[j, n] = tanh(x[n]*exp(b[j]))/(x[n]**2 + exp(a[j]))
                for n from 0 to N:
                    y[j, n] += x[n]/b[j] + tanh(x[n])/(exp(b[j]) + 2)
        """,
        """
        for j from 0 to 3:
            register v1
            v1 = exp(b[j])
            register v2
            v2 = exp(a[j])
            for n from 0 to N:
                y[j, n] = tanh(x[n]*v1)/(x[n]**2 + v2)
            register v3
            v3 = b[j]
            register v4
            v4 = exp(b[j]) + 2
            for n from 0 to N:
                y[j, n] += x[n]/v3 + tanh(x[n])/v4
        """,
    ),
    "one division by the number of examples stays one, several become one": (
        hoist,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                y[n] = x[n]/N
            for n from 0 to N:
                y[n] += tanh(x[n])/N
                y[n] += exp(x[n])/N
            for n from 0 to N:
                y[n] += x[n]*tanh(x[n])/N
                y[n] += x[n]**2/N
                y[n] += 1/(N*x[n])
        """,
        """
        for n from 0 to N:
            y[n] = x[n]/N
        register v1
        v1 = 1/N
        for n from 0 to N:
            y[n] += tanh(x[n])*v1
            y[n] += exp(x[n])*v1
        register v2
        v2 = 1/N
        for n from 0 to N:
            y[n] += x[n]*tanh(x[n])*v2
            y[n] += x[n]**2*v2
            y[n] += 1/(N*x[n])
        """,
    ),
    "what a loop within runs over varies, and what is written by another name": (
        hoist,
        """
        function f(in x[3, N], inout b[3], out y[3, N], N):
            view v[3] of b
            for n from 0 to N:
                for j from 0 to 3:
                    y[j, n] = x[j, n]*exp(b[j])
                    v[j] = 2
            for j from 0 to 3:
                b[j] = 1
                for n from 0 to N:
                    y[j, n] += x[j, n]*exp(b[j])
        """,
        """
        view v[3] of b
        for n from 0 to N:
            for j from 0 to 3:
                y[j, n] = x[j, n]*exp(b[j])
                v[j] = 2
        for j from 0 to 3:
            b[j] = 1
            register v1
            v1 = exp(b[j])
            for n from 0 to N:
                y[j, n] += x[j, n]*v1
        """,
    ),
    "the loops in a branch": (
        hoist,
        """
        function f(in x[N], in b[3], out y[N], N):
            register s
            s = b[0]
            if s > 0:
                for n from 0 to N:
                    y[n] = exp(s)*x[n]
            else:
                for n from 0 to N:
                    y[n] = tanh(s)*x[n]
        """,
        """
        register s
        s = b[0]
        if s > 0:
            register v1
            v1 = exp(s)
            for n from 0 to N:
                y[n] = v1*x[n]
        else:
            register v2
            v2 = tanh(s)
            for n from 0 to N:
                y[n] = v2*x[n]
        """,
    ),
    "what stands under a branch stays there": (
        hoist,
        """
        function f(in x[N], in b[3], out y[3, N], N):
            for j from 0 to 3:
                for n from 0 to N:
                    if x[n] > 0:
                        y[j, n] = exp(b[j])
                    else:
                        y[j, n] = 1
        """,
        "",
    ),
    "the terms of a sum": (
        hoist,
        """
        function f(in x[N], in b[3], out c[3], N):
            for j from 0 to 3:
                register s
                s = 0
                for n from 0 to N:
                    s += exp(b[j])*x[n]
                c[j] = s
        """,
        """
        for j from 0 to 3:
            register s
            s = 0
            register v1
            v1 = exp(b[j])
            for n from 0 to N:
                s += v1*x[n]
            c[j] = s
        """,
    ),
    "a member's own number of rows": (
        hoist,
        """
        function f(in x[N], out y[N], N) by a team:
            let first, last = this member's part of 0 to N
            for n from first to last:
                y[n] = x[n]*(last - first)/N
        """,
        """
        let first, last = this member's part of 0 to N
        register v1
        v1 = -first + last
        for n from first to last:
            y[n] = x[n]*v1/N
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
