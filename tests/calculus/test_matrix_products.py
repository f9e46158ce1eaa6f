"""as_product: contractions as matrix products, seen in the plan and run against NumPy."""

import itertools

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.matrix_products import as_product
from symbp.notation.declarations import input as input_tensor
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor
from tests.emitted_text import emitted_module

EXTENTS = {"b": 3, "c": 2, "m": 4, "r": 2, "n": 5, "k": 6, "l": 3}


def contraction(formula: str, batch: str = "") -> tuple[Equation, Tensor, Tensor]:
    """Return the equation of an einsum formula; the extent of ``batch`` is the batch size."""
    operands, out = formula.split("->")
    first, second = operands.split(",")
    index = {
        letter: Index(letter, "N" if letter == batch else EXTENTS[letter])
        for letter in dict.fromkeys(first + second + out)
    }
    a, b, c = (tuple(index[letter] for letter in word) for word in (first, second, out))
    declare = input_tensor if batch and batch in first else parameter
    A = declare("A", *a)
    B, made = input_tensor("B", *b), tensor("made", *c)
    reduce = tuple(index[letter] for letter in index if letter not in out)
    return Equation(made[c], A[a] * B[b], reduce), A, B


# The formula, and how many indices are looped over around the BLAS call.
MATRIX_PRODUCTS = {
    "mk,kn->mn": 0,
    "mk,nk->mn": 0,
    "km,kn->mn": 0,
    "km,nk->mn": 0,
    "kn,mk->mn": 0,
    "mk,kn->nm": 0,
    "km,nk->nm": 0,
    "mkl,kln->mn": 0,  # two summed indices as one
    "mrk,kn->mrn": 0,  # two indices of rows as one
    "mk,knr->mnr": 0,
    "mk,k->m": 0,
    "km,k->m": 0,
    "k,kn->n": 0,
    "mrk,k->mr": 0,
    "bmk,bkn->bmn": 1,  # batched
    "bmk,bnk->bmn": 1,
    "mbk,nbk->bmn": 1,  # the batch in the middle: rows that are not neighbours in memory
    "mbk,kbn->mbn": 1,
    "bcmk,bckn->bcmn": 2,
    "bmk,bk->bm": 1,
    "mbk,bk->mb": 1,
    "mkl,lkn->mn": 1,  # summed indices in another order
    "mrk,kn->rmn": 1,
    "mkb,nkb->bmn": None,  # the batch last: no unit stride
    "mb,b->mb": None,  # nothing is summed
}


@pytest.mark.parametrize("formula", MATRIX_PRODUCTS)
def test_the_product_loops_over_what_blas_cannot_address(formula: str) -> None:
    equation, _, _ = contraction(formula)
    product = as_product(equation)
    expected = MATRIX_PRODUCTS[formula]
    if expected is None:
        assert product is None
        return
    assert product is not None
    assert len(product.loops) == expected
    groups = [*product.loops, *product.rows, *product.columns, *product.summed]
    assert sorted(groups, key=str) == sorted(equation.domain, key=str)


FORMULAS = [
    *((formula, "") for formula in MATRIX_PRODUCTS if formula != "mb,b->mb"),
    ("mk,kn->mn", "m"),
    ("mk,nk->mn", "m"),
    ("km,kn->mn", "k"),
    ("mrk,kn->mrn", "m"),
    ("bmk,bkn->bmn", "b"),
    ("bmk,bnk->mn", "b"),  # a sum over the batch and another index
]
# A product, its transposes, a vector, a batch of products, and one that is none: what differs
# among the others is which entries are multiplied, and the text says so before it is compiled.
COMPILED = {("mk,kn->nm", ""), ("bmk,bnk->bmn", ""), ("mrk,k->mr", ""), ("mkb,nkb->bmn", ""),
            ("km,kn->mn", "k")}  # fmt: skip


@pytest.mark.parametrize(("formula", "batch"), FORMULAS)
def test_the_text_computes_the_einsum(formula: str, batch: str) -> None:
    program, values = product_of(formula, batch)
    parameters = {p.name: values[p.name] for p in program.parameters}
    inputs = [values[t.name] for t in program.inputs]
    got = emitted_module(program, bp.SGD(0.1)).predict(parameters, *inputs)
    expected = np.einsum(formula, values["A"], values["B"])
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13, strict=True)


@pytest.mark.parametrize(
    ("formula", "batch"),
    [pytest.param(*f, marks=() if f in COMPILED else pytest.mark.slow) for f in FORMULAS],
)
def test_what_is_emitted_computes_the_einsum(formula: str, batch: str) -> None:
    program, values = product_of(formula, batch)
    parameters = {p.name: values[p.name] for p in program.parameters}
    module = bp.compile(program).module
    inputs = [values[t.name] for t in program.inputs]
    expected = np.einsum(formula, values["A"], values["B"])
    got = module.predict(parameters, *inputs)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13)
    if batch:  # fewer rows than another call had
        inputs = [values[t.name][:2] if t.shape[0] not in EXTENTS.values() else values[t.name]
                  for t in program.inputs]  # fmt: skip
        cut = {t.name: array for t, array in zip(program.inputs, inputs, strict=True)}
        expected = np.einsum(formula, cut.get("A", values["A"]), cut.get("B", values["B"]))
        np.testing.assert_allclose(module.predict(parameters, *inputs), expected, atol=1e-13)


def product_of(formula: str, batch: str) -> tuple[bp.Program, dict[str, np.ndarray]]:
    """Return a program whose output is an einsum, and values for its tensors."""
    equation, _A, _B = contraction(formula, batch)
    scale, cost = bp.parameter("scale"), bp.tensor("cost")
    over = tuple(i.fresh() for i in equation.tensor.indices)
    spread = bp.Sum(scale[()] * equation.tensor[over], *over)
    body = bp.Sum(equation.body, *equation.reduce)
    program = bp.Program(
        [bp.Equation(equation.lhs, body), bp.Equation(cost, spread)],
        cost=cost,
        output=equation.tensor,
    )
    generator = np.random.default_rng(0)
    sizes = {**EXTENTS, batch: 7}
    first, second = formula.split("->")[0].split(",")
    values = {
        "A": generator.normal(size=[sizes[letter] for letter in first]),
        "B": generator.normal(size=[sizes[letter] for letter in second]),
        "scale": np.array(2.0),
    }
    return program, values


def test_every_layout_of_a_batched_product_is_addressed_right() -> None:
    """All orders of the axes of ``A[b, m, k] B[b, k, n]``: a product or none, never a wrong one."""
    orders = itertools.product(
        *(map("".join, itertools.permutations(word)) for word in ("bmk", "bkn", "bmn"))
    )
    for first, second, out in orders:
        equation, _, _ = contraction(f"{first},{second}->{out}")
        product = as_product(equation)
        if product is None:
            continue
        assert {*product.rows, *product.columns} == set(equation.lhs.args) - set(product.loops)
        assert product.first.args[-1] in {*product.rows, *product.summed}
        if product.columns:  # a lone vector may have any stride
            assert product.second.args[-1] in {*product.columns, *product.summed}


def test_a_scaled_product_and_a_square_are_products_too() -> None:
    i, j, k = bp.indices("i j k", 3, 3, 4)
    A, G, c = bp.input("A", k, i), bp.tensor("G", i, j), bp.constant("c", 2.0)
    scaled = Equation(G[i, j], 3 * c[()] * A[k, i] * A[k, j], (k,))
    product = as_product(scaled)
    assert product is not None
    v = bp.tensor("v", i)
    assert as_product(Equation(v[i], A[k, i] ** 2, (k,))) is None


def test_a_gather_and_a_diagonal_are_none() -> None:
    n, i, k = bp.indices("n i k", 4, 3, 3)
    A, x, token = bp.input("A", i, k), bp.input("x", k), bp.input("token", n, kind="integer")
    y, d = bp.tensor("y", n), bp.tensor("d", i)
    assert as_product(Equation(y[n], A[token[n], k] * x[k], (k,))) is None
    assert as_product(Equation(d[i], A[i, i] * x[k], (k,))) is None
