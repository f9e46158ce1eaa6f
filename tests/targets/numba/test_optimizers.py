"""Every optimizer in a module: its text, run as Python, and its machine code, step by step."""

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.networks.optimizers import optimise
from tests.comparison import assert_close
from tests.emitted_text import assert_text_agrees, with_fast_derivatives
from tests.optimizers import EVERY

SOFTMAX = "softmax_cross_entropy"
# Loops that a team divides, and operations that are written out.
NETWORKS = {
    "in loops": lambda: bp.mlp(7, 40, 20, activation="relu", loss=SOFTMAX),
    "written out": lambda: bp.mlp(2, 4, 1, activation="tanh"),
}
IN_EVERY_RUN = {("all at once", "in loops"), ("step", "written out")}
CASES = [
    pytest.param(name, network, marks=[] if (name, network) in IN_EVERY_RUN else [pytest.mark.slow])
    for name in EVERY
    for network in NETWORKS
]


@pytest.mark.parametrize(("name", "network"), CASES)
def test_the_text_computes_what_the_interpreter_does(name: str, network: str) -> None:
    assert_text_agrees(NETWORKS[network](), EVERY[name])


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", EVERY)
def test_twenty_compiled_steps_are_those_of_the_interpreter(name: str, network: str) -> None:
    program = NETWORKS[network]()
    trainer = bp.compile(program, EVERY[name], seed=3)
    updated = optimise(with_fast_derivatives(reverse(normalise(program))), EVERY[name])
    generator = np.random.default_rng(1)
    x = generator.normal(size=(80, program.inputs[0].shape[1]))
    y = np.eye(program.targets[0].shape[1])[generator.integers(0, program.targets[0].shape[1], 80)]
    values = {p.name: getattr(trainer.parameters, p.name).copy() for p in program.parameters}
    values |= {state.name: np.zeros(state.shape) for state in updated.with_role("state")}
    for start in range(0, 80, 4):
        rows = slice(start, start + 4)
        found = interpret(updated, {**values, "x": x[rows], "y": y[rows]})
        values |= {old.name: found[new.name] for old, new in updated.updates}
    trainer.fit(x, y, epochs=1, batch_size=4, shuffle=False)
    expected = {p.name: values[p.name] for p in program.parameters}
    assert_close(trainer.parameters._asdict(), expected, 1e-12)
