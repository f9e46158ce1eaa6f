"""showing: what a notebook and a prompt show of a trainer."""

import html
import math
from collections.abc import Sequence
from typing import Any

from symbp.training.progress import described

__all__ = ["page_of", "text_of"]

_WIDTH, _HEIGHT = 240, 60
# As in the drawings of `curves`.
_COLOURS = {"cost": "#0072b2", "validation_cost": "#d55e00"}


def text_of(trainer: Any) -> str:
    """Return a trainer in a few lines: what it trains, its parameters, where it stands.

    Parameters
    ----------
    trainer : Trainer
        Of a generated module.
    """
    return "\n".join(
        [_title(trainer), f"  parameters: {_parameters(trainer)}", f"  {_standing(trainer)}"]
    )


def page_of(trainer: Any) -> str:
    """Return the same as HTML, with a sketch of how the cost fell.

    Parameters
    ----------
    trainer : Trainer
        Of a generated module.
    """
    rows = (_title(trainer), f"parameters: {_parameters(trainer)}", _standing(trainer))
    text = "".join(f"<div>{html.escape(row)}</div>" for row in rows)
    return f'<div style="font-family: monospace">{text}</div>{_sketch(trainer.history)}'


def _title(trainer: Any) -> str:
    about = (trainer.module.__doc__ or "").strip().split("\n\n")[0]
    return f"Trainer of {' '.join(about.split()).removesuffix('.')}"


def _parameters(trainer: Any) -> str:
    named = trainer.parameters._asdict().items()
    shown = [f"{name} {'×'.join(map(str, array.shape)) or '1'}" for name, array in named]
    more = f", … {len(shown) - 12} more" if len(shown) > 12 else ""
    return ", ".join(shown[:12]) + more + f" ({trainer.network.dtype})"


def _standing(trainer: Any) -> str:
    settings = ", ".join(f"{name} {value:g}" for name, value in trainer.hyperparameters.items())
    if not trainer.history:
        return f"not trained yet; {settings}"
    epochs = f"{trainer.epochs} epoch{'s' * (trainer.epochs != 1)}"
    return f"{epochs}: {described(trainer.history[-1])}; {settings}"


def _sketch(history: Sequence[dict[str, Any]]) -> str:
    """Return lines of the costs, by a logarithm where all are positive; nothing for one epoch."""
    curves = {
        name: [(i, r[name]) for i, r in enumerate(history) if math.isfinite(r.get(name, math.nan))]
        for name in _COLOURS
    }
    costs = [cost for points in curves.values() for _, cost in points]
    if len(curves["cost"]) < 2:
        return ""
    scale = math.log if min(costs) > 0 else float
    low, high = scale(min(costs)), scale(max(costs))
    lines = []
    for name, points in curves.items():
        # As many points as can be told apart.
        chosen = points[:: max(1, len(points) // _WIDTH)]
        places = " ".join(
            f"{i / (len(history) - 1) * _WIDTH:.1f},"
            f"{_HEIGHT * (1 - (scale(cost) - low) / ((high - low) or 1)):.1f}"
            for i, cost in chosen
        )
        if places:
            lines.append(f'<polyline points="{places}" fill="none" stroke="{_COLOURS[name]}"/>')
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT + 4}" viewBox="0 -2 {_WIDTH} {_HEIGHT + 4}" '
        f'role="img" aria-label="cost of each epoch">{"".join(lines)}</svg>'
    )
