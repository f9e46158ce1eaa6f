"""Loop programs as they are committed in tests/golden: what is built, multiplied and scheduled.

Whoever changes a pass reads in the difference what became of these programs.
"""

from collections.abc import Callable, Iterator
from typing import Any

import symbp as bp
from symbp.entries.entry import Entry
from symbp.entries.epoch import epoch
from symbp.entries.model import Model
from symbp.loops.products import products
from symbp.loops.text import text
from symbp.schedules.limits import Limits
from symbp.schedules.lower import lower
from tests.loops.running import ENTRIES, built, example, model_of

Make = Callable[[Model], Entry]
#: A tiny network that is written out, a dense one for a team, and what has loops of its own.
SCHEDULED: dict[str, tuple[Callable[[], Model], Make, Limits]] = {
    "an epoch written out": (lambda: model_of(bp.mlp(2, 2, 1)), epoch, Limits()),
    "an epoch of a team": (lambda: model_of(bp.mlp(64, 30, 10)), epoch, Limits()),
    "an epoch without a team": (
        lambda: model_of(bp.mlp(64, 30, 10)), epoch, Limits(team=False, strip=None),
    ),
    "a gradient": (lambda: model_of(bp.mlp(64, 30, 10)), ENTRIES["gradient"], Limits()),
    "an epoch of an embedding": (lambda: example("embedding")[0], epoch, Limits()),
    "a prediction of an LSTM": (lambda: example("lstm")[0], ENTRIES["predict"], Limits()),
    "a prediction for few rows": (
        lambda: model_of(bp.mlp(64, 300, 10)), ENTRIES["predict"], Limits(),
    ),
}  # fmt: skip
BUILT = ["convolution", "attention", "embedding", "bilinear", "recurrence 2", "equations 4"]


def test_what_is_built_is_as_committed(golden: Any) -> None:
    def listings() -> Iterator[str]:
        for name in BUILT:
            yield f"{name}\n\n{text(built(name, 'gradient'))}\n"
            yield f"{name}, multiplied\n\n{text(products(built(name, 'gradient')))}\n"

    golden("loops-built.txt", "\n".join(listings()))


def test_what_is_scheduled_is_as_committed(golden: Any) -> None:
    def listings() -> Iterator[str]:
        for name, (model, entry, limits) in SCHEDULED.items():
            lowered = lower(entry(model()), limits)
            yield f"{name}\n\n{text(lowered.function)}\n"
            arrows = ", ".join(arrow.name for arrow in lowered.arrows)
            decided = "; ".join(f"{d.what}: {d.choice}" for d in lowered.decisions)
            yield f"passes: {arrows}\ndecisions: {decided}\n"

    golden("loops-scheduled.txt", "\n".join(listings()))
