"""A value that one body needs twice is computed once."""

import pytest

from symbp.loops.name_values import name_values
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "what two statements need": (
        name_values,
        """
        function f(in x[N], in a[N], out y[N], N):
            register s
            s = 0
            for n from 0 to N:
                s += (a[n] - x[n])**2
                y[n] = (a[n] - x[n])/N
            return s
        """,
        """
        register s
        s = 0
        for n from 0 to N:
            register w1
            w1 = a[n] - x[n]
            s += w1**2
            y[n] = w1/N
        return s
        """,
    ),
    "what is stored and read again is read from its register": (
        name_values,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                y[n] = exp(x[n])
                y[n] = y[n]**2 + tanh(y[n])
        """,
        """
        for n from 0 to N:
            register w1
            w1 = exp(x[n])
            y[n] = w1
            register w2
            w2 = w1**2 + tanh(w1)
            y[n] = w2
        """,
    ),
    "what is overwritten in between is computed again": (
        name_values,
        """
        function f(inout x[N], out y[N], N):
            for n from 0 to N:
                y[n] = exp(x[n])
                x[n] = 2
                y[n] += exp(x[n])
        """,
        """
        for n from 0 to N:
            register w1
            w1 = exp(x[n])
            y[n] = w1
            x[n] = 2
            register w2
            w2 = exp(x[n])
            y[n] += w2
        """,
    ),
    "what is written by another name": (
        name_values,
        """
        function f(inout x[N], out y[N], N):
            view v[N] of x
            for n from 0 to N:
                y[n] = exp(x[n])
                v[n] = 2
                y[n] += exp(x[n])
        """,
        """
        view v[N] of x
        for n from 0 to N:
            register w1
            w1 = exp(x[n])
            y[n] = w1
            v[n] = 2
            register w2
            w2 = exp(x[n])
            y[n] += w2
        """,
    ),
    "under a guard nothing is computed before": (
        name_values,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                y[n] = where(n > 0, exp(x[n - 1]), 0) + where(n > 0, exp(x[n - 1])*2, exp(x[n]))
                y[n] += exp(x[n])
        """,
        """
        for n from 0 to N:
            register w1
            w1 = exp(x[n])
            y[n] = where(n > 0, exp(x[n - 1]), 0) + where(n > 0, 2*exp(x[n - 1]), w1)
            y[n] += w1
        """,
    ),
    "powers up to the fourth are of registers": (
        name_values,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                y[n] = exp(x[n])**2 + tanh(x[n])**4 + (x[n] + 2)**5 + (x[n]**2 + 1)**(-2) \
                    + x[n]**3
                y[n] += (x[n]**2 + 1)**(-1)
        """,
        """
        for n from 0 to N:
            register w1
            w1 = x[n]
            register w2
            w2 = exp(w1)
            register w3
            w3 = tanh(w1)
            register w4
            w4 = w1**2 + 1
            register w5
            w5 = 1/w4
            y[n] = w2**2 + w3**4 + (w1 + 2)**5 + w5**2 + w1**3
            y[n] += 1/w4
        """,
    ),
    "a register that is set once is the name": (
        name_values,
        """
        function f(in x[N], out y[N], N):
            register s
            for n from 0 to N:
                register r
                r = exp(x[n])
                y[n] = exp(x[n]) + r
            s = exp(x[0])
            y[0] = exp(x[0]) + 1
        """,
        """
        register s
        for n from 0 to N:
            register r
            r = exp(x[n])
            y[n] = 2*r
        s = exp(x[0])
        y[0] = s + 1
        """,
    ),
    "a divisor stays a divisor": (
        name_values,
        """
        function f(in x[N], in b[3], out y[N], N):
            for n from 0 to N:
                y[n] = x[n]/(b[0] + x[n]) + 2*tanh(x[n])/(b[0] + x[n]) + tanh(x[n])
        """,
        """
        for n from 0 to N:
            register w1
            w1 = x[n]
            register w2
            w2 = tanh(w1)
            y[n] = w1/(b[0] + w1) + 2*w2/(b[0] + w1) + w2
        """,
    ),
    "each branch has registers of its own": (
        name_values,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                if x[n] > 0:
                    y[n] = exp(x[n])
                    y[n] += exp(x[n])
                else:
                    y[n] = tanh(x[n])
                    y[n] += tanh(x[n])
        """,
        """
        for n from 0 to N:
            if x[n] > 0:
                register w1
                w1 = exp(x[n])
                y[n] = w1
                y[n] += w1
            else:
                register w2
                w2 = tanh(x[n])
                y[n] = w2
                y[n] += w2
        """,
    ),
    "what is needed once stays": (
        name_values,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                y[n] = exp(x[n]) + 1
        """,
        "",
    ),
    "nothing is known behind a barrier": (
        name_values,
        """
        function f(in x[N], out y[N], N) by a team:
            allocate z[N]
            register s
            let first, last = this member's part of 0 to N
            for n from first to last:
                z[n] = x[n]
            barrier
            s = exp(z[0])
            barrier
            s += exp(z[0])
            for n from first to last:
                y[n] = s
        """,
        "",
    ),
    "a register that is set twice is no name": (
        name_values,
        """
        function f(in x[N], out y[N], N):
            register s
            for n from 0 to N:
                s = exp(x[n])
                y[n] = s
                s = tanh(x[n])
                y[n] += exp(x[n])
        """,
        """
        register s
        for n from 0 to N:
            register w1
            w1 = x[n]
            register w2
            w2 = exp(w1)
            s = w2
            y[n] = s
            s = tanh(w1)
            y[n] += w2
        """,
    ),
    "what a loop within needs is computed there": (
        name_values,
        """
        function f(in x[N, 3], out y[N, 3], in b[3], N):
            for n from 0 to N:
                register s
                s = exp(x[n, 0])
                for j from 0 to 3:
                    y[n, j] = b[j]
                for j from 0 to 3:
                    y[n, j] += exp(x[n, 0])*b[j]
                y[n, 0] += exp(x[n, 0])
        """,
        """
        for n from 0 to N:
            register s
            s = exp(x[n, 0])
            for j from 0 to 3:
                y[n, j] = b[j]
            for j from 0 to 3:
                y[n, j] += exp(x[n, 0])*b[j]
            y[n, 0] += s
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
