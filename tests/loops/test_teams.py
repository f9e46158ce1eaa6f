"""What rows and members of a team are divided into, and where they wait."""

from functools import partial

import pytest

from symbp.loops.arrange import arrange
from symbp.loops.divide import divide
from symbp.loops.strip_mine import strip_mine
from tests.loops.reading import changes

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "rows first, then what sums over the rows": (
        arrange,
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], out c[3], N):
            for j from 0 to 3:
                c[j] = 0
            for n from 0 to N:
                for j from 0 to 3:
                    c[j] += x[n, j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, j from 0 to 3
        for j from 0 to 3:
            c[j] = 0
        for n from 0 to N:
            for j from 0 to 3:
                c[j] += x[n, j]
        """,
    ),
    "what needs another waits for it": (
        arrange,
        """
        function f(in x[N, 3], in W[3, 3], out y[N, 3], out z[N, 3], out c[3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for j from 0 to 3:
                c[j] = 0
            for n from 0 to N:
                for j from 0 to 3:
                    c[j] += z[n, j]
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = z[n, j]*c[j]
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] += x[n, j]
        """,
        "",
    ),
    "what cannot be divided leaves all as it is": (
        arrange,
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], out c[3], N):
            register s
            for j from 0 to 3:
                c[j] = 0
            for n from 0 to N:
                s = x[n, 0]
                for j from 0 to 3:
                    c[j] += s*x[n, j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            return s
        """,
        "",
    ),
    "what a turn keeps for itself each member has for itself": (
        divide,
        """
        function f(in x[N, 3], out y[N, 3], N):
            allocate s[3] of each member
            for n from 0 to N:
                for j from 0 to 3:
                    s[j] = exp(x[n, j])
                for j from 0 to 3:
                    y[n, j] = exp(s[2])
        """,
        """
        allocate s[3] of each member
        let first, last = this member's part of 0 to N
        for n from first to last:
            for j from 0 to 3:
                s[j] = exp(x[n, j])
            for j from 0 to 3:
                y[n, j] = exp(s[2])
        """,
    ),
    "rows of examples and steps are divided by example": (
        divide,
        """
        function f(in x[N, 2, 3], in W[3, 3], out z[N, 2, 3], N):
            product z[n, t, j] = sum(x[n, t, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                t from 0 to 2, j from 0 to 3
        """,
        """
        let first, last = this member's part of 0 to N
        product z[n, t, j] = sum(x[n, t, k] W[j, k]; k from 0 to 3) for n from first to last, \
            t from 0 to 2, j from 0 to 3
        """,
    ),
    "each member has its rows": (
        divide,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            for n from 0 to N:
                z[n] = x[n]
            for n from 0 to N:
                y[n] = exp(z[n])
        """,
        """
        allocate z[N]
        let first, last = this member's part of 0 to N
        for n from first to last:
            z[n] = x[n]
        for n from first to last:
            y[n] = exp(z[n])
        """,
    ),
    "members wait for what others write": (
        divide,
        """
        function f(in x[N], out y[N], N):
            allocate z[N]
            allocate c[3]
            for n from 0 to N:
                z[n] = x[n]
            for j from 0 to 3:
                c[j] = z[0]
            for n from 0 to N:
                y[n] = c[0]
            for n from 0 to N:
                z[n] = c[1]
            for n from 0 to N:
                y[n] += z[n]
        """,
        """
        allocate z[N]
        allocate c[3]
        let first, last = this member's part of 0 to N
        let first_3, last_3 = this member's part of 0 to 3
        for n from first to last:
            z[n] = x[n]
        barrier
        for j from first_3 to last_3:
            c[j] = z[0]
        barrier
        for n from first to last:
            y[n] = c[0]
        for n from first to last:
            z[n] = c[1]
        for n from first to last:
            y[n] += z[n]
        """,
    ),
    "a register is each member's own": (
        divide,
        """
        function f(in x[N], out y[N], N):
            register s
            s = 0
            for n from 0 to N:
                s += x[n]
            for n from 0 to N:
                y[n] = x[n]/s
            return s
        """,
        """
        register s
        s = 0
        let first, last = this member's part of 0 to N
        for n from 0 to N:
            s += x[n]
        for n from first to last:
            y[n] = x[n]/s
        return s
        """,
    ),
    "an axis of an array, products and branches": (
        divide,
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], out c[3], N):
            register s
            s = x[0, 0]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            if s > 0:
                for j from 0 to 3:
                    for n from 0 to N:
                        z[n, j] += 1
            else:
                for n from 0 to N:
                    for j from 0 to 3:
                        z[n, j] += 2
            product c[j] = sum(z[n, j]; n from 0 to N) for j from 0 to 3
            for j from 0 to 3:
                c[j] += s
        """,
        """
        register s
        let first, last = this member's part of 0 to N
        let first_3, last_3 = this member's part of 0 to 3
        s = x[0, 0]
        product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from first to last, \
            j from 0 to 3
        if s > 0:
            for j from 0 to 3:
                for n from first to last:
                    z[n, j] += 1
        else:
            for n from first to last:
                for j from 0 to 3:
                    z[n, j] += 2
        barrier
        product c[j] = sum(z[n, j]; n from 0 to N) for j from first_3 to last_3
        for j from first_3 to last_3:
            c[j] += s
        """,
    ),
    "of two axes of one extent the first": (
        divide,
        """
        function f(in W[3, 3], out V[3, 3]):
            for j from 0 to 3:
                for k from 0 to 3:
                    V[j, k] = W[k, j]
        """,
        """
        let first_3, last_3 = this member's part of 0 to 3
        for j from first_3 to last_3:
            for k from 0 to 3:
                V[j, k] = W[k, j]
        """,
    ),
    "of a sum of columns each member has columns": (
        divide,
        """
        function f(in x[N, 3], in W[3, 3], out V[3, 3], out c[3], N):
            product c[j] = sum(x[n, j]; n from 0 to N) for j from 0 to 3
            for j from 0 to 3:
                for k from 0 to 3:
                    V[j, k] = W[j, k]*c[j]
            for j from 0 to 3:
                for k from 0 to 3:
                    V[j, k] += c[k]
        """,
        """
        let first_3, last_3 = this member's part of 0 to 3
        product c[j] = sum(x[n, j]; n from 0 to N) for j from first_3 to last_3
        for j from first_3 to last_3:
            for k from 0 to 3:
                V[j, k] = W[j, k]*c[j]
        barrier
        for j from first_3 to last_3:
            for k from 0 to 3:
                V[j, k] += c[k]
        """,
    ),
    "runs of rows go a few at a time": (
        partial(strip_mine, strip=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += 1
        """,
        """
        for row_first from 0 to N step 2 (rows):
            let row_last = Min(N, row_first + 2)
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) \
                for n from row_first to row_last, j from 0 to 3
            for n from row_first to row_last:
                for j from 0 to 3:
                    z[n, j] += 1
        """,
    ),
    "without a product nothing is gained": (
        partial(strip_mine, strip=2),
        """
        function f(in x[N], out y[N], N):
            for n from 0 to N:
                y[n] = x[n]
        """,
        "",
    ),
    "what reads all rows begins another run": (
        partial(strip_mine, strip=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], out c[3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for j from 0 to 3:
                c[j] = 0
            for n from 0 to N:
                for j from 0 to 3:
                    c[j] += z[n, j]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] += c[j]
        """,
        """
        for row_first from 0 to N step 2 (rows):
            let row_last = Min(N, row_first + 2)
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) \
                for n from row_first to row_last, j from 0 to 3
        for j from 0 to 3:
            c[j] = 0
        for n from 0 to N:
            for j from 0 to 3:
                c[j] += z[n, j]
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] += c[j]
        """,
    ),
    "a statement that reads all rows of what it writes has no rows": (
        partial(strip_mine, strip=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], out y[N, 3], N):
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = x[n, j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for i from 0 to 3:
                for n from 0 to N:
                    z[n, i] += y[0, i]
                for n from 0 to N:
                    y[n, i] += z[n, i]
        """,
        """
        for row_first from 0 to N step 2 (rows):
            let row_last = Min(N, row_first + 2)
            for n from row_first to row_last:
                for j from 0 to 3:
                    y[n, j] = x[n, j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) \
                for n from row_first to row_last, j from 0 to 3
        for i from 0 to 3:
            for n from 0 to N:
                z[n, i] += y[0, i]
            for n from 0 to N:
                y[n, i] += z[n, i]
        """,
    ),
    "a neighbour's row is not there yet": (
        partial(strip_mine, strip=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], out y[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 0 to N:
                for j from 0 to 3:
                    y[n, j] = z[0, j]
        """,
        """
        for row_first from 0 to N step 2 (rows):
            let row_last = Min(N, row_first + 2)
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) \
                for n from row_first to row_last, j from 0 to 3
        for n from 0 to N:
            for j from 0 to 3:
                y[n, j] = z[0, j]
        """,
    ),
    "each member's rows": (
        partial(strip_mine, strip=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], N) by a team:
            let first, last = this member's part of 0 to N
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from first to last, \
                j from 0 to 3
            for n from first to last:
                for j from 0 to 3:
                    z[n, j] += 1
        """,
        """
        let first, last = this member's part of 0 to N
        for row_first from first to last step 2 (rows):
            let row_last = Min(last, row_first + 2)
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) \
                for n from row_first to row_last, j from 0 to 3
            for n from row_first to row_last:
                for j from 0 to 3:
                    z[n, j] += 1
        """,
    ),
    "other ends begin another run": (
        partial(strip_mine, strip=2),
        """
        function f(in x[N, 3], in W[3, 3], out z[N, 3], out y[N, 3], N):
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
            for n from 1 to N:
                for j from 0 to 3:
                    y[n, j] = z[n, j]
            for n from 0 to 1:
                for j from 0 to 3:
                    y[n, j] = 1
        """,
        """
        for row_first from 0 to N step 2 (rows):
            let row_last = Min(N, row_first + 2)
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) \
                for n from row_first to row_last, j from 0 to 3
        for n from 1 to N:
            for j from 0 to 3:
                y[n, j] = z[n, j]
        for n from 0 to 1:
            for j from 0 to 3:
                y[n, j] = 1
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)
