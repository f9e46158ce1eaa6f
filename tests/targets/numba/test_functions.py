"""The target has code for each function of the notation, and no other."""

import ast

import numpy as np
import pytest

from symbp.notation.noise import Random
from symbp.notation.operation import built_in
from symbp.targets.numba.functions import FUNCTIONS, code_of
from symbp.targets.numba.runtime_names import files_of, reserved_names

# A condition is Python's own; any number of arguments are written out.
NOT_FUNCTIONS = {"where", "largest", "log_sum_exp"}
POINTS = (-2.0, -0.5, 0.0, 0.25, 1.5)


def test_every_function_of_the_notation_has_code() -> None:
    # Draws take a whole number, the place of an element: the printer writes their calls itself.
    draws = {operation.name for operation in built_in() if issubclass(operation.function, Random)}
    assert draws <= set(files_of())
    known = {operation.name for operation in built_in()}
    assert set(FUNCTIONS) == known - NOT_FUNCTIONS - draws


def called_in(template: str) -> set[str]:
    calls = [
        node.func
        for node in ast.walk(ast.parse(template.format("a", "b")))
        if isinstance(node, ast.Call)
    ]
    return {function.id for function in calls if isinstance(function, ast.Name)}


def test_code_calls_what_the_runtime_has() -> None:
    for template in FUNCTIONS.values():
        called = {template} if template.isidentifier() else called_in(template)
        assert called <= {*files_of(), "real", "abs"}
        assert called - {"abs"} <= reserved_names()


@pytest.mark.parametrize("name", [name for name, code in FUNCTIONS.items() if "{" in code])
def test_a_template_is_its_functions_value(name: str) -> None:
    (operation,) = (each for each in built_in() if each.name == name)
    code = code_of(operation)
    assert code is not None
    functions = {"np": np, "real": np.float64, "log": np.log, "log1p": np.log1p, "expm1": np.expm1}
    with np.errstate(all="ignore"):
        for a in map(np.float64, POINTS):
            for b in map(np.float64, POINTS):
                given = [a, b][: 2 if "{1}" in code else 1]
                found = eval(code.format("a", "b"), functions, {"a": a, "b": b})
                np.testing.assert_allclose(found, operation.value(*given), rtol=1e-14)


def test_a_function_of_a_users_own_is_not_taken_for_one_of_the_notation() -> None:
    import symbp as bp
    from symbp.notation.operation import operation_of

    own = bp.function("sigmoid", lambda x: x / 2)
    assert code_of(operation_of(own)) is None
