"""loaded: what trainers have besides where symbp loaded their module.

A generated module stands alone and is short; what is for a person at a prompt or in a notebook is
here, and joins the class when the module is loaded by :func:`symbp.compile` or `load_module`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self

from numpy.typing import ArrayLike

from symbp.notation.display import chosen
from symbp.training.curves import drawn
from symbp.training.progress import reporting
from symbp.training.showing import page_of, text_of
from symbp.training.snapshots import restore, snapshot

__all__ = ["LoadedTrainer"]

# It stands in front of the Trainer of a module, whose methods it calls.
_Base: Any = object


class LoadedTrainer(_Base):
    """Progress, pictures and snapshots of a trainer."""

    def fit(
        self,
        *arrays: ArrayLike,
        epochs: int = 1,
        sample_weight: ArrayLike | None = None,
        callback: Callable[[int, dict[str, Any]], object] | None = None,
        verbose: int | Callable[[int, dict[str, Any]], object] = 0,
        **options: Any,
    ) -> Self:
        """Train for some more epochs and return the trainer; see :meth:`symbp.Trainer.fit`."""
        options |= self._weights("fit", sample_weight)
        with reporting(verbose, epochs) as report:
            after = callback
            if report is not None:

                def after(epoch: int, record: dict[str, Any]) -> object:
                    report(epoch, record)
                    return None if callback is None else callback(epoch, record)

            trained: Self = super().fit(*arrays, epochs=epochs, callback=after, **options)
            return trained

    def minimise(
        self, *arrays: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any
    ) -> Self:
        """Minimise the cost of all examples together; see :meth:`symbp.Trainer.minimise`."""
        options |= self._weights("minimise", sample_weight)
        trained: Self = super().minimise(*arrays, **options)
        return trained

    def loss(
        self, *arrays: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any
    ) -> float:
        """Return the cost."""
        cost: float = super().loss(*arrays, **self._weights("loss", sample_weight), **options)
        return cost

    def gradient(
        self, *arrays: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any
    ) -> tuple[float, Any]:
        """Return the cost and its derivatives by the parameters."""
        options |= self._weights("gradient", sample_weight)
        found: tuple[float, Any] = super().gradient(*arrays, **options)
        return found

    def evaluate(self, name: str, *arrays: ArrayLike) -> Any:
        """Return one of the ``outputs=`` by its name; see :meth:`symbp.Trainer.evaluate`."""
        known: Any = getattr(super(), "evaluate", None)
        if known is None:
            raise TypeError(
                f"evaluate: this module computes no output {name!r}; "
                f"bp.compile(…, outputs=[{name!r}]) makes one that does"
            )
        return known(name, *arrays)

    def plot(self, axes: Any = None) -> Any:
        """Draw the cost of each epoch; see :meth:`symbp.Trainer.plot`."""
        return drawn(self.history, axes)

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of all that training goes on from."""
        return snapshot(self)

    def restore(self, snapshot: Mapping[str, Any]) -> Self:
        """Go on from a snapshot, and return the trainer."""
        restore(self, snapshot)
        return self

    def _weights(self, method: str, given: ArrayLike | None) -> dict[str, Any]:
        if given is None:
            return {}
        if all(argument[3] != "weight" for argument in self.network.arguments):
            raise TypeError(
                f"{method}: sample_weight is for programs that weigh examples, this one does not; "
                f"expected bp.Network(…, sample_weight=True), or a target of kind 'weight'"
            )
        return {"sample_weight": given}

    def __repr__(self) -> str:
        return text_of(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return chosen({"text/plain": text_of(self), "text/html": page_of(self)}, include, exclude)
