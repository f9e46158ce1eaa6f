"""One more index: each replica computes what the program computes for its own values."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.flat_vector import basis, gathered, length
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.replicate import replicate
from symbp.calculus.reverse import reverse
from symbp.notation.equation import Origin
from symbp.notation.tensor import Tensor
from tests.programs import PROGRAMS

R = 3


def replicas(program: bp.Program, values: dict[str, Any], place: Any, names: set[str]) -> None:
    """Compare a replicated program with the program run for each replica."""
    r = bp.Index("r", R)
    generator = np.random.default_rng(0)
    seeds, several = {}, dict(values)
    axis = 0 if place == "first" else -1
    for tensor in program.tensors:
        if tensor.name in names:
            indices = (r, *tensor.indices) if place == "first" else (*tensor.indices, r)
            seeds[tensor] = Tensor(tensor.name, indices, tensor.role)
            shape = np.shape(values[tensor.name])
            several[tensor.name] = np.stack(
                [generator.normal(size=shape) for _ in range(R)], axis=axis
            )
    made, mapping = replicate(program, seeds, (r,), place)
    found = interpret(made, several)
    for replica in range(R):
        own = {**values, **{n: np.take(several[n], replica, axis=axis) for n in names}}
        for name, value in interpret(program, own).items():
            tensor = program.tensor(name)
            got = np.take(found[name], replica, axis=axis) if tensor in mapping else found[name]
            np.testing.assert_allclose(got, value, rtol=1e-12, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("attention", {"WQ", "g"}),
        ("lstm", {"Ui", "v"}),
        ("embedding", {"E"}),
        ("convolution", {"F"}),
        ("bilinear", {"x", "y"}),
        ("gram", {"A"}),
    ],
)
def test_each_replica_is_the_program_for_its_own_values(
    name: str, seeds: set[str], place: str
) -> None:
    program, values = PROGRAMS[name]()
    replicas(reverse(normalise(program)), values, place, seeds)


def test_what_depends_on_no_seed_stays_and_a_cost_of_many_is_none() -> None:
    program, _ = PROGRAMS["gram"]()
    X, A = (program.tensor(name) for name in "XA")
    r = bp.Index("r", R)
    made, mapping = replicate(program, {A: Tensor("A", (r, *A.indices), "parameter")}, (r,))
    assert program.cost is not None
    assert made.cost is None
    assert mapping[program.cost].shape == (R,)
    assert X in made.tensors
    assert made.equations[0] == program.equations[0]


def test_unit_vectors_are_the_rows_of_the_identity_and_come_back_together() -> None:
    shapes = {"a": (2, 3), "b": (), "c": (4,)}
    tensors = [bp.tensor(n, *(bp.Index("i", e) for e in shape)) for n, shape in shapes.items()]
    assert length(tensors) == 11
    r, p = bp.Index("r", 11), bp.Index("p", 11)
    units = [Tensor(t.name, (*t.indices, r)) for t in tensors]
    whole = bp.tensor("whole", p, r)
    equations = [*basis(units, r), *gathered(whole, units, (r,), 0)]
    made = bp.Program(equations, output=whole, derived=True)
    found = interpret(made, {})
    np.testing.assert_array_equal(found["whole"], np.eye(11))
    np.testing.assert_array_equal(found["a"].reshape(6, 11), np.eye(11)[:6])


def test_a_matrix_whose_axes_share_an_index_keeps_both() -> None:
    i = bp.Index("i", 3)
    square, vector = bp.parameter("A", i, i), bp.tensor("v", bp.Index("p", 9))
    made = bp.Program(gathered(vector, [square], (), 0), output=vector, derived=True)
    given = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(interpret(made, {"A": given})["v"], given.ravel())
    assert made.equations[0].origin == Origin("gathered")
