"""A tensor's first equation sets it, the others add to it: what generated code relies on.

The interpreter adds always, to arrays that begin at zero, and so cannot tell.
"""

import symbp as bp


def assert_accumulates(program: bp.Program) -> None:
    """Assert that exactly the equations after the first of each tensor add to it."""
    started = set()
    for equation in program.equations:
        assert equation.accumulate == (equation.tensor in started), str(equation)
        started.add(equation.tensor)
