"""What an entry point cannot do it says in one line, as the user wrote it."""

from collections.abc import Callable

import pytest

import symbp as bp
from symbp.entries.registry import ENTRIES, checked_entries
from tests.loops.running import model_of

n, j, k, m = bp.Index("n", "N"), bp.Index("j", 2), bp.Index("k", 3), bp.Index("m", "N")
x, y = bp.input("x", n, k), bp.target("y", n, j)
W, c = bp.parameter("W", j, k), bp.parameter("c")
z, s, mean, C = bp.tensor("z", n, j), bp.tensor("s"), bp.tensor("mean", j), bp.tensor("C")
affine = bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k))
centred = bp.tensor("a", n, j)
token, E = bp.input("token", n, kind="integer"), bp.parameter("E", bp.Index("v", 5), j)


def quadratic() -> bp.Program:
    return bp.Program([affine, bp.Equation(C, bp.Mean((z[n, j] - y[n, j]) ** 2, n, j))], cost=C)


def batch_normalised() -> bp.Program:
    return bp.Program(
        [
            affine,
            bp.Equation(mean[j], bp.Mean(z[n, j], n)),
            bp.Equation(centred[n, j], z[n, j] - mean[j]),
            bp.Equation(C, bp.Mean((centred[n, j] - y[n, j]) ** 2, n, j)),
        ],
        cost=C,
    )


def root_of_a_mean() -> bp.Program:
    return bp.Program(
        [affine, bp.Equation(C, bp.sqrt(bp.Mean((z[n, j] - y[n, j]) ** 2, n, j)))], cost=C
    )


def sum_and_penalty() -> bp.Program:
    body = bp.Sum((z[n, j] - y[n, j]) ** 2, n, j) + bp.Sum(W[j, k] ** 2, j, k)
    return bp.Program([affine, bp.Equation(C, body)], cost=C)


def mean_output() -> bp.Program:
    return bp.Program([affine, bp.Equation(mean[j], bp.Mean(z[n, j], n))], output=mean)


def no_batch() -> bp.Program:
    return bp.Program([bp.Equation(C, c[()] ** 2)], cost=C)


def no_output() -> bp.Program:
    return bp.Program([bp.Equation(C, bp.Mean((y[n, j] - W[j, 0]) ** 2, n, j))], cost=C)


def no_real_input() -> bp.Program:
    picked = bp.Equation(z[n, j], E[token[n], j])
    return bp.Program([picked, bp.Equation(C, bp.Mean((z[n, j] - y[n, j]) ** 2, n, j))], cost=C)


def no_cost() -> bp.Program:
    return bp.Program([affine])


REFUSED: list[tuple[str, Callable[[], bp.Program], str]] = [
    ("per_example_gradients", batch_normalised, "per_example_gradients: a couples examples: a[n"),
    ("input_jacobian", batch_normalised, "input_jacobian: a couples examples: a[n, j] = "),
    ("per_example_gradients", root_of_a_mean, "C is no mean or sum over the examples, each with"),
    ("per_example_gradients", sum_and_penalty, "C is no mean or sum over the examples, each with"),
    ("input_hessian", root_of_a_mean, "input_hessian: C is no mean or sum"),
    ("input_jacobian", mean_output, "input_jacobian: output mean has no axis of the examples"),
    ("per_example_gradients", no_batch, "the program has no examples"),
    ("jvp", no_output, "jvp: the program has no output that is computed without targets"),
    ("input_gradient", no_real_input, "input_gradient: the program has no inputs of real numbers"),
    ("hvp", no_cost, "hvp: the program has no cost"),
    ("hessian", no_cost, "hessian: the program has no cost"),
]


@pytest.mark.parametrize(
    ("name", "program", "message"), REFUSED, ids=[f"{n}-{p.__name__}" for n, p, _ in REFUSED]
)
def test_what_it_cannot_do_it_says(
    name: str, program: Callable[[], bp.Program], message: str
) -> None:
    with pytest.raises(bp.SymbpError) as error:
        ENTRIES[name](model_of(program()))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_plain_network_has_every_entry_point(name: str) -> None:
    entry = ENTRIES[name](model_of(quadratic()))
    assert entry.name == name
    assert entry.summary.startswith("Compute ")
    written = [tensor for slot in entry.slots if slot.role == "out" for tensor in slot.tensors]
    assert written or entry.returns is not None
    defined = {equation.tensor for equation in entry.program.equations}
    assert defined >= set(written)
    assert defined == entry.program.depends_on(entry.roots) & defined


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("hvp", "entries='hvp': expected names in a tuple, ('hvp',)"),
        (["hpv"], "entries: no entry point 'hpv'; did you mean 'hvp'"),
        (["hvp", "hvp"], "entries: 'hvp' is there twice"),
        ([3], "entries: expected names such as 'hvp', got 3"),
        (7, "entries=7: expected a tuple of names, such as ('hvp',)"),
        (["epoch"], "entries: no entry point 'epoch'"),
    ],
)
def test_names_are_checked(names: object, message: str) -> None:
    with pytest.raises(bp.SymbpError) as error:
        checked_entries(names)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_names_come_in_one_order_without_those_of_every_module() -> None:
    assert checked_entries(("hvp", "loss", "jvp")) == ("jvp", "hvp")
    assert checked_entries({"hvp", "jvp"}) == ("jvp", "hvp")
    assert checked_entries(()) == checked_entries(None) == ()
