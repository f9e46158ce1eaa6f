"""Windows written out in the innermost loop, and sums into an element that has one term."""

from dataclasses import replace

import pytest

from symbp.loops.nodes import Accumulate, Function, Statement
from symbp.loops.set_once import set_once
from symbp.loops.traverse import map_statements
from symbp.loops.unroll_windows import unroll_windows
from tests.loops.reading import changes


def unrolled(function: Function) -> Function:
    """Write windows out where each loop may add in any order, as those of equations may."""

    def free(statement: Statement) -> Statement:
        if isinstance(statement, Accumulate):
            return replace(statement, free_order=True)
        return statement

    return unroll_windows(function.replace(body=map_statements(function.body, free)))


CASES = {
    "zeros that are all overwritten are not written": (
        set_once,
        """
        function f(in x[N, 3, 2], out y[N, 6], N):
            for n from 0 to N:
                for k from 0 to 6:
                    y[n, k] = 0
            for n from 0 to N:
                for i from 0 to 3:
                    for l from 0 to 2:
                        y[n, 2*i + l] += x[n, i, l]
        """,
        """
        for n from 0 to N:
            for i from 0 to 3:
                for l from 0 to 2:
                    y[n, 2*i + l] = x[n, i, l]
        """,
    ),
    "where nothing comes the zeros stay": (
        set_once,
        """
        function f(in x[N, 3, 2], out y[N, 8], N):
            for n from 0 to N:
                for k from 0 to 8:
                    y[n, k] = 0
            for n from 0 to N:
                for i from 0 to 3:
                    for l from 0 to 2:
                        y[n, 2*i + l] += x[n, i, l]
        """,
        """
        for n from 0 to N:
            for k from 0 to 8:
                y[n, k] = 0
        for n from 0 to N:
            for i from 0 to 3:
                for l from 0 to 2:
                    y[n, 2*i + l] = x[n, i, l]
        """,
    ),
    "an element that gets two terms adds them": (
        set_once,
        """
        function f(in x[N, 3, 3], out y[N, 7], N):
            for n from 0 to N:
                for k from 0 to 7:
                    y[n, k] = 0
            for n from 0 to N:
                for i from 0 to 3:
                    for l from 0 to 3:
                        y[n, 2*i + l] += x[n, i, l]
        """,
        "",
    ),
    "what is set to zero in part only adds": (
        set_once,
        """
        function f(in x[3, 2], inout y[6]):
            for k from 0 to 5:
                y[k] = 0
            for i from 0 to 3:
                for l from 0 to 2:
                    y[2*i + l] += x[i, l]
        """,
        "",
    ),
    "what a window adds is added in the innermost loop": (
        unrolled,
        """
        function f(in x[N, 5, 4], inout y[N, 10, 4], N):
            for n from 0 to N:
                for i from 0 to 5:
                    for p from 0 to 2:
                        for o from 0 to 4:
                            y[n, 2*i + p, o] += 2*x[n, i, o]
        """,
        """
        for n from 0 to N:
            for i from 0 to 5:
                for o from 0 to 4:
                    y[n, 2*i, o] += 2*x[n, i, o]
                    y[n, 2*i + 1, o] += 2*x[n, i, o]
        """,
    ),
    "sums of what is added to stay in their order": (
        unrolled,
        """
        function f(inout y[N, 10, 4], N):
            for n from 0 to N:
                for i from 0 to 5:
                    for p from 0 to 2:
                        for o from 0 to 4:
                            y[n, 2*i + p, o] += 2*y[n, i, o]
        """,
        "",
    ),
    "loops that no window slides along stay": (
        unrolled,
        """
        function f(in x[N, 2, 4], in w[2, 4], inout y[N, 4], N):
            for n from 0 to N:
                for k from 0 to 2:
                    for o from 0 to 4:
                        y[n, o] += x[n, k, o]*w[k, o]
        """,
        "",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pass(case: str) -> None:
    changes(*CASES[case])
