"""A fault that is planted in a pass is found by the tests of that pass alone."""

import functools
import importlib
import inspect
import itertools
import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import symbp
from tests.loops import running, test_passes
from tests.loops.planted import PLANTED

ROOT = Path(symbp.__file__).parent
Claim = Callable[[], object]


def test_a_fault_is_planted_in_every_pass() -> None:
    # A pass is a file that returns a function for a function.
    passes = {
        f"loops.{path.stem}"
        for path in (ROOT / "loops").glob("*.py")
        if re.search(rf"^def {path.stem}\(\s*function: Function\b.*?-> Function:$",
                     path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    }  # fmt: skip
    assert passes <= set(PLANTED)
    assert len(passes) >= 18


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_its_own_tests_find_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(name, monkeypatch)
    running.built.cache_clear()
    try:
        assert any(fails(claim) for claim in claims(PLANTED[name].tests)), PLANTED[name].what
    finally:
        running.built.cache_clear()


def plant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the functions of a module the code that they have with the fault."""
    module = importlib.import_module(f"symbp.{name}")
    assert module.__file__ is not None
    source, fault = Path(module.__file__).read_text(encoding="utf-8"), PLANTED[name]
    assert source.count(fault.before) == 1, "the line is in the file once"
    changed = dict(codes(compile(source.replace(fault.before, fault.after), name, "exec")))
    found = False
    for function in functions(module):
        code = changed[function.__qualname__]
        found |= code.replace(co_filename="") != function.__code__.replace(co_filename="")
        monkeypatch.setattr(function, "__code__", code)
    assert found


def codes(code: types.CodeType) -> Iterator[tuple[str, types.CodeType]]:
    """Yield the code of every function of a module, by its qualified name."""
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield inner.co_qualname, inner
            yield from codes(inner)


def functions(module: types.ModuleType) -> Iterator[types.FunctionType]:
    """Yield the functions and methods that a module itself defines."""
    for value in vars(module).values():
        if inspect.isclass(value) and value.__module__ == module.__name__:
            methods = (
                method.fget if isinstance(method, property) else method
                for method in vars(value).values()
            )
            # Those of a dataclass are made elsewhere.
            yield from (m for m in methods if inspect.isfunction(m) and _is_of(m, module))
        elif inspect.isfunction(value) and value.__module__ == module.__name__:
            yield value


def _is_of(function: types.FunctionType, module: types.ModuleType) -> bool:
    return function.__code__.co_filename == module.__file__


def claims(tests: tuple[str, ...]) -> Iterator[Claim]:
    """Yield the tests of a pass: those of its files, and of its place in the table of passes."""
    for name in tests:
        if name in test_passes.PASSES:
            yield functools.partial(
                test_passes.test_a_pass_changes_no_value_of_loops_at_random, 0, name
            )
            for example in running.EXAMPLES:
                yield functools.partial(test_passes.test_a_pass_changes_no_value, example, name)
        else:
            module, _, only = name.partition("::")
            for test in vars(importlib.import_module(module)).values():
                if inspect.isfunction(test) and test.__name__.startswith(only or "test_"):
                    yield from cases(test)


def cases(test: Callable[..., object]) -> Iterator[Claim]:
    """Yield a test with each of the values that it is parametrised with."""
    marks = [m for m in getattr(test, "pytestmark", ()) if m.name == "parametrize"]
    choices: list[list[dict[str, Any]]] = []
    for mark in marks:
        names, values = mark.args
        names = [names] if isinstance(names, str) else list(names)
        choices.append([
            dict(zip(names, _values(value, len(names)), strict=True)) for value in values
        ])  # fmt: skip
    given = {name for choice in choices for name in choice[0]}
    if set(inspect.signature(test).parameters) <= given:  # no fixtures
        for chosen in itertools.product(*choices):
            arguments = {name: value for part in chosen for name, value in part.items()}
            yield functools.partial(test, **arguments)


def _values(value: Any, number: int) -> tuple[Any, ...]:
    if hasattr(value, "values") and hasattr(value, "marks"):  # pytest.param
        return tuple(value.values)
    return (value,) if number == 1 else tuple(value)


def fails(claim: Claim) -> bool:
    """Whether a test fails, and is not skipped."""
    try:
        claim()
    except pytest.skip.Exception:
        return False
    except Exception:
        return True
    return False
