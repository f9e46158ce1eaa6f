"""Generated C computes what the equations say, in double precision to 1e-12."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.model import Model
from tests.comparison import assert_close
from tests.loops.running import ENTRIES, all_values, example, expected, model_of, values_of
from tests.programs import PROGRAMS
from tests.random_networks import random_network
from tests.targets.c.running import SANITIZED, Call, model_job, needs_compiler, results

pytestmark = needs_compiler

MANY = [
    *(f"equations {seed}" for seed in range(35)),
    *(f"recurrence {seed}" for seed in range(35)),
    *(f"network {seed}" for seed in range(30)),
]


def drawn(name: str) -> tuple[Model, dict[str, Any]]:
    """Return a program by name, with values for what it reads."""
    if not name.startswith("network"):
        return example(name)
    made = random_network(int(name.split()[1]))
    return model_of(made.program), made.values


def calls_of(model: Model, values: dict[str, Any]) -> list[Call]:
    """Return a call of each function that the program has."""
    found = []
    for name, make in ENTRIES.items():
        if name == "predict" and model.given.output is None:
            continue
        entry = make(model)
        given = all_values(entry, values)
        found.append(Call(entry, given, rows_of(model, values)))
    return found


def rows_of(model: Model, values: dict[str, Any]) -> int:
    for tensor in model.data:
        for extent, size in zip(tensor.shape, np.shape(values[tensor.name]), strict=True):
            if not isinstance(extent, int):
                return int(size)
    return 1


def check(name: str, folder: Path, options: tuple[str, ...]) -> None:
    check_model(*drawn(name), folder, options)


def check_model(
    model: Model, values: dict[str, Any], folder: Path, options: tuple[str, ...]
) -> None:
    calls = calls_of(model, values)
    job = model_job(model, batch=rows_of(model, values))
    for call, got in zip(calls, results(job, calls, folder, options), strict=True):
        assert_close(got, expected(call.entry, call.values))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_computes_what_its_equations_say(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, ("-O1",))


def test_training_and_use_differ_and_states_say_what_they_start_from(tmp_path: Path) -> None:
    layers = [bp.Dense(4), bp.BatchNorm1d(), bp.Activation("tanh"), bp.Dense(2)]
    model = model_of(bp.Network(layers, input=3, loss="mean_squared_error"))
    check_model(model, values_of(model.given, 0), tmp_path, ("-O1",))
    header = (tmp_path / "net.h").read_text(encoding="utf-8")
    assert "double running_var2[4]; /* starts from 1.0 */" in header
    assert "double running_mean2[4];\n" in header


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PROGRAMS, *MANY])
def test_more_programs_and_no_access_out_of_bounds(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, ("-O0", *SANITIZED))


@pytest.mark.parametrize("name", ["equations 1", "recurrence 1", "network 2"])
def test_a_random_program_computes_what_its_equations_say(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, ("-O2",))
