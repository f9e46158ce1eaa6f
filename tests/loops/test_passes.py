"""Every pass over loop programs leaves every value as it was, one by one and all together.

Of programs that are built from equations, and of loops at random, which hold more than these.
"""

from collections.abc import Callable
from functools import partial

import pytest

import symbp as bp
from symbp.loops.accumulate_strips import accumulate_strips
from symbp.loops.addends import addends
from symbp.loops.arrange import arrange
from symbp.loops.block_sums import Blocks, block_sums
from symbp.loops.build import build
from symbp.loops.divide import can_divide, divide
from symbp.loops.expand_blocks import expand_blocks
from symbp.loops.expand_products import expand_products
from symbp.loops.few_rows import few_rows
from symbp.loops.flatten import flatten
from symbp.loops.fuse import fuse
from symbp.loops.hoist import hoist
from symbp.loops.name_values import name_values
from symbp.loops.nodes import Allocate, Barrier, For, Function, Return, statements_in
from symbp.loops.products import products
from symbp.loops.promote import promote
from symbp.loops.reuse import reuse
from symbp.loops.set_once import set_once
from symbp.loops.storage import storage
from symbp.loops.strip_mine import strip_mine
from symbp.loops.unread_stores import unread_stores
from symbp.loops.unroll_windows import unroll_windows
from symbp.loops.unswitch import unswitch
from tests.comparison import assert_close
from tests.loops.random_loops import random_loops
from tests.loops.reading import same
from tests.loops.running import (
    ENTRIES,
    EXAMPLES,
    all_values,
    built,
    contracted,
    model_of,
    prepared,
    run,
    sampled,
    values_of,
)

Pass = Callable[[Function], Function]
MEMBERS = 3


def divided(function: Function) -> Function:
    """Return the function of a member of a team, where each statement can be divided."""
    if not can_divide(function):
        return function
    made = divide(function)
    # No member may read a scalar that another has updated already: they meet before that.
    end = tuple(s for s in made.body if isinstance(s, Return))
    rest = tuple(s for s in made.body if not isinstance(s, Return))
    return promote(made.replace(body=(*rest, Barrier(), *end)))


def in_strips(function: Function) -> Function:
    """Return a function that works through a batch two rows at a time, where it can."""
    batch = next((size for size in function.sizes if size.name == "N"), None)
    return function if batch is None else accumulate_strips(function, batch, 2, wide=True)


ROWS_APART = partial(fuse, rows_apart=True)
# So small that each sum over the rows of the examples has several blocks of each kind.
BLOCKS = Blocks(few=1, terms=2, in_vectors=2, least=1, multiplied=1, products=2, places=1)
# Each pass with what has to come before it.
PASSES: dict[str, tuple[list[Pass], Pass]] = {
    "set once": ([], set_once),
    "unroll windows": ([set_once], unroll_windows),
    "expand products": ([products], expand_products),
    "fuse": ([], fuse),
    "fuse rows apart": ([products], ROWS_APART),
    "fuse products' loops": ([products, expand_products], fuse),
    "addends": ([products], addends),
    "addends among fused loops": ([products, fuse], addends),
    "storage": ([products, fuse], storage),
    "storage without products": ([fuse], storage),
    "unswitch": ([products, fuse, storage], unswitch),
    "unread stores": ([products, fuse, storage], unread_stores),
    "reuse": ([products, fuse, storage], reuse),
    "arrange": ([products, ROWS_APART, storage], arrange),
    "strip-mine": ([products, addends, ROWS_APART, storage, arrange], partial(strip_mine, strip=2)),
    "divide": ([products, addends, ROWS_APART, storage, arrange], divided),
    "strip-mine each member's rows": (
        [products, addends, ROWS_APART, storage, arrange, divided],
        partial(strip_mine, strip=2),
    ),
    "accumulate strips": (
        [products, addends, ROWS_APART, storage, arrange, unread_stores, reuse],
        in_strips,
    ),
    "divide strips": ([products, addends, ROWS_APART, storage, arrange, in_strips], divided),
    "promote": ([fuse, storage], promote),
    "hoist": ([fuse, storage], hoist),
    "name values": ([products, fuse, storage, hoist], name_values),
    "few rows": ([products], partial(few_rows, few=2)),
    "block sums": ([products, fuse, storage], partial(block_sums, blocks=BLOCKS)),
    "expand blocks": ([products, partial(block_sums, blocks=BLOCKS)], expand_blocks),
    "block sums without products": ([fuse, storage], partial(block_sums, blocks=BLOCKS)),
    "block sums of each equation": ([], partial(block_sums, blocks=BLOCKS)),
    "flatten": ([products, fuse, storage, reuse], flatten),
}


@pytest.mark.parametrize(("name", "pass_name"), sampled(EXAMPLES, PASSES))
def test_a_pass_changes_no_value(name: str, pass_name: str) -> None:
    entry, values, right = prepared(name, "step")
    function = built(name, "step")
    earlier, under_test = PASSES[pass_name]
    for change in earlier:
        function = change(function)
    assert_close(run(entry, under_test(function), values, MEMBERS), right)


@pytest.mark.parametrize("pass_name", PASSES)
@pytest.mark.parametrize(
    "part", [0, *(pytest.param(p, marks=pytest.mark.slow) for p in range(1, 12))]
)
def test_a_pass_changes_no_value_of_loops_at_random(part: int, pass_name: str) -> None:
    earlier, under_test = PASSES[pass_name]
    for seed in range(6 * part, 6 * part + 6):
        function = random_loops(seed)
        for change in earlier:
            function = change(function)
        same(function, under_test(function))


def test_elementwise_equations_of_a_layer_share_a_loop() -> None:
    entry = contracted(ENTRIES["gradient"](model_of(bp.mlp(20, 30, 24))))
    whole = products(build(entry))
    loops = [s for s in fuse(whole).body if isinstance(s, For)]
    assert len(loops) < len([s for s in whole.body if isinstance(s, For)]) / 2


def test_what_a_later_step_reads_is_stored() -> None:
    # The next step begins with the state that ends this one, in a loop of its own.
    entry, values, right = prepared("lstm", "loss")
    function = built("lstm", "loss")
    for change in (products, expand_products, fuse, storage, unread_stores):
        function = change(function)
    assert_close(run(entry, function, values), right)


def test_sums_into_columns_of_one_array_are_each_in_blocks() -> None:
    n, i, j, c = bp.indices("n i j c", "N", 2, 40, 3)
    x, y, W = bp.input("x", n, i), bp.target("y", n), bp.parameter("W", j, c)
    a, z, C = bp.tensor("a", n, j), bp.tensor("z", n), bp.tensor("C")
    equations = [
        bp.Equation(a[n, j], bp.tanh(W[j, 0] * x[n, 0] + W[j, 1] * x[n, 1])),
        bp.Equation(z[n], bp.Sum(a[n, j] * W[j, 2], j)),
        bp.Equation(C, bp.Mean((z[n] - y[n]) ** 2, n)),
    ]
    entry = contracted(ENTRIES["gradient"](model_of(bp.Program(equations, cost=C))))
    values = all_values(entry, values_of(bp.Program(equations, cost=C), 1))
    function = storage(fuse(build(entry)))
    blocked = block_sums(function, BLOCKS)
    wide = [s.array for s in statements_in(blocked.body) if isinstance(s, Allocate) and s.wide]
    assert [array.name for array in wide].count("W_adjoint_wide") == 3
    assert_close(run(entry, blocked, values), run(entry, function, values))
