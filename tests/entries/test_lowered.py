"""Whatever a schedule decides, an entry point of derivatives computes what its equations say."""

import numpy as np
import pytest

import symbp as bp
from symbp.entries.registry import ALWAYS, ENTRIES
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.comparison import assert_close
from tests.loops.running import EXAMPLES, all_values, example, expected, run

LIMITS = {
    "numba": Limits(),
    "one thread": Limits(team=False, strip=2),
    "plain": Limits(team=False, strip=None, short_row=0, blas=False, most_operations=0),
}
FURTHER = [name for name in ENTRIES if name not in ALWAYS]
# The tangent of a recurrence to which something outside of it is added, too.
ADDED = ("recurrence 1", "jvp")


# One program to which every entry point applies with every schedule, the other two in turn.
QUICK = {("bilinear", entry, limits) for entry in FURTHER for limits in LIMITS} | {
    (("gram", "embedding")[(FURTHER.index(entry) + number) % 2], entry, limits)
    for entry in FURTHER
    for number, limits in enumerate(LIMITS)
}


def marks(name: str, entry_name: str, limits: str) -> list[pytest.MarkDecorator]:
    is_quick = (name, entry_name, limits) in QUICK or (name, entry_name) == ADDED
    return [] if is_quick else [pytest.mark.slow]


@pytest.mark.parametrize(
    ("name", "entry_name", "limits"),
    [
        pytest.param(n, e, limits, marks=marks(n, e, limits))
        for n in EXAMPLES
        for e in FURTHER
        for limits in LIMITS
    ],
)
def test_a_schedule_changes_no_value(name: str, entry_name: str, limits: str) -> None:
    model, values = example(name)
    size = sum(int(np.size(values[p.name])) for p in model.parameters)
    if size > 100 and entry_name in ("hessian", "jacobian"):
        pytest.skip(f"{size} directions are many for the interpreter of loops")
    try:
        entry = ENTRIES[entry_name](model)
    except bp.SymbpError as error:
        pytest.skip(str(error))
    values = all_values(entry, values)
    function = lower(entry, LIMITS[limits]).function
    assert_close(run(entry, function, values), expected(entry, values))
