"""Which cases, peers and thread settings a run measures: options in, a plan out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symbp.benchmarks.peers import PEERS, Peer, named_peer
from symbp.benchmarks.timing import Effort
from symbp.benchmarks.workloads import (
    KINDS,
    LEARNING_RATES,
    PREDICT_ROWS,
    WORKLOADS,
    Case,
    Workload,
    named_kind,
    named_workload,
)
from symbp.notation.errors import SymbpError, suggest

__all__ = ["QUICK", "THOROUGH", "Plan", "Task", "peers_of", "plan"]

_DTYPES = ("float32", "float64")
_MEASURES = ("step", "gradient", "predict", "start")
_THREADS = ("1", "all")
THOROUGH = Effort(seconds=0.5, least=5, most=41)
QUICK = Effort(seconds=0.15, least=3, most=15)


@dataclass(frozen=True)
class Task:
    """The cases of one process.

    Attributes
    ----------
    peer : str
        Its name.
    threads : str
        ``"1"`` or ``"all"``.
    cases : tuple of Case
        All of one workload.
    memory : bool
        Whether the process also measures the memory of symbp's steps.
    """

    peer: str
    threads: str
    cases: tuple[Case, ...]
    memory: bool = False


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes
    ----------
    tasks : tuple of Task
        One process each, in order.
    effort : Effort
        Of each pair.
    starts : bool
        Whether compile times are measured.
    left_out : tuple of Peer
        Those that have to be asked for by name.
    """

    tasks: tuple[Task, ...]
    effort: Effort
    starts: bool
    left_out: tuple[Peer, ...] = ()


def plan(
    workloads: Sequence[str] = (),
    peers: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    optimizers: Sequence[str] = (),
    kinds: Sequence[str] = (),
    threads: Sequence[str] = (),
    measures: Sequence[str] = (),
    *,
    quick: bool = False,
    everything: bool = False,
) -> Plan:
    """Return the plan that options ask for; each empty one takes its default.

    Parameters
    ----------
    workloads, peers, dtypes, optimizers, kinds, threads, measures : sequence of str
        Names. By default every workload in its customary kind with every peer that does not
        compile for long, both dtypes, SGD, both thread settings, and the measure step; where
        nothing is chosen, start too.
    quick : bool
        Shorter timings.
    everything : bool
        Every peer, kind, optimizer and measure where none is named.

    Raises
    ------
    SymbpError
        A name is unknown, or an option would have no effect.
    """
    if set(measures) == {"start"}:
        given = {"--workload": workloads, "--peer": peers, "--dtype": dtypes, "--kind": kinds}
        for option, names in given.items():
            if names:
                raise SymbpError(f"{option}: no effect on start, which has networks of its own")
    if optimizers and measures and "step" not in measures:
        raise SymbpError("--optimizer: no effect, only a step has an optimizer")
    chosen_workloads = [named_workload(name) for name in workloads] or list(WORKLOADS)
    usual = [peer for peer in PEERS if everything or not peer.slow_start]
    chosen_peers = [named_peer(name) for name in peers] or usual
    # Compile times are of networks of their own: no choice of something else asks for them.
    chosen = any((workloads, peers, dtypes, optimizers, kinds, threads))
    chosen_measures = _known("--measure", measures, _MEASURES) or list(
        _MEASURES if everything else ("step",) if chosen else ("step", "start")
    )
    chosen_threads = _known("--threads", threads, _THREADS) or list(_THREADS)
    axes: dict[str, Any] = {
        "dtypes": _known("--dtype", dtypes, _DTYPES) or list(_DTYPES),
        "optimizers": _known("--optimizer", optimizers, LEARNING_RATES)
        or (list(LEARNING_RATES) if everything else ["sgd"]),
        "kinds": [named_kind(name) for name in kinds] or (list(KINDS) if everything else []),
        "measures": chosen_measures,
    }
    tasks = tuple(
        Task(peer.name, count, cases, memory=(count, peer) == (chosen_threads[0], chosen_peers[0]))
        for count in chosen_threads
        for workload in chosen_workloads
        for peer in chosen_peers
        if (cases := tuple(_cases(workload, **axes)))
    )
    left_out = () if peers or not tasks else tuple(peer for peer in PEERS if peer not in usual)
    return Plan(tasks, QUICK if quick else THOROUGH, "start" in chosen_measures, left_out)


def _cases(
    workload: Workload,
    dtypes: Sequence[Any],
    optimizers: Sequence[str],
    kinds: Sequence[Any],
    measures: Sequence[str],
) -> list[Case]:
    found = []
    for kind in kinds or [named_kind(workload.kind)]:
        for dtype in dtypes:
            if "step" in measures:
                found += [Case(workload, kind, dtype, optimizer) for optimizer in optimizers]
            if "gradient" in measures:
                found.append(Case(workload, kind, dtype, measure="gradient"))
            if "predict" in measures:
                found += [
                    Case(workload, kind, dtype, measure="predict", rows=rows)
                    for rows in PREDICT_ROWS
                ]
    return found


def _known(option: str, names: Sequence[str], known: Any) -> list[str]:
    for name in names:
        if name not in known:
            raise SymbpError(f"{option} {name}: there is none; {suggest(name, known)}")
    return list(dict.fromkeys(names))


def peers_of(tasks: Sequence[Task]) -> list[Peer]:
    """Return the peers of some tasks, each once, in order."""
    return [named_peer(name) for name in dict.fromkeys(task.peer for task in tasks)]
