"""Runs tests of one changed file after another, each in a process forked from this one.

What never changes (NumPy, SymPy, JAX, pytest) is imported once, before the fork; symbp and the
tests are imported by each child, from the scratch copy of the tree that this is started in. One
request a line comes in, as JSON, and one answer a line goes out.
"""

import importlib
import json
import os
import re
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

__all__: list[str] = []

SHARED = (
    "numpy", "scipy.special", "sympy", "mpmath", "hypothesis", "hypothesis.strategies", "jax",
    "jax.numpy", "pytest", "coverage", "numba",
)  # fmt: skip
# Beside its processor time a child may wait for others: a machine is shared.
PATIENCE = 30


def plain(name: str) -> str:
    """Return a test's name without addresses, which differ from process to process."""
    return re.sub(r"0x[0-9a-f]+", "0x", name)


class Recorder:
    """Selects and orders the tests, and records what each came to."""

    def __init__(self, wanted: list[str] | None, coverage: Any = None) -> None:
        self.order = None if wanted is None else {name: i for i, name in enumerate(wanted)}
        self.coverage = coverage
        self.seconds: dict[str, float] = {}
        self.failed: dict[str, str] = {}
        self.begun = 0.0

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        if self.order is not None:
            order = self.order
            kept = [item for item in items if plain(item.nodeid) in order]
            items[:] = sorted(kept, key=lambda item: order[plain(item.nodeid)])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.coverage is not None:
            self.coverage.switch_context(plain(nodeid))
        self.begun = time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[plain(nodeid)] = time.process_time() - self.begun

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.setdefault(plain(report.nodeid), _last_line(report))

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.failed.setdefault(plain(report.nodeid), _last_line(report))


def _last_line(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr)
    return text.strip().splitlines()[0][:160] if text.strip() else ""


def run_tests(request: dict[str, Any]) -> dict[str, Any]:
    """Import the package and run the tests of a request; called in a child."""
    import pytest

    coverage = None
    if request["cover"]:
        from coverage import Coverage

        coverage = Coverage(data_file=None, include=[f"{os.getcwd()}/symbp/*"], config_file=False)
        coverage.start()
        coverage.switch_context("import")
    begun = time.process_time()
    try:
        for module in request["imports"]:
            importlib.import_module(module)
    except BaseException as error:
        return {"failed": {"import": f"{type(error).__name__}: {error}"[:160]}}
    recorder = Recorder(request["tests"], coverage)
    options = ["-q", "-p", "no:cacheprovider", "-n", "0", "--no-header", "--tb=short"]
    options += [] if request["cover"] else ["-x"]
    code = pytest.main([*options, *request["files"]], plugins=[recorder])
    answer = {
        "code": int(code), "failed": recorder.failed, "seconds": recorder.seconds,
        "total": time.process_time() - begun, "lines": {},
    }  # fmt: skip
    if coverage is not None:
        coverage.stop()
        data = coverage.get_data()
        for path in data.measured_files():
            answer["lines"][os.path.relpath(path)] = data.contexts_by_lineno(path)
    return answer


def child(request: dict[str, Any], answer: str) -> None:
    """Run the tests with a limit of processor time, and write the answer."""
    limit = int(request["limit"])
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # A changed file must not be found under the name of what it was.
    sys.dont_write_bytecode = not request["cover"]
    try:
        result = run_tests(request)
    except BaseException:
        result = {"failed": {"run": traceback.format_exc()[-400:]}}
    Path(answer).write_text(json.dumps(result), encoding="utf-8")
    os._exit(0)


def serve() -> None:
    """Answer requests until there are none."""
    sys.path.insert(0, os.getcwd())
    for module in SHARED:
        importlib.import_module(module)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryDirectory() as folder:
            answer = f"{folder}/answer.json"
            pid = os.fork()
            if not pid:
                child(request, answer)
            until = time.monotonic() + PATIENCE * request["limit"]
            status = None
            while status is None:
                done, state = os.waitpid(pid, os.WNOHANG)
                if done:
                    status = state
                elif time.monotonic() > until:
                    os.kill(pid, 9)
                    status = os.waitpid(pid, 0)[1]
                else:
                    time.sleep(0.02)
            if os.path.exists(answer):
                reply = json.loads(Path(answer).read_text(encoding="utf-8"))
            elif os.WIFSIGNALED(status):
                reply = {"failed": {"time-out or signal": f"signal {os.WTERMSIG(status)}"}}
            else:
                reply = {"failed": {"end of the process": f"status {status}"}}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    serve()
