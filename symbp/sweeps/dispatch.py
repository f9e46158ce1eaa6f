"""Dispatch: tasks to the workers of joblib, Dask or Ray, results back, and what ends workers.

A worker that ends takes its task along. What was on its way then is tried once more, each run
by itself, so that the one that ends workers is found and the others are not lost with it.
"""

import collections
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from symbp.notation.errors import SymbpError, suggest
from symbp.sweeps.runs import Outcome, Run, Task, failed, message_of, perform

__all__ = ["WORKER_ENDED", "Workers", "outcomes"]

WORKER_ENDED = "worker ended"
# Seconds of a task: its results are what a kill can cost, and sending it takes a millisecond or so.
_TASK = 0.5
_BACKENDS = ("processes", "dask", "ray")
# Of engines that are imported only where they are used. Data that Dask had given to a worker go
# with it, and what needs them is cancelled.
_DEATHS = {
    "TerminatedWorkerError",
    "KilledWorker",
    "FutureCancelledError",
    "RayActorError",
    "ActorDiedError",
    "WorkerCrashedError",
    "NodeDiedError",
    "OutOfMemoryError",
}


class Workers:
    """An engine of joblib, and how many workers it has.

    Parameters
    ----------
    backend : {"processes", "dask", "ray"}, optional
        By default what ``joblib.parallel_config`` says, or processes.
    count : int, optional
        How many; by default as many as there are cores, or workers of a cluster.
    """

    def __init__(self, backend: str | None, count: int | None) -> None:
        try:
            import joblib
        except ImportError as error:
            raise SymbpError("sweep: joblib is not here: pip install joblib") from error
        if backend is not None and backend not in _BACKENDS:
            raise SymbpError(f"backend {backend!r}: {suggest(str(backend), _BACKENDS)}")
        self._joblib: Any = joblib
        said = joblib.parallel.get_active_backend()[1] if backend is None else None
        usual = -1 if said in (None, 1) else said
        self.backend, self.jobs = backend, usual if count is None else count

    @contextlib.contextmanager
    def _engine(self) -> Iterator[None]:
        joblib = self._joblib
        if self.backend is None:
            from joblib.parallel import get_active_backend

            if type(get_active_backend()[0]).__name__ != "LokyBackend":
                yield  # whoever chose it has said the rest, too
                return
        options: dict[str, Any] = {}
        if self.backend == "ray":
            try:
                from ray.util import joblib as ray_joblib
            except ImportError as error:
                raise SymbpError("backend 'ray': pip install ray") from error
            ray_engine: Any = ray_joblib
            ray_engine.register_ray()
            chosen = "ray"
        elif self.backend == "dask":
            try:
                from distributed import get_client

                get_client()
            except ImportError as error:
                raise SymbpError("backend 'dask': pip install distributed") from error
            except ValueError as error:
                raise SymbpError(
                    "backend 'dask': no client; expected one before, client = Client(address)"
                ) from error
            chosen = "dask"
        else:
            chosen, options = "loky", {"inner_max_num_threads": 1}
        with joblib.parallel_config(chosen, **options):
            yield

    @contextlib.contextmanager
    def started(self) -> Iterator["Engine"]:
        """Have the engine ready, for several calls."""
        joblib = self._joblib
        with self._engine():
            # Batches are ours, so that joblib sends single ones.
            probe = joblib.Parallel(n_jobs=self.jobs, batch_size=1)
            engine = probe._backend
            as_they_come = bool(engine.supports_return_generator)
            count = max(1, engine.effective_n_jobs(self.jobs))
            form = "generator_unordered" if as_they_come else "list"

            def parallel() -> Any:
                return joblib.Parallel(
                    n_jobs=self.jobs, batch_size=1, pre_dispatch=count, return_as=form
                )

            yield Engine(joblib.delayed(perform), parallel, count, as_they_come)


class Engine:
    """Sends tasks and yields what comes back, in any order.

    Attributes
    ----------
    count : int
        How many workers there are.
    as_they_come : bool
        Whether results come one by one; else a few tasks for each worker go and come together.
    """

    def __init__(
        self, call: Callable[..., Any], parallel: Callable[[], Any], count: int, as_they_come: bool
    ) -> None:
        self.call, self.parallel = call, parallel
        self.count, self.as_they_come = count, as_they_come

    def results(
        self, tasks: Iterator[Task], layout: Any, arrays: Sequence[Any]
    ) -> Iterator[list[Outcome]]:
        """Yield the outcomes of each task; raise what ends a worker."""
        calls = (self.call(task, layout, *arrays) for task in tasks)
        if self.as_they_come:
            yield from self.parallel()(calls)
            return
        with self.parallel() as parallel:  # one pool for all
            while True:
                wave = [call for _, call in zip(range(2 * self.count), calls, strict=False)]
                if not wave:
                    return
                yield from parallel(wave)


def outcomes(
    workers: Workers,
    groups: Sequence[tuple[Callable[[], bytes], Sequence[Run]]],
    layout: Any,
    arrays: Sequence[Any],
) -> Iterator[list[Outcome]]:
    """Yield what comes of runs, as it comes.

    Parameters
    ----------
    workers : Workers
        Who trains.
    groups : sequence of (callable, sequence of Run)
        For each module what returns its text, compressed, and its runs.
    layout, arrays
        See :func:`symbp.sweeps.runs.perform`.
    """
    queue = _Queue(groups)
    with workers.started() as engine:
        # One run of each module first: it is compiled once, and the others find it in the cache.
        for tasks in (queue.first(), queue.rest(engine.count)):
            lost: list[Task] = []
            done = False
            while not done:
                try:
                    for found in engine.results(tasks, layout, arrays):
                        queue.came(found)
                        yield found
                        yield from queue.broken()
                    done = True
                except Exception as error:
                    if not _is_death(error):
                        raise
                    lost += queue.lost()
            yield from queue.broken()
            for task in lost:
                for run in task.runs:
                    yield _once_more(engine, task._replace(runs=(run,)), layout, arrays)


def _once_more(engine: Engine, task: Task, layout: Any, arrays: Sequence[Any]) -> list[Outcome]:
    try:
        (found,) = engine.results(iter([task]), layout, arrays)
        return found
    except Exception as error:
        if not _is_death(error):
            raise
        return [failed(run, WORKER_ENDED) for run in task.runs]


class _Queue:
    """Runs that wait, tasks that are on their way, and how long a run takes."""

    def __init__(self, groups: Sequence[tuple[Callable[[], bytes], Sequence[Run]]]) -> None:
        self._groups = [(module, collections.deque(runs)) for module, runs in groups]
        self._flying: dict[int, Task] = {}
        self._group_of: dict[int, int] = {
            run.number: place for place, (_, runs) in enumerate(groups) for run in runs
        }
        self._seconds: dict[int, float] = {}
        self._broken: collections.deque[list[Outcome]] = collections.deque()

    def first(self) -> Iterator[Task]:
        """Yield a run of each module."""
        for place in range(len(self._groups)):
            yield from self._taken(place, 1)

    def rest(self, workers: int) -> Iterator[Task]:
        """Yield the others, in tasks of about the same time, which get shorter at the end."""
        for place, (_, runs) in enumerate(self._groups):
            while runs:
                seconds = self._seconds.get(place)
                count = 1
                if seconds is not None:
                    left = sum(len(others) for _, others in self._groups[place:])
                    count = int(min(_TASK / max(seconds, 1e-4), left / (2 * workers)))
                yield from self._taken(place, max(1, count))

    def _taken(self, place: int, count: int) -> Iterator[Task]:
        module, runs = self._groups[place]
        taken = tuple(runs.popleft() for _ in range(min(count, len(runs))))
        if not taken:
            return
        try:
            text = module()
        except Exception as error:  # of this program, and none of the others'
            self._broken.append([failed(run, message_of(error)) for run in (*taken, *runs)])
            runs.clear()
            return
        self._flying[taken[0].number] = task = Task(text, taken)
        yield task

    def broken(self) -> Iterator[list[Outcome]]:
        """Yield the outcomes of runs that have no module."""
        while self._broken:
            yield self._broken.popleft()

    def came(self, found: Sequence[Outcome]) -> None:
        """Take note of what a task returned."""
        task = self._flying.pop(found[0].number)
        assert len(task.runs) == len(found)
        place = self._group_of[found[0].number]
        # The first ones compile or load; the least is what a run takes.
        mean = sum(outcome.seconds for outcome in found) / len(found)
        self._seconds[place] = min(mean, self._seconds.get(place, mean))

    def lost(self) -> list[Task]:
        """Return the tasks that were on their way, which will not come back."""
        lost = list(self._flying.values())
        self._flying.clear()
        return lost


def _is_death(error: BaseException) -> bool:
    # Told when it has happened: most who import symbp start no processes.
    from concurrent.futures.process import BrokenProcessPool

    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, BrokenProcessPool) or not names.isdisjoint(_DEATHS)
