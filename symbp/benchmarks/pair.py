"""One case on symbp and one peer: prepare both, compare results, time them in turn."""

from collections.abc import Callable

from symbp.benchmarks import own
from symbp.benchmarks.agreement import TOLERANCES, difference
from symbp.benchmarks.measurement import Measurement
from symbp.benchmarks.peers import named_peer
from symbp.benchmarks.prepared import AbsentError, CannotExpressError, Prepared
from symbp.benchmarks.problem import Problem
from symbp.benchmarks.timing import Effort, Quartiles, alone, interleaved
from symbp.benchmarks.workloads import Case

__all__ = ["measure", "measure_prepared"]


def measure(case: Case, peer: str, threads: str, effort: Effort) -> Measurement:
    """Return the times of symbp and a peer on a case.

    A peer that is absent, cannot express the case, fails or computes something else is reported
    as such, with symbp's time alone; if symbp itself fails there is no time, and no peer to blame.
    """
    try:
        return _against(case, peer, threads, effort)
    except _OwnError as error:
        return Measurement(case, peer, threads, "symbp failed", str(error))


class _OwnError(Exception):
    """It is symbp that failed; the message says how."""


def _own(problem: Problem) -> Prepared:
    """Return symbp's side after one epoch or call."""
    try:
        ours = own.prepare(problem)
        ours.run(1)
    except Exception as error:
        raise _OwnError(_first_line(error)) from error
    return ours


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]


def _against(case: Case, peer: str, threads: str, effort: Effort) -> Measurement:
    try:
        module = named_peer(peer).load()
        steps = getattr(module, "STEPS", None)
        case = case if steps is None else case.with_steps(steps)
        prepare: Callable[[Problem], Prepared] = module.prepare
        if threads == "1" and named_peer(peer).package == "torch":
            import torch

            torch.set_num_threads(1)
        return measure_prepared(case, peer, threads, prepare, effort)
    except AbsentError as reason:
        return _alone(case, peer, threads, "absent", str(reason), effort)
    except CannotExpressError as reason:
        return _alone(case, peer, threads, "cannot express", str(reason), effort)
    except _OwnError:
        raise
    except Exception as error:  # whatever a library raises is its result here
        return _alone(case, peer, threads, "failed", _first_line(error), effort)


def measure_prepared(
    case: Case, peer: str, threads: str, prepare: Callable[[Problem], Prepared], effort: Effort
) -> Measurement:
    """Return the times of symbp and of what `prepare` makes of the same problem."""
    problem = Problem(case)
    # One epoch or call of each, from the same start.
    ours, theirs = _own(problem), prepare(problem)
    theirs.run(1)
    found = theirs.result()
    agreement = None
    if found is not None:
        agreement = difference(ours.result() or [], found)
        if not agreement <= TOLERANCES[case.dtype]:
            reason = f"its results differ from symbp's by {agreement:.1e}"
            return _alone(case, peer, threads, "disagrees", reason, effort)
    first, second, ratio = interleaved(ours.run, theirs.run, effort, threads)
    unit = _microseconds(problem)
    return Measurement(
        case, peer, threads, "measured", "",
        first.scaled(unit), second.scaled(unit), ratio, agreement,
    )  # fmt: skip


def _alone(
    case: Case, peer: str, threads: str, status: str, reason: str, effort: Effort
) -> Measurement:
    problem = Problem(case)
    ours = _own(problem)
    found: Quartiles = alone(ours.run, effort).scaled(_microseconds(problem))
    return Measurement(case, peer, threads, status, reason, found)


def _microseconds(problem: Problem) -> float:
    """Return what turns seconds of an epoch, or call, into microseconds of a step, or call."""
    return 1e6 / (problem.steps if problem.case.measure == "step" else 1)
