"""An epoch in C, with optimizers whose equations have norms, counts and conditions."""

from pathlib import Path

import pytest

from symbp.entries.epoch import epoch
from tests.comparison import assert_close
from tests.loops.test_epoch import SIZE
from tests.optimizers import EVERY
from tests.schedules.test_optimizers import ORDER, prepared
from tests.targets.c.running import Call, model_job, needs_compiler, results

pytestmark = needs_compiler
IN_EVERY_RUN = ("all at once", "radam")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in IN_EVERY_RUN else [pytest.mark.slow])
        for name in EVERY
    ],
)
def test_an_epoch_is_its_steps(name: str, tmp_path: Path) -> None:
    model, _, values, data, expected = prepared(name)
    call = Call(epoch(model), {**values, **data}, len(ORDER), ORDER, SIZE)
    (got,) = results(model_job(model, batch=SIZE), [call], tmp_path, ("-O1",))
    assert_close(got, expected)
