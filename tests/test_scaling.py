"""Long programs take time in proportion to their length: counted in calls, not in seconds."""

import cProfile
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

import symbp as bp
from symbp.calculus.expand import expand
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.codegen.blocks import Gather
from symbp.codegen.labels import label
from symbp.codegen.names import Names
from symbp.codegen.teamwork import Share, in_order, in_phases
from symbp.compiler import module_source
from symbp.notation.arithmetic import Plus
from symbp.notation.tensor import Tensor


def calls(function: Callable[[], Any]) -> int:
    """Return how many calls of functions a call makes; unlike seconds, the same on any machine."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(entry.callcount for entry in profile.getstats())


def chain(length: int) -> bp.Program:
    """Equations that each read the one before, and all the same parameter."""
    x, w, C = bp.input("x"), bp.parameter("w"), bp.tensor("C")
    previous = w[()] * x[()]
    equations = []
    for number in range(length):
        v = bp.tensor(f"v{number}")
        other = previous * w[()] if number % 3 else previous / (1 + previous**2)
        equations.append(bp.Equation(v, bp.sin(previous) + other))
        previous = v[()]
    return bp.Program([*equations, bp.Equation(C, previous**2)], cost=C)


def layers(count: int) -> bp.Program:
    return bp.mlp(*[20] * (count + 1), activation="tanh", loss="quadratic")


def side_by_side(count: int) -> bp.Program:
    """Products of scalars that nothing orders, each with a parameter of its own."""
    C = bp.tensor("C")
    parameters = [bp.parameter(f"w{number}") for number in range(count)]
    values = [bp.tensor(f"v{number}") for number in range(count)]
    equations = [bp.Equation(v, bp.tanh(w[()])) for v, w in zip(values, parameters, strict=True)]
    total = sum((v[()] for v in values[1:]), values[0][()])
    return bp.Program([*equations, bp.Equation(C, total)], cost=C)


@pytest.mark.parametrize(
    ("program", "length"),
    [(chain, 30), (layers, 6), (side_by_side, 40)],
    ids=["chain", "layers", "side by side"],
)
def test_a_module_of_twice_the_equations_takes_twice_as_long(
    program: Callable[[int], bp.Program], length: int
) -> None:
    module_source(program(3))  # what is made once
    short, long = (calls(partial(module_source, program(n))) for n in (length, 2 * length))
    assert long < 2.5 * short


def test_a_label_takes_time_in_proportion_to_its_sum() -> None:
    # The gradient of a parameter that every equation reads is a sum of as many terms.
    def labelled(count: int) -> str:
        s = bp.tensor("s")
        values = [bp.parameter(f"w{number}")[()] for number in range(count)]
        return label(bp.Equation(s, Plus(*values)), Names(()))

    labelled(3)
    short, long = (calls(partial(labelled, count)) for count in (30, 60))
    assert long < 2.5 * short
    short, long = (calls(partial(labelled, count)) for count in (300, 600))
    assert long < 2.5 * short


@pytest.mark.parametrize("function", ["largest", "log_sum_exp"])
def test_a_function_of_many_arguments_is_traced_in_proportion_to_its_graph(function: str) -> None:
    # Each of n derivatives reads n values.
    def traced(count: int) -> bp.Trace:
        names = [f"x{number}" for number in range(count)]
        values = {name: number % 7 + number / 100 for number, name in enumerate(names)}
        return bp.trace(f"{function}({', '.join(names)})", values)

    traced(3)
    short, long = (calls(partial(traced, count)) for count in (10, 20))
    assert long < 6 * short


def test_the_gradient_of_largest_is_shared_among_ties() -> None:
    found = bp.trace("largest(x, y, z, w)", {"x": 3, "y": 1, "z": 3, "w": 3}).gradient
    assert [found[name] for name in "xyzw"] == [
        pytest.approx(1 / 3),
        0,
        *[pytest.approx(1 / 3)] * 2,
    ]


def test_terms_that_come_from_many_equations_are_added_as_they_are_read() -> None:
    program = reverse(normalise(chain(7)))
    values = {"x": 0.3, "w": 0.7}
    merged = expand(program)
    adjoint = dict(program.gradients)[program.parameters[0]]
    assert len(merged.equations_of(adjoint)) == 1 < len(program.equations_of(adjoint))
    before, after = (interpret(p, values)[adjoint.name] for p in (program, merged))
    assert after == pytest.approx(before, rel=1e-14)


# The order of a team's work, beside the definition of it. -----------------------------------------


def random_shares(seed: int) -> tuple[list[Share], dict[Tensor, Tensor]]:
    """Return copies of batches along some of their axes, some into the memory of another."""
    generator = random.Random(seed)
    indices = [bp.Index(name, 4) for name in "ij"]
    tensors = [bp.tensor(f"t{number}", *indices) for number in range(6)]
    memory = {tensors[5]: tensors[0], tensors[4]: tensors[1]}
    shares = []
    for _ in range(12):
        along = generator.choice([[], [indices[0]], [indices[1]]])
        extent = generator.choice([4, bp.Index("n", "N").extent])
        shares.append(Share(Gather(generator.choice(tensors)), frozenset(along), extent))
    return shares, memory


def by_definition(shares: Sequence[Share], memory: dict[Tensor, Tensor]) -> list[Share]:
    """Return the order as it is described: the first that is ready and meets nothing unfinished."""

    def place(share: Share) -> Tensor:
        assert isinstance(share.block, Gather)
        return memory.get(share.block.tensor, share.block.tensor)

    def axis(share: Share) -> int | None:
        assert isinstance(share.block, Gather)
        found = [a for a, i in enumerate(share.block.tensor.indices) if i in share.along]
        return found[0] if len(found) == 1 else None

    def clash(one: Share, other: Share) -> bool:
        same = place(one) is place(other)
        return same and (axis(one) is None or axis(one) != axis(other))

    left = list(range(len(shares)))
    order: list[int] = []
    phase: list[int] = []
    while left:
        ready = [
            n for n in left if not any(m < n and place(shares[m]) is place(shares[n]) for m in left)
        ]
        free = [n for n in ready if not any(clash(shares[m], shares[n]) for m in phase)]
        if not free:
            phase = []
            continue
        chosen = min(free, key=lambda n: (not shares[n].by_rows, n))
        phase.append(chosen)
        order.append(chosen)
        left.remove(chosen)
    return [shares[n] for n in order]


@pytest.mark.parametrize("seed", range(30))
def test_the_order_of_shares_is_the_one_that_is_described(seed: int) -> None:
    shares, memory = random_shares(seed)
    found = in_order(shares, memory)
    assert [id(share) for share in found] == [id(s) for s in by_definition(shares, memory)]
    for phase in in_phases(found, memory):
        assert phase
