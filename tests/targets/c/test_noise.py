"""Generated C draws the bits that the interpreter and the modules for Numba draw."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.checking.check import random_values
from symbp.entries.epoch import epoch
from symbp.entries.gradient import gradient
from symbp.entries.loss import loss
from symbp.entries.predict import predict
from symbp.entries.step import step
from symbp.notation.philox import KEY_NAMES, key_parts
from tests.comparison import assert_close
from tests.loops.running import all_values, expected, model_of
from tests.random_noise import noisy_example
from tests.targets.c.running import SANITIZED, Call, model_job, needs_compiler, results

pytestmark = needs_compiler

ROWS, WIDTH, EXAMPLES = 7, 5, 18


def shown(**law: Any) -> bp.Program:
    """Return a program whose gradient by W is the noise of each row, where x has a one in each."""
    n, j, k = bp.indices("n j k", "N", WIDTH, EXAMPLES)
    x, e, W = bp.input("x", n, k), bp.noise("e", n, j, **law), bp.parameter("W", j, k)
    z, C = bp.tensor("z", n, j), bp.tensor("C")
    return bp.Program(
        [
            bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k)),
            bp.Equation(C, -bp.Sum(z[n, j] * e[n, j], n, j)),
        ],
        cost=C,
    )


def key(seed: int, step: int) -> dict[str, int]:
    return dict(zip(KEY_NAMES, key_parts(seed, step), strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("law", ["uniform", "bernoulli", "normal"])
def test_an_epoch_draws_what_is_replayed(law: str, dtype: str, tmp_path: Path) -> None:
    program, seed, first = shown(law=law), 2**63 + 77, 2**22 - 2
    model = model_of(program, bp.SGD(1.0))
    values = {"W": np.zeros((WIDTH, EXAMPLES)), "x": np.eye(EXAMPLES), **key(seed, first)}
    entry = epoch(model)
    call = Call(
        entry, all_values(entry, values), EXAMPLES, order=np.arange(EXAMPLES), batch_size=ROWS
    )
    (found,) = results(model_job(model, dtype, batch=ROWS), [call], tmp_path, ("-O3",))
    noise = [
        bp.replayed(program, min(ROWS, EXAMPLES - start), seed, first + number)["e"]
        for number, start in enumerate(range(0, EXAMPLES, ROWS))
    ]
    exact = law == "bernoulli" or (law == "uniform" and dtype == "float64")
    tolerance = 0.0 if exact else 2e-15 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(found["W"], np.concatenate(noise).T, rtol=tolerance, atol=tolerance)
    assert (found["step_low"], found["step_high"]) == key_parts(0, first + 3)[-2:]


@pytest.mark.parametrize(
    "name",
    [
        "equations 0",
        "recurrence 0",
        *(
            pytest.param(f"{kind} {seed}", marks=pytest.mark.slow)
            for kind in ("equations", "recurrence")
            for seed in range(1, 15)
        ),
    ],
)
def test_random_programs_compute_what_their_equations_say(name: str, tmp_path: Path) -> None:
    program = noisy_example(name)
    model, calls = model_of(program), []
    for make in (predict, loss, gradient, step):
        if make is predict and program.output is None:
            continue
        entry = make(model)
        values = {**random_values(program, 4), **key(12345, 678)}
        calls.append(Call(entry, all_values(entry, values), 4))
    made = results(model_job(model), calls, tmp_path, ("-O1", *SANITIZED))
    for call, got in zip(calls, made, strict=True):
        assert_close(got, expected(call.entry, call.values))


def test_the_header_says_what_a_key_is(tmp_path: Path) -> None:
    bp.generate(shown(), tmp_path / "net.c", target="c")
    header = (tmp_path / "net.h").read_text(encoding="utf-8")
    assert "seed = seed_low + 2^22 seed_middle + 2^44 seed_high" in header
    assert "const net_noise *noise" in header
    bp.generate(bp.mlp(2, 3, 1), tmp_path / "plain.c", target="c")
    plain = (tmp_path / "plain.c").read_text() + (tmp_path / "plain.h").read_text()
    assert "noise" not in plain
    assert "Philox" not in plain
