"""Some readers of a batch look up its examples where they are, and scalars live in registers."""

from functools import partial

import pytest

from symbp.loops.batches import batches
from symbp.loops.gather import inline_gathers
from symbp.loops.promote import promote
from tests.loops.reading import N, changes, read, written

# The pass, the program, and what becomes of it; nothing where it stays as it is.
CASES = {
    "a product looks up its rows": (
        partial(inline_gathers, wanted=lambda tensor: True),
        """
        function f(in x_all[examples, 3], in order[examples], in W[3, 3], out z[N, 3], N, \
            batch_size, examples, start):
            allocate x[batch_size, 3]
            for j from 0 to 3:
                for n from 0 to N:
                    x[n, j] = x_all[order[start + n], j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        product z[n, j] = sum(x_all[order[n + start], k] W[j, k]; k from 0 to 3) \
            for n from 0 to N, j from 0 to 3
        """,
    ),
    "another array is copied, the loop over the examples outside": (
        partial(inline_gathers, wanted=lambda tensor: tensor.name != "x"),
        """
        function f(in x_all[examples, 3], in order[examples], in W[3, 3], out z[N, 3], N, \
            batch_size, examples, start):
            allocate x[batch_size, 3]
            for j from 0 to 3:
                for n from 0 to N:
                    x[n, j] = x_all[order[start + n], j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        """
        allocate x[batch_size, 3]
        for n from 0 to N:
            for j from 0 to 3:
                x[n, j] = x_all[order[n + start], j]
        product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, j from 0 to 3
        """,
    ),
    "what is read in other places is looked up there": (
        partial(inline_gathers, wanted=lambda tensor: True),
        """
        function f(in x_all[examples, 3], in order[examples], in W[3, 3], out z[N, 3], N, \
            batch_size, examples, start):
            allocate x[batch_size, 3]
            for j from 0 to 3:
                for n from 0 to N:
                    x[n, j] = x_all[order[start + n], j]

            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + x[0, j]*x[n, 0]
        """,
        """
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] = x_all[order[n + start], j] + x_all[order[start], j]*x_all[order[n \
                    + start], 0]
        """,
    ),
    "what a view stands for is copied": (
        partial(inline_gathers, wanted=lambda tensor: True),
        """
        function f(in x_all[examples, 3], in order[examples], in W[3, 3], out z[N, 3], N, \
            batch_size, examples, start):
            allocate x[batch_size, 3]
            view v[N, 3] of x
            for j from 0 to 3:
                for n from 0 to N:
                    x[n, j] = x_all[order[start + n], j]

            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + v[n, j]
        """,
        """
        allocate x[batch_size, 3]
        view v[N, 3] of x
        for n from 0 to N:
            for j from 0 to 3:
                x[n, j] = x_all[order[n + start], j]
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] = x[n, j] + v[n, j]
        """,
    ),
    "two arrays, one of them looked up": (
        partial(inline_gathers, wanted=lambda tensor: tensor.rank > 1),
        """
        function f(in x_all[examples, 3], in order[examples], in y_all[examples], in W[3, 3], \
            out z[N, 3], N, batch_size, examples, start):
            allocate x[batch_size, 3]
            for j from 0 to 3:
                for n from 0 to N:
                    x[n, j] = x_all[order[start + n], j]

            allocate y[batch_size]
            for n from 0 to N:
                y[n] = y_all[order[start + n]]
            for n from 0 to N:
                for j from 0 to 3:
                    z[n, j] = x[n, j] + y[n]
        """,
        """
        allocate y[batch_size]
        for n from 0 to N:
            y[n] = y_all[order[n + start]]
        for n from 0 to N:
            for j from 0 to 3:
                z[n, j] = x_all[order[n + start], j] + y[n]
        """,
    ),
    "what is computed of examples is no copy": (
        partial(inline_gathers, wanted=lambda tensor: True),
        """
        function f(in x_all[examples, 3], in order[examples], in W[3, 3], out z[N, 3], N, \
            batch_size, examples, start):
            allocate x[batch_size, 3]
            for j from 0 to 3:
                for n from 0 to N:
                    x[n, j] = 2*x_all[order[start + n], j]
            product z[n, j] = sum(x[n, k] W[j, k]; k from 0 to 3) for n from 0 to N, \
                j from 0 to 3
        """,
        "",
    ),
    "scalars are loaded first and stored last": (
        promote,
        """
        function f(inout b[3], in d[3], out c[2], N):
            view b0 of b
            view b1 of b from 1 on
            view b2 of b from 2 on
            view d1 of d from 1 on
            view c0 of c
            view c1 of c from 1 on
            for j from 0 to 3:
                b0 = b0 + b1*d1
            b2 = 1
            c0 = b0
            c1 = c0 + 1
            return b0
        """,
        """
        view b0 of b
        view b1 of b from 1 on
        view b2 of b from 2 on
        view d1 of d from 1 on
        view c0 of c
        view c1 of c from 1 on
        register b0
        b0 = b0
        register b1
        b1 = b1
        register b2
        register d1
        d1 = d1
        register c0
        register c1
        for j from 0 to 3:
            b0 = b0 + b1*d1
        b2 = 1
        c0 = b0
        c1 = c0 + 1
        b0 = b0
        b2 = b2
        c0 = c0
        c1 = c1
        return b0
        """,
    ),
    "nobody stores what nobody writes": (
        promote,
        """
        function f(in b[3], out y[N], N) by a team:
            view b1 of b from 1 on
            view w[2] of b
            let first, last = this member's part of 0 to N
            for n from first to last:
                y[n] = b1*w[0]
        """,
        """
        view b1 of b from 1 on
        register b1
        b1 = b1
        view w[2] of b
        let first, last = this member's part of 0 to N
        for n from first to last:
            y[n] = b1*w[0]
        """,
    ),
    "numbers that are looked up by numbers that are looked up": (
        partial(inline_gathers, wanted=lambda tensor: True),
        """
        function f(in x_all[examples, 3], in label_all[examples], in order[examples], out y[N], \
            N, batch_size, examples, start):
            allocate x[batch_size, 3]
            allocate label[batch_size]
            for n from 0 to N:
                for j from 0 to 3:
                    x[n, j] = x_all[order[start + n], j]
            for n from 0 to N:
                label[n] = label_all[order[start + n]]
            for n from 0 to N:
                y[n] = x[n, label[n]]
        """,
        """
        for n from 0 to N:
            y[n] = x_all[order[n + start], label_all[order[n + start]]]
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_a_program(name: str) -> None:
    change, before, after = CASES[name]
    changes(change, before, after)


def test_one_member_stores_what_all_have_updated() -> None:
    function = read(
        """
        function f(inout b[3], in x[N], N) by a team:
            view b0 of b
            b0 = b0 + x[0]
        """
    )
    assert written(promote(function)).splitlines()[1:] == [
        "register b0", "b0 = b0", "b0 = b0 + x[0]", "barrier", "if Eq(member, 0):", "    b0 = b0",
    ]  # fmt: skip


STEP = """
    function f(in x_all[examples, 3], in order[examples], inout b[3], N, batch_size, examples, \
        start)%s:
        allocate x[batch_size, 3]
        view c[3] of b
        register s
        register r
        register q
        register p
        register u
        r = 2
        q = c[0]
        p = N
        for n from 0 to N:
            for j from 0 to 3:
                x[n, j] = x_all[order[start + n], j]
        s = 0
        for n from 0 to N:
            s += x[n, 0]*r*q
        u = 1
        u = 2
        s += p + r*u
        c[0] = s
        return s
"""


@pytest.mark.parametrize("team", ["", " by a team"])
def test_memory_and_constants_are_made_once_and_the_rest_for_each_batch(team: str) -> None:
    lines = written(batches(read(STEP % team), N)).splitlines()
    assert lines == [
        "allocate x[batch_size, 3]",
        "view c[3] of b",
        "register r",
        "r = 2",
        "register total",
        "total = 0",
        "for start from 0 to examples step batch_size:",
        "    let N = Min(batch_size, -start + examples)",
        "    register s",
        "    register q",
        "    register p",
        "    register u",
        "    q = c[0]",
        "    p = N",
        "    for n from 0 to N:",
        "        for j from 0 to 3:",
        "            x[n, j] = x_all[order[n + start], j]",
        "    s = 0",
        "    for n from 0 to N:",
        "        s += x[n, 0]*r*q",
        "    u = 1",
        "    u = 2",
        "    s += p + r*u",
        "    c[0] = s",
        "    total += N*s",
        *(["    barrier"] if team else []),
        "return total/examples",
    ]
    sizes = batches(read(STEP % team), N).sizes
    assert [size.name for size in sizes] == ["batch_size", "examples"]
