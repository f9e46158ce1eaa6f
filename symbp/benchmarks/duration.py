"""How long a run will take, from what its parts took: said before it begins, and for its progress.

The seconds are of two idle cores of a Zen 4. They are rough: most of a run is not measuring but
the start of processes, imports and compilation.
"""

from symbp.benchmarks.selection import Plan, Task
from symbp.benchmarks.starts import START_NETWORKS
from symbp.benchmarks.timing import MOST_WITH_PAUSES, UNTIL_THREADS_SLEEP, WARM_UP, Effort
from symbp.benchmarks.workloads import Case

__all__ = ["LONG", "START_SECONDS", "announcement", "case_seconds", "duration", "expected_seconds"]

# A run that takes longer is announced with the ways to a shorter one.
LONG = 900.0
# The start of a process, its imports and the rates of the machine: this, or with these that.
_USUAL_PROCESS = 5.0
_PROCESS = {"torch": 6.0, "compiled": 7.0}
# What a library takes to compile a case; JAX does so for each way that is tried.
_COMPILE = {"jax": 2.0, "compiled": 40.0, "pytensor": 3.0}
# Of symbp's own module, beside the comparison and the search for a unit long enough to time.
_PREPARE = 0.8
# One network: three times cold, and three times warm.
START_SECONDS = 25.0


def expected_seconds(plan: Plan) -> float:
    """Return how long a run will take."""
    cases = sum(case_seconds(case, task, plan.effort) for task in plan.tasks for case in task.cases)
    return cases + (START_SECONDS * len(START_NETWORKS) if plan.starts else 0.0)


def case_seconds(case: Case, task: Task, effort: Effort) -> float:
    """Return how long one case of a process will take, with its share of the process's start."""
    share = _PROCESS.get(task.peer, _USUAL_PROCESS) / len(task.cases)
    compile_time = _COMPILE.get(task.peer, 0.0) * (1.0 if case.measure == "step" else 0.5)
    units = min(effort.most, MOST_WITH_PAUSES)
    pauses = 2 * (units * UNTIL_THREADS_SLEEP + WARM_UP) if task.threads == "all" else 0.0
    return share + _PREPARE + compile_time + effort.seconds + pauses


def duration(seconds: float) -> str:
    """Return ``30 seconds``, ``12 minutes`` or ``3.5 hours``.

    Examples
    --------
    >>> duration(33), duration(720), duration(12400)
    ('30 seconds', '12 minutes', '3.4 hours')
    """
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def announcement(plan: Plan) -> str:
    """Return what a user wants to know before waiting: how long, and how to make it shorter."""
    count = sum(len(task.cases) for task in plan.tasks)
    seconds = expected_seconds(plan)
    measured = f"{_counted(count, 'measurement')} in {_counted(len(plan.tasks), 'process', 'es')}"
    text = f"{measured if count else 'compile times'}: about {duration(seconds)}"
    if seconds > LONG:
        text += "; --workload, --peer, --threads, --dtype and --quick make it shorter"
    for peer in plan.left_out:
        text += f"; without {peer.title} (--peer {peer.name})"
    return text


def _counted(count: int, thing: str, plural: str = "s") -> str:
    return f"{count} {thing}{plural if count != 1 else ''}"
