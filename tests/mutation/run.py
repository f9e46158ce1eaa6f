"""Plant faults at random and see whether the tests find them.

    python -m tests.mutation.run --count 100 --seed 0

Needs ``pip install cosmic-ray coverage``, which nothing else here does. Outside of CI: it takes
half an hour. Each mutant is one change of one file, drawn by :mod:`tests.mutation.drawing`; none
is picked by hand. It is made in a scratch copy of the tree, and the tests of the changed file
(:mod:`tests.mutation.modules`) that execute the changed lines are run there, quickest first, until
one fails. A test that fails without any change kills nothing: it is left out, and listed. A mutant
that runs for much longer than its tests take otherwise counts as killed.

The last figures are in ``results.toml``, those of the passes over loop programs (``--part loops``)
in ``results_loops.toml``; why a survivor changes nothing is in ``equivalent.toml``.
``--again`` runs only the survivors without a reason of the same draw, after tests were added.
"""

import argparse
import hashlib
import json
import os
import py_compile
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation.drawing import Mutant, draw
from tests.mutation.modules import files_drawn_from, tests_of

__all__ = ["main"]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# Seconds of processor time: of a child's start, and how many times its tests' own.
START, TIMES = 20.0, 4.0
# Where the figures are of a run that draws from one part of the package.
RESULTS = {"derivation": "results.toml", "loops": "results_loops.toml"}


@dataclass
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    killed_by: str
    message: str
    ran: int
    seconds: float


class Scratch:
    """A copy of the tree and the process that runs tests in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        self._copy()
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *_tool_paths()]),
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
        }  # fmt: skip
        self.process = subprocess.Popen(
            ["nice", "-n", "10", sys.executable, "-m", "tests.mutation.worker"], cwd=folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert self._answer() == "ready"

    def _copy(self) -> None:
        names = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
            text=True, check=True,
        ).stdout.split("\n")  # fmt: skip
        for name in filter(None, names):
            source, target = ROOT / name, self.folder / name
            if not source.is_file():
                continue
            content = source.read_bytes()
            if not target.exists() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        gone = {str(p.relative_to(self.folder)) for p in self.folder.rglob("*.py")} - set(names)
        for name in gone:
            (self.folder / name).unlink()
        for path in (self.folder / "symbp").rglob("*.py"):
            # By content: a change of a second ago may have the same size.
            mode = py_compile.PycInvalidationMode.CHECKED_HASH
            py_compile.compile(str(path), doraise=True, invalidation_mode=mode)

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended; see {self.log}")
        return json.loads(line)

    def run(self, **request: Any) -> Any:
        """Run tests and return what the worker says of them."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({**request, "log": str(self.log)}) + "\n")
        self.process.stdin.flush()
        return self._answer()


def _tool_paths() -> list[str]:
    import coverage

    return [str(Path(coverage.__file__).parent.parent)]


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:20]


class Baseline:
    """What each test does without a change: its time, its lines, whether it passes."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.cache = scratch.folder.parent / f"{scratch.folder.name}-baseline"
        self.cache.mkdir(exist_ok=True)
        self.tree = _digest(*(p.read_bytes() for p in sorted((ROOT / "symbp").rglob("*.py"))))
        self.known: dict[str, dict[str, Any]] = {}

    def of(self, test_file: str) -> dict[str, Any]:
        """Return the record of a test file; runs it where there is none."""
        if test_file not in self.known:
            key = _digest(self.tree.encode(), (ROOT / test_file).read_bytes())
            path = self.cache / f"{Path(test_file).stem}-{key}.json"
            if not path.exists():
                began = time.monotonic()
                answer = self.scratch.run(
                    files=[test_file], tests=None, cover=True, imports=["symbp.api"], limit=1500
                )
                print(
                    f"baseline {test_file}: {len(answer.get('seconds', ()))} tests, "
                    f"{len(answer['failed'])} fail, {time.monotonic() - began:.0f} s", flush=True,
                )  # fmt: skip
                path.write_text(json.dumps(answer), encoding="utf-8")
            self.known[test_file] = json.loads(path.read_text(encoding="utf-8"))
        return self.known[test_file]

    def failing(self) -> list[str]:
        """Return the tests that fail without a change."""
        return sorted({name for record in self.known.values() for name in record["failed"]})

    def selection(self, mutant: Mutant) -> list[tuple[str, float]]:
        """Return the tests that execute a changed line, with their times.

        Those that surely do come before those of files that do when they are read, quick ones
        before slow ones, and of those the tests of the files named first.
        """
        changed = range(mutant.line, mutant.line + 1 + mutant.before.count("\n"))
        chosen: dict[str, tuple[bool, float]] = {}
        for test_file in tests_of(mutant.file, self.scratch.folder):
            record = self.of(test_file)
            lines = record.get("lines", {}).get(mutant.file, {})
            seconds = {n: s for n, s in record.get("seconds", {}).items()
                       if n not in record["failed"]}  # fmt: skip
            contexts = {c for line in changed for c in lines.get(str(line), ())}
            # On what is executed at import, or where a file's examples are made, each may depend.
            everywhere = not contexts or "import" in contexts
            for name, took in seconds.items():
                if everywhere or name in contexts:
                    chosen[name] = (name not in contexts, took)
        # sorted() keeps the order of the files where two are about as quick.
        order = sorted(chosen, key=lambda name: (chosen[name][0], round(2 * chosen[name][1])))
        return [(name, chosen[name][1]) for name in order]


def examine(mutant: Mutant, scratch: Scratch, baseline: Baseline, budget: float) -> Outcome:
    """Run a mutant's tests until one fails."""
    selection: list[str] = []
    expected = 0.0
    for name, seconds in baseline.selection(mutant):
        if expected + seconds > budget and selection:
            continue
        selection.append(name)
        expected += seconds
    files = list(dict.fromkeys(name.split("::")[0] for name in selection))
    path = scratch.folder / mutant.file
    original = path.read_text(encoding="utf-8")
    module = mutant.file.removesuffix(".py").replace("/", ".")
    began = time.monotonic()
    try:
        path.write_text(mutant.source, encoding="utf-8")
        answer = scratch.run(
            files=files, tests=selection, cover=False, imports=[module, "symbp.api"],
            limit=START + TIMES * expected,
        )  # fmt: skip
    finally:
        path.write_text(original, encoding="utf-8")
    took = time.monotonic() - began
    name, message = next(iter(answer["failed"].items()), ("", ""))
    if not name and answer.get("code", 0) not in (0, 5):
        name, message = "pytest", f"ended with {answer['code']}"
    return Outcome(mutant, name, message, len(answer.get("seconds", ())), took)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def reasons() -> dict[tuple[str, str, str], str]:
    """Return why survivors change nothing, by file and change."""
    path = HERE / "equivalent.toml"
    if not path.exists():
        return {}
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {(e["file"], e["before"], e["after"]): e["why"] for e in table.get("mutant", [])}


def write_results(outcomes: list[Outcome], arguments: Any, failing: list[str]) -> None:
    """Write the file of results."""
    why = reasons()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    survivors = [o for o in outcomes if not o.killed_by]
    shown = [o for o in survivors if _key(o.mutant) in why]
    lines = [
        "# The last run of tests/mutation/run.py; see there.",
        f"commit = {_text(commit)}", f"seed = {arguments.seed}", f"drawn = {len(outcomes)}",
        f"killed = {len(outcomes) - len(survivors)}",
        f"equivalent = {len(shown)}  # survivors that are shown to change nothing",
        f"open = {len(survivors) - len(shown)}  # survivors without a reason",
        "# Fail without a change, and were left out:",
        f"failing = [{', '.join(map(_text, failing))}]",
    ]  # fmt: skip
    for outcome in outcomes:
        mutant = outcome.mutant
        lines += [
            "", "[[mutant]]", f"file = {_text(mutant.file)}", f"line = {mutant.line}",
            f"operator = {_text(mutant.operator)}", f"before = {_text(mutant.before)}",
            f"after = {_text(mutant.after)}",
        ]  # fmt: skip
        if outcome.killed_by:
            lines.append(f"killed_by = {_text(outcome.killed_by)}")
        else:
            lines.append(f"survived = {outcome.ran}  # tests that pass all the same")
            if _key(mutant) in why:
                lines.append(f"why = {_text(why[_key(mutant)])}")
    Path(arguments.results).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.file, mutant.before, mutant.after


def _parsed(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Plant faults at random.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", default=None, help="folder of the copy; kept, for later runs")
    parser.add_argument("--part", choices=sorted(RESULTS), default="derivation")
    parser.add_argument("--results", default=None, help="file of the figures")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of tests a mutant")
    parser.add_argument("--again", action="store_true", help="only those that survived last time")
    parser.add_argument("--list", action="store_true", help="show what is drawn, run nothing")
    arguments = parser.parse_args(argv)
    arguments.results = arguments.results or str(HERE / RESULTS[arguments.part])
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Draw, run and record; return how many survivors have no reason."""
    arguments = _parsed(argv)
    mutants = draw(ROOT, files_drawn_from(ROOT, arguments.part), arguments.count, arguments.seed)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.file}:{mutant.line} [{mutant.operator}]")
            print(f"  - {mutant.before}\n  + {mutant.after}")
        return 0
    why = reasons()
    before: dict[tuple[str, str, str], dict[str, Any]] = {}
    failing: set[str] = set()
    if arguments.again:
        table = tomllib.loads(Path(arguments.results).read_text(encoding="utf-8"))
        failing = set(table["failing"])
        known = {(m["file"], m["before"], m["after"]): m for m in table["mutant"]}
        before = {key: m for key, m in known.items() if "killed_by" in m or key in why}
    folder = Path(arguments.scratch or f"/tmp/symbp-mutants-{os.getuid()}/tree")
    scratch = Scratch(folder)
    baseline = Baseline(scratch)
    outcomes: list[Outcome] = []
    for number, mutant in enumerate(mutants, 1):
        if _key(mutant) in before:
            old = before[_key(mutant)]
            ran = old.get("survived", 0)
            outcomes.append(Outcome(mutant, old.get("killed_by", ""), "", ran, 0.0))
            continue
        outcome = examine(mutant, scratch, baseline, arguments.budget)
        outcomes.append(outcome)
        known = " (equivalent)" if _key(mutant) in why else ""
        told = f"killed by {outcome.killed_by}" if outcome.killed_by else f"SURVIVED{known}"
        print(
            f"{number}/{len(mutants)} {mutant.file}:{mutant.line} [{mutant.operator}] {told} "
            f"({outcome.ran} tests, {outcome.seconds:.0f} s)", flush=True,
        )  # fmt: skip
        if not outcome.killed_by:
            print(f"    - {mutant.before}\n    + {mutant.after}", flush=True)
        if not arguments.again:
            write_results(outcomes, arguments, baseline.failing())
    write_results(outcomes, arguments, sorted(failing.union(baseline.failing())))
    left = [o for o in outcomes if not o.killed_by and _key(o.mutant) not in why]
    killed = sum(bool(o.killed_by) for o in outcomes)
    print(f"{killed} of {len(outcomes)} killed; {len(left)} survivors without a reason")
    return len(left)


if __name__ == "__main__":
    sys.exit(main())
