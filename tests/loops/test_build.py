"""What is built from an entry point computes what its equations say."""

import pytest

from tests.comparison import assert_close
from tests.loops.running import ENTRIES, EXAMPLES, built, example, prepared, run, sampled


@pytest.mark.parametrize(("name", "entry_name"), sampled(EXAMPLES, ENTRIES))
def test_a_loop_program_computes_what_the_equations_say(name: str, entry_name: str) -> None:
    if entry_name == "predict" and example(name)[0].given.output is None:
        pytest.skip("nothing to predict")
    entry, values, right = prepared(name, entry_name)
    assert_close(run(entry, built(name, entry_name), values), right)
