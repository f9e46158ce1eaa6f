"""Every entry point computes what JAX says, as equations and as a loop program."""

import functools
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.entries.entry import Entry
from symbp.entries.registry import ENTRIES
from symbp.loops.build import build
from symbp.notation.forms import PassOrderError
from tests.comparison import assert_close
from tests.entries.jax_derivatives import Case, answer, network, suite
from tests.loops.running import all_values, contracted, expected, model_of, run
from tests.programs import PROGRAMS

TOLERANCE = 1e-10
# Programs and seeds of random networks; JAX compiles a Hessian for seconds.
QUICK = ["gram", "scalar_graph", "bilinear", "embedding", "network 2"]
SEEDS = range(0, 210, 5)
CASES = [*PROGRAMS, *(f"network {seed}" for seed in {*SEEDS, 2, 7})]
# With as many directions as there are parameters, the interpreter of loops takes minutes.
LARGE = ("hessian", "input_hessian", "jacobian", "input_jacobian")

# What is of the inference form.
IN_USE = ("predict", "loss", "jvp", "vjp", "jacobian", *(n for n in ENTRIES if n[:5] == "input"))


@functools.cache
def case_of(name: str) -> Case:
    return network(int(name.split()[1])) if name.startswith("network") else suite(name)


def entry_of(entry_name: str, case: Case) -> tuple[Entry, dict[str, Any]]:
    """Return an entry point and values for all it reads, or skip what does not apply."""
    try:
        entry = ENTRIES[entry_name](model_of(case.program))
    except PassOrderError:
        raise  # a fault of the entry point, not of the program
    except bp.SymbpError as error:
        pytest.skip(str(error))
    return entry, all_values(entry, case.values)


@pytest.mark.parametrize("entry_name", ENTRIES)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in CASES]
)
def test_an_entry_point_computes_what_jax_says(name: str, entry_name: str) -> None:
    case = case_of(name)
    size = sum(int(np.size(case.values[p.name])) for p in case.program.parameters)
    if entry_name in LARGE and size > 300:
        pytest.skip(f"{size} directions")
    if entry_name in IN_USE and model_of(case.program).has_phases:
        pytest.skip("what is written in JAX is the training form: see tests/test_states.py")
    entry, values = entry_of(entry_name, case)
    names = [tensor.name for tensor in entry.program.tensors]
    assert len(names) == len(set(names))
    assert_close(expected(entry, values), answer(entry_name, entry, case, values), TOLERANCE)


@pytest.mark.parametrize("entry_name", ENTRIES)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in CASES]
)
def test_its_loop_program_computes_what_its_equations_say(name: str, entry_name: str) -> None:
    case = case_of(name)
    size = sum(int(np.size(v)) for v in case.values.values())
    if size > (200 if entry_name in LARGE else 1000):
        pytest.skip(f"{size} numbers are many for the interpreter of loops")
    entry, values = entry_of(entry_name, case)
    entry = contracted(entry)
    assert_close(run(entry, build(entry), values), expected(entry, values))
