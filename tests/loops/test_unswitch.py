"""Conditions that do not vary in a nest stand outside of it, or vanish."""

import pytest

from symbp.loops.unswitch import unswitch
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "a nest for each answer": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 0 to 4:
                for n from 0 to N:
                    y[n] += where(t > 0, h[t - 1], x[n])
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 0 to 4:
            if t > 0:
                for n from 0 to N:
                    y[n] += h[t - 1]
            else:
                for n from 0 to N:
                    y[n] += x[n]
        """,
    ),
    "what the ranges decide vanishes": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 1 to 4:
                for n from 0 to N:
                    y[n] += where(t > 0, h[t - 1], x[n])
            for t from 3 to -1 step -1:
                for n from 0 to N:
                    y[n] += where(t < 4, h[t], x[n]) + where(t >= 4, h[t], x[n])
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 1 to 4:
            for n from 0 to N:
                y[n] += h[t - 1]
        for t from 3 to -1 step -1:
            for n from 0 to N:
                y[n] += h[t] + x[n]
        """,
    ),
    "parts of a condition, the second decided by no range": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 0 to 4:
                for n from 0 to N:
                    y[n] += where((t > 0) & (t < 3), h[t - 1], x[n]) + where(t <= 2, h[t + 1], \
                        x[n]) + where(t >= 1, x[n], 1)
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 0 to 4:
            if t > 0:
                if t < 3:
                    for n from 0 to N:
                        y[n] += h[t - 1] + h[t + 1] + x[n]
                else:
                    for n from 0 to N:
                        y[n] += 2*x[n] + x[n]
            else:
                if t <= 2:
                    for n from 0 to N:
                        y[n] += x[n] + h[t + 1] + 1
                else:
                    for n from 0 to N:
                        y[n] += 2*x[n] + 1
        """,
    ),
    "a branch, and the register that only it needs": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 0 to 4:
                for n from 0 to N:
                    register s
                    s = exp(x[n])
                    if t > 1:
                        y[n] += s
                    else:
                        y[n] += 1
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 0 to 4:
            if t > 1:
                for n from 0 to N:
                    register s
                    s = exp(x[n])
                    y[n] += s
            else:
                for n from 0 to N:
                    y[n] += 1
        """,
    ),
    "nothing stands for a branch without statements": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 0 to 4:
                for n from 0 to N:
                    if t > 1:
                        y[n] += h[t]
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 0 to 4:
            if t > 1:
                for n from 0 to N:
                    y[n] += h[t]
        """,
    ),
    "a condition that varies stays": (
        unswitch,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                y[n] = where(n > 0, x[n - 1], 0)
        """,
        "",
    ),
    "a condition on data stays": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 0 to 4:
                for n from 0 to N:
                    y[n] += where(h[t] > 0, x[n], 0)
        """,
        "",
    ),
    "a nest with a product stays, the others in its loop do not": (
        unswitch,
        """
        function f(in h[4], in W[3, 3], in v[3], out z[3], N):
            allocate d[3]
            for t from 0 to 4:
                for k from 0 to 3:
                    d[k] = where(t > 1, 1, 0)
                product z[k] = sum(W[k, l] v[l]; l from 0 to 3) for k from 0 to 3
        """,
        """
        allocate d[3]
        for t from 0 to 4:
            if t > 1:
                for k from 0 to 3:
                    d[k] = 1
            else:
                for k from 0 to 3:
                    d[k] = 0
            product z[k] = sum(W[k, l] v[l]; l from 0 to 3) for k from 0 to 3
        """,
    ),
    "the third condition stays": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 0 to 4:
                for n from 0 to N:
                    y[n] += where(t > 0, h[t - 1], x[n]) + where(t > 1, h[t - 2], \
                        x[n])+ where(t > 2, h[t - 3], x[n])
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 0 to 4:
            if t > 0:
                if t > 1:
                    for n from 0 to N:
                        y[n] += h[t - 1] + h[t - 2] + where(t > 2, h[t - 3], x[n])
                else:
                    for n from 0 to N:
                        y[n] += h[t - 1] + x[n] + where(t > 2, h[t - 3], x[n])
            else:
                if t > 1:
                    for n from 0 to N:
                        y[n] += x[n] + h[t - 2] + where(t > 2, h[t - 3], x[n])
                else:
                    for n from 0 to N:
                        y[n] += 2*x[n] + where(t > 2, h[t - 3], x[n])
        """,
    ),
    "one condition in several words; an equation stays": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 0 to 4:
                for n from 0 to N:
                    y[n] += where(t > 0, h[t - 1], x[n]) + where(t <= 0, x[n], 1) \
                        + where(2*t < 5, 1, x[n]) + where(Eq(t, 1), x[n], 1)
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 0 to 4:
            if t > 0:
                if 2*t < 5:
                    for n from 0 to N:
                        y[n] += h[t - 1] + 1 + 1 + where(Eq(t, 1), x[n], 1)
                else:
                    for n from 0 to N:
                        y[n] += h[t - 1] + 1 + x[n] + where(Eq(t, 1), x[n], 1)
            else:
                if 2*t < 5:
                    for n from 0 to N:
                        y[n] += 2*x[n] + 1 + where(Eq(t, 1), x[n], 1)
                else:
                    for n from 0 to N:
                        y[n] += 2*x[n] + x[n] + where(Eq(t, 1), x[n], 1)
        """,
    ),
    "a range that goes down decides no more than one that goes up": (
        unswitch,
        """
        function f(in x[N], in h[4], out y[N], N):
            for n from 0 to N:
                y[n] = 0
            for t from 3 to -1 step -1:
                for n from 0 to N:
                    y[n] += where(t > 1, h[t], x[n])
        """,
        """
        for n from 0 to N:
            y[n] = 0
        for t from 3 to -1 step -1:
            if t > 1:
                for n from 0 to N:
                    y[n] += h[t]
            else:
                for n from 0 to N:
                    y[n] += x[n]
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
