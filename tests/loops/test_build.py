"""What is built from an entry point computes what its equations say."""

import pytest

from symbp.loops.build import build
from tests.comparison import assert_close
from tests.loops.running import ENTRIES, EXAMPLES, all_values, contracted, example, expected, run


@pytest.mark.parametrize("entry_name", ENTRIES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_loop_program_computes_what_the_equations_say(name: str, entry_name: str) -> None:
    model, values = example(name)
    if entry_name == "predict" and model.given.output is None:
        pytest.skip("nothing to predict")
    entry = contracted(ENTRIES[entry_name](model))
    values = all_values(entry, values)
    assert_close(run(entry, build(entry), values), expected(entry, values))
