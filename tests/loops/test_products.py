"""Contractions become products, and compute what their loops did."""

import pytest

import symbp as bp
from symbp.loops.build import build
from symbp.loops.nodes import Product
from symbp.loops.products import products
from tests.comparison import assert_close
from tests.loops.running import (
    ENTRIES,
    EXAMPLES,
    built,
    contracted,
    model_of,
    prepared,
    run,
    sampled,
)


@pytest.mark.parametrize(("name", "entry_name"), sampled(EXAMPLES, ["gradient", "step"], least=2))
def test_products_change_no_value(name: str, entry_name: str) -> None:
    entry, values, right = prepared(name, entry_name)
    assert_close(run(entry, products(built(name, entry_name)), values), right)


def test_a_dense_network_is_all_products() -> None:
    entry = contracted(ENTRIES["gradient"](model_of(bp.mlp(20, 30, 24))))
    found = [s for s in products(build(entry)).statements if isinstance(s, Product)]
    # Two forward, one backward, two for the weights and two for the biases.
    assert len(found) == 7
