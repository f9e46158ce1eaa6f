"""names: what a user calls a tensor or an index never becomes code."""

import ast
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.compiler import module_source
from symbp.targets.numba.names import Names, is_safe_name

# Names with line breaks are refused at definition: see tests/test_bad_input.py.
HOSTILE_INDICES = [
    "n); boom(); (",
    '"""; boom(); """',
    "\\; boom()",
    "#",
    " ",
    "lambda",
    "range",
    "real",
    "λ",
]
# Identifiers, all of them: but words, functions and names that the kernels use themselves.
HOSTILE_TENSORS = [
    "lambda", "None", "print", "np", "real", "njit", "gemm", "exp", "tanh", "N", "start", "order",
    "total", "k1", "v", "v_2", "C_", "parameters", "gradients", "batch_size", "__import__",
    "_gradient_kernel", "Trainer", "Parameters", "σ", "x_all", "a" * 300,
]  # fmt: skip


def network(index: str = "j", name: str = "a", x_name: str = "x") -> bp.Program:
    n, j, k = bp.Index("n", "N"), bp.Index(index, 3), bp.Index(index, 2)
    x, y = bp.input(x_name, n, k), bp.target("y", n, j)
    W, a, C = bp.parameter("W", j, k), bp.tensor(name, n, j), bp.tensor("cost")
    return bp.Program(
        [
            bp.Equation(a[n, j], bp.sigmoid(bp.Sum(W[j, k] * x[n, k], k))),
            bp.Equation(C, bp.Mean((a[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )


def gradient(program: bp.Program) -> Any:
    generator = np.random.default_rng(0)
    x, W, y = (generator.normal(size=s) for s in ((5, 2), (3, 2), (5, 3)))
    return bp.compile(program).module.gradient({"W": W}, x, y)[1].W


def names_in(source: str) -> set[str]:
    tree = ast.parse(source)
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return found | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", HOSTILE_INDICES, ids=ascii)
def test_the_name_of_an_index_is_never_code(name: str) -> None:
    source = module_source(network(index=name))
    found = names_in(source)
    assert "boom" not in found
    assert all(identifier.isascii() for identifier in found)
    # Nothing new but the loops' counters, numbered where the name is taken.
    assert {f.split("_")[0] for f in found - names_in(module_source(network()))} <= {"i", "real"}
    compile(source, "module", "exec")


# Each is the name of a tensor once, and once that of an input.
@pytest.mark.parametrize(
    ("name", "x_name"),
    list(zip(HOSTILE_TENSORS, [*HOSTILE_TENSORS[1:], HOSTILE_TENSORS[0]], strict=True)),
    ids=lambda name: ascii(name)[:20],
)
def test_the_name_of_a_tensor_takes_nothing_from_the_code(name: str, x_name: str) -> None:
    source = module_source(network(name=name, x_name=x_name))
    assert all(found.isascii() for found in names_in(source))
    compile(source, "module", "exec")


@pytest.mark.parametrize(("name", "x_name"), [("np", "gemm"), ("v", "N"), ("real", "σ")])
def test_a_hostile_name_changes_no_number(name: str, x_name: str) -> None:
    expected = gradient(network())
    np.testing.assert_array_equal(gradient(network(name=name, x_name=x_name)), expected)


@pytest.mark.parametrize("name", ["σ", "print", "x" * 300])
def test_a_parameter_keeps_its_name_as_a_field(name: str) -> None:
    w, f = bp.parameter(name), bp.tensor("f")
    source = module_source(bp.Program([bp.Equation(f, w**2)], cost=f))
    assert f"    {name}: NDArray[Any]" in source


@pytest.mark.parametrize("name", ["a", "W1", "delta_2"])
def test_a_plain_name_is_taken_over(name: str) -> None:
    assert is_safe_name(name)
    assert Names([]).tensor(bp.tensor(name)) == name


@pytest.mark.parametrize("name", ["", "1a", "_a", "for", "print", "é", "a b", "a\n", "a" * 41])
def test_any_other_is_not(name: str) -> None:
    assert not is_safe_name(name)


def test_names_are_unique_and_stay_the_same() -> None:
    names = Names(["x"])
    one, two = bp.tensor("x"), bp.tensor("x")
    assert (names.tensor(one), names.tensor(two), names.tensor(one)) == ("x_2", "x_3", "x_2")


def test_loops_side_by_side_share_an_identifier_and_nested_ones_do_not() -> None:
    names = Names([])
    i, j = bp.Index("i", 2), bp.Index("i", 3)
    assert names.index(i) == names.index(j) == "i"
    assert names.index(j, in_use=["i"]) == "i_2"
