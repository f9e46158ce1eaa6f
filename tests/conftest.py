"""One profile for the property tests, a cache of modules for the session, and golden files."""

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import pytest
from hypothesis import HealthCheck, settings

from tests.mixing import mixed

# The same examples on every run, no time limit for each.
settings.register_profile(
    "symbp",
    derandomize=True,
    deadline=None,
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("symbp")

GOLDEN = Path(__file__).parent / "golden"
_temporary: list[str] = []
_END = "SYMBP_TESTS_END"
# Numba's own variable: it looks for a change of it before it compiles.
_LEVEL = "NUMBA_OPT"
_level_is_given = _LEVEL in os.environ


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden/ instead of comparing"
    )
    parser.addoption(
        "--time-limit",
        type=float,
        metavar="SECONDS",
        help="skip what has not begun when so much time has gone by",
    )


def pytest_configure(config: pytest.Config) -> None:
    # What is compiled is compiled anew: the user's cache neither helps nor is filled. The workers
    # of a parallel run inherit the folder of the run that starts them.
    if "SYMBP_CACHE" not in os.environ:
        _temporary.append(tempfile.mkdtemp(prefix="symbp-tests-"))
        os.environ["SYMBP_CACHE"] = _temporary[0]
    limit = config.getoption("--time-limit")
    # The workers have the time of the run that starts them.
    if limit is not None and not hasattr(config, "workerinput"):
        os.environ[_END] = str(time.time() + limit)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # What is reached in a limited time is a sample of everything, the same in every run, and not
    # what comes first in the alphabet.
    if config.getoption("--time-limit") is not None:
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[name] for name in mixed(list(by_name))]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.config.getoption("--time-limit") is not None and time.time() > float(os.environ[_END]):
        pytest.skip("the time for these tests is up")


def pytest_collection_finish(session: pytest.Session) -> None:
    # SymPy, Numba and JAX make many objects, few of them in cycles; what they hold for the whole
    # run need not be searched again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def pytest_unconfigure(config: pytest.Config) -> None:
    for folder in _temporary:
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ["SYMBP_CACHE"]
    _temporary.clear()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the largest errors that tests recorded, and of how many."""
    largest: dict[str, float] = {}
    count: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "call":
                continue
            for name, error in report.user_properties:
                if name.startswith("error of "):
                    largest[name] = max(error, largest.get(name, 0.0))
                    count[name] = count.get(name, 0) + 1
    for name in sorted(largest):
        terminalreporter.write_line(f"largest {name}: {largest[name]:.1e} of {count[name]}")


@pytest.fixture(scope="session", autouse=True)
def _machine() -> None:
    """Let Numba make its machine at its usual level, which lasts for the whole process."""
    numba.njit(lambda: None)()


@pytest.fixture(autouse=True)
def _level(request: pytest.FixtureRequest, _machine: None) -> Iterator[None]:
    """Leave out LLVM's passes over instructions, which are three quarters of compiling.

    What is computed is the same, and tests prove what is computed. Those marked `optimised` are of
    what the passes make of it, or have too much to compute without; `.ci/run` runs the slow tests
    with all passes.
    """
    if _level_is_given:
        yield
        return
    optimised = request.node.get_closest_marker("optimised") is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_LEVEL, "3" if optimised else "0")
        if optimised:  # not machine code of another test
            patch.setenv("SYMBP_CACHE", os.path.join(os.environ["SYMBP_CACHE"], "optimised"))
        numba.config.reload_config()
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a function that compares a text with the file of a name in tests/golden/."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path}: no such file; run pytest --update-golden"
        expected = path.read_text(encoding="utf-8")
        assert text == expected, f"{name} differs; if that is meant, run pytest --update-golden"

    return compare
