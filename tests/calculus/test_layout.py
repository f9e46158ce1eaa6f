"""Where windows slide: the order of axes changes no value, and products become few."""

from typing import Any

import pytest

import symbp as bp
from symbp.calculus.align_operands import align_operands, cost_of
from symbp.calculus.channels_last import channels_last
from symbp.calculus.contract import contract
from symbp.calculus.expand import expand
from symbp.calculus.interpreter import interpret
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.matrix_products import as_product
from symbp.calculus.normalise import normalise
from symbp.calculus.patches import order_patches, patches_of, run_of
from symbp.calculus.reverse import reverse
from symbp.calculus.share import share
from symbp.networks.optimizers import optimise
from tests.comparison import assert_close
from tests.loops.running import values_of
from tests.random_equations import random_equations
from tests.sliding_networks import SLIDING


def contracted(program: bp.Program) -> bp.Program:
    step = optimise(reverse(normalise(program)), bp.SGD(0.1))
    return share(contract(lower_logsumexp(share(expand(step)))))


def results(program: bp.Program, values: dict[str, Any]) -> dict[str, Any]:
    found = interpret(program, values)
    wanted = [program.cost, program.output, *(new for _, new in program.updates)]
    return {tensor.name: found[tensor.name] for tensor in wanted if tensor is not None}


@pytest.mark.parametrize("name", SLIDING)
def test_an_order_of_axes_changes_no_value(name: str) -> None:
    given = SLIDING[name]()
    program = contracted(given)
    values = values_of(given, 3)
    expected = results(program, values)
    roots = program.roots
    for change in (channels_last, order_patches, align_operands):
        program = change(program)
        assert_close(results(program, values), expected)
    assert program.roots == roots


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(s, marks=pytest.mark.slow) for s in range(4, 40))]
)
def test_an_order_of_axes_changes_no_value_of_random_equations(seed: int) -> None:
    example = random_equations(seed)
    program = contracted(example.program)
    values = values_of(example.program, seed)
    expected = results(program, values)
    changed = align_operands(order_patches(channels_last(program)))
    assert_close(results(changed, values), expected)


def calls(program: bp.Program) -> int:
    count = 0
    for patch in patches_of(program):
        for contraction in patch.contractions:
            product = as_product(contraction)
            assert product is not None
            count += len([i for i in product.loops if isinstance(i.extent, int)])
    return count


def test_the_products_of_a_convolution_have_no_loops_over_positions() -> None:
    before = contracted(SLIDING["pictures"]())
    after = align_operands(order_patches(channels_last(before)))
    assert calls(before)
    assert not calls(after)


def test_the_channels_of_a_convolution_are_last_and_its_patches_are_runs() -> None:
    program = order_patches(channels_last(contracted(SLIDING["pictures"]())))
    first, second = (p for p in patches_of(program) if not p.copy.is_scatter)
    # One channel: positions are next to each other. Four channels: they are, and the window.
    assert run_of(first.patch, first.around) == 4
    assert run_of(second.patch, second.around) == 16
    assert str(second.around.args[-1]) == "c"


def test_few_channels_stay_where_they_are() -> None:
    net = bp.Network(
        [bp.Conv2d(2, 3), bp.Conv2d(3, 2), bp.Flatten(), bp.Dense(2)],
        input=(1, 7, 7), loss="mean_squared_error",
    )  # fmt: skip
    program = contracted(net)
    assert [str(e) for e in channels_last(program).equations] == [str(e) for e in program.equations]


def test_a_dense_network_stays_as_it_is() -> None:
    program = contracted(bp.mlp(4, 5, 2))
    assert align_operands(order_patches(channels_last(program))) is program


def test_a_product_whose_weights_need_not_be_packed_costs_less() -> None:
    n, o, k = bp.indices("n o k", "N", 8, 16)
    x, V, W = bp.input("x", n, k), bp.parameter("V", k, o), bp.parameter("W", o, k)
    z = bp.tensor("z", n, o)
    packed, plain = (
        normalise(bp.Program([bp.Equation(z[n, o], bp.Sum(w * x[n, k], k))])).equations[0]
        for w in (W[o, k], V[k, o])
    )
    assert cost_of(plain) < cost_of(packed)
