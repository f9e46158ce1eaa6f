"""Stages in whatever order they come: each follows what it needs, and overwrites nothing early."""

import random

import pytest

from symbp.calculus.in_place import in_place_updates
from symbp.calculus.schedule import Stage, schedule
from symbp.loops.order import in_order, with_fresh_indices
from symbp.notation.tensor import Tensor
from tests.loops.running import EXAMPLES, prepared


def extent(stage: Stage) -> object:
    domain = stage.equations[0].domain
    return domain[0].extent if domain else None


def written(stage: Stage) -> set[Tensor]:
    return {equation.tensor for equation in stage.equations}


def read(stage: Stage) -> set[Tensor]:
    return {element.tensor for equation in stage.equations for element in equation.reads()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_stage_follows_what_it_needs_in_whatever_order_stages_come(name: str) -> None:
    program = prepared(name, "step")[0].program
    aliases, _ = in_place_updates(program)
    stages = [with_fresh_indices(stage) for stage in schedule(program.equations)]
    for seed in range(3):
        given = random.Random(seed).sample(stages, len(stages)) if seed else stages
        ordered = in_order(given, aliases, extent)
        assert sorted(map(id, ordered)) == sorted(map(id, given))
        for place, stage in enumerate(ordered):
            for later in ordered[place + 1 :]:
                # All of a tensor is there when it is read by others.
                assert not read(stage) & written(later) - written(stage)
                # Nobody reads what another has taken over the memory of.
                taken = {aliases[new] for new in written(stage) if new in aliases}
                own = {e.tensor for e in later.equations} <= written(stage)
                assert own or not taken & read(later)
