"""Loops over the same range become one where every value is complete when it is read."""

import pytest

from symbp.loops.fuse import fuse
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "loops over one range become one, level by level": (
        fuse,
        """
        function f(in x[N, 3], in b[3], out y[N, 3], N):
            allocate z[N, 3]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + b[j]
            for m from 0 to N:
                for k from 0 to 3:
                    y[m, k] = tanh(z[m, k])
        """,
        """
        allocate z[N, 3]
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] = x[n, j] + b[j]
                y[n, j] = tanh(z[n, j])
        """,
    ),
    "a turn that reads what another turn wrote stays apart": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = exp(x[n])
            for n from 0 to N:
                y[n] = where(n > 0, z[n - 1], 1)
        """,
        "",
    ),
    "a turn that overwrites what another turn reads stays apart": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = exp(x[n])
            for n from 0 to N:
                y[n] = where(n > 0, z[n - 1], 1)
            for n from 0 to N:
                z[n] = 2*x[n]
            for n from 0 to N:
                y[n] += z[n]
        """,
        """
        allocate z[N]
        for n from 0 to N:
            z[n] = exp(x[n])
        for n from 0 to N:
            y[n] = where(n > 0, z[n - 1], 1)
        for n from 0 to N:
            z[n] = 2*x[n]
            y[n] += z[n]
        """,
    ),
    "what the second loop needs moves in front of the first": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            register s
            register r
            for n from 0 to N:
                y[n] = x[n]
            s = 2
            r = s + 1
            for n from 0 to N:
                y[n] += r*x[n]
        """,
        """
        register s
        register r
        s = 2
        r = s + 1
        for n from 0 to N:
            y[n] = x[n]
            y[n] += r*x[n]
        """,
    ),
    "what needs the first loop stays behind both": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            register s
            register r
            s = 0
            for n from 0 to N:
                s += x[n]
            r = s/2
            for n from 0 to N:
                y[n] = x[n]
            return r
        """,
        """
        register s
        register r
        s = 0
        for n from 0 to N:
            s += x[n]
            y[n] = x[n]
        r = s/2
        return r
        """,
    ),
    "a loop that needs what needs the other stays apart": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            register s
            register r
            s = 0
            for n from 0 to N:
                s += x[n]
            r = s/2
            for n from 0 to N:
                y[n] = x[n] - r
        """,
        "",
    ),
    "a sum is not read before all of it is there": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            register s
            s = 0
            for n from 0 to N:
                s += x[n]
            for n from 0 to N:
                y[n] = x[n] - s
        """,
        "",
    ),
    "loops that begin, end or step elsewhere stay apart": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to 1:
                y[n] = x[n]
            for n from 1 to N:
                y[n] = 2*x[n]
            for n from 1 to N step 2:
                y[n] += x[n]
            for n from 0 to N:
                y[n] += 3*x[n]
        """,
        "",
    ),
    "sums into one array may be added in another order": (
        fuse,
        """
        function f(in x[N, 3], in b[3], out y[3], N):
            for j from 0 to 3:
                y[j] = 0
            for n from 0 to N:
                for j from 0 to 3:
                    y[j] += x[n, j]
            for n from 0 to N:
                for k from 0 to 3:
                    y[k] += b[k]*x[n, k]
        """,
        """
        for j from 0 to 3:
            y[j] = 0
        for n from 0 to N:
            for j from 0 to 3:
                y[j] += x[n, j]
                y[j] += b[j]*x[n, j]
        """,
    ),
    "a sum and a maximum into one array stay apart": (
        fuse,
        """
        function f(in x[N, 3], in b[3], out y[3], N):
            for j from 0 to 3:
                y[j] = 0
            for n from 0 to N:
                for j from 0 to 3:
                    y[j] += x[n, j]
            for n from 0 to N:
                for k from 0 to 3:
                    y[k] max= b[k]*x[n, k]
        """,
        "",
    ),
    "the loops in a branch are fused": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            register s
            s = x[0]
            for n from 0 to N:
                y[n] = x[n]
            if s > 0:
                for n from 0 to N:
                    y[n] = 2*x[n]
                for n from 0 to N:
                    y[n] += exp(x[n])
            else:
                for n from 0 to N:
                    y[n] = 3*x[n]
                for n from 0 to N:
                    y[n] += tanh(x[n])
        """,
        """
        register s
        s = x[0]
        for n from 0 to N:
            y[n] = x[n]
        if s > 0:
            for n from 0 to N:
                y[n] = 2*x[n]
                y[n] += exp(x[n])
        else:
            for n from 0 to N:
                y[n] = 3*x[n]
                y[n] += tanh(x[n])
        """,
    ),
    "nothing is fused over a barrier": (
        fuse,
        """
        function f(in x[N], out y[N], N) by a team:
            allocate z[N]
            let first, last = this member's part of 0 to N
            for n from first to last:
                z[n] = x[n]
            barrier
            for n from first to last:
                y[n] = z[n]
        """,
        "",
    ),
    "each loop keeps its registers": (
        fuse,
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                register s
                s = exp(x[n])
                y[n] = s
            for m from 0 to N:
                register r
                r = tanh(x[m])
                y[m] += r**2
        """,
        """
        for n from 0 to N:
            register s
            s = exp(x[n])
            y[n] = s
            register r
            r = tanh(x[n])
            y[n] += r**2
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
