"""curves: a drawing of how the cost fell, by matplotlib, which is an extra."""

import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from symbp.notation.errors import SymbpError

__all__ = ["drawn", "learning_curve", "require_drawable"]

_LABELS = {"cost": "training", "validation_cost": "held out"}
# Okabe and Ito's colours, told apart by the colour-blind too.
_COLOURS = {"cost": "#0072b2", "validation_cost": "#d55e00"}


def _matplotlib(part: str = "figure") -> Any:
    try:
        return importlib.import_module(f"matplotlib.{part}")
    except ImportError as error:
        raise SymbpError("drawing needs matplotlib: pip install 'symbp[plot]'") from error


def require_drawable(path: str | os.PathLike[str]) -> None:
    """Raise an error if no drawing can be written to a path.

    Parameters
    ----------
    path : path
        Such as ``curve.svg``.
    """
    known = _matplotlib().Figure().canvas.get_supported_filetypes()
    ending = os.path.splitext(path)[1].removeprefix(".").lower()
    if ending not in known:
        raise SymbpError(f"{os.fspath(path)}: expected the ending of a picture: {', '.join(known)}")


def learning_curve(history: Sequence[Mapping[str, Any]]) -> Any:
    """Draw the cost of each epoch, and that of the examples held out.

    Parameters
    ----------
    history : sequence of dict
        That of a trainer: records with ``epoch``, ``cost`` and, with validation,
        ``validation_cost``.

    Returns
    -------
    matplotlib.figure.Figure
        ``.savefig("curve.svg")`` writes it.

    Raises
    ------
    SymbpError
        If nothing was trained, or matplotlib is missing.
    """
    _require_epochs("learning_curve", history)
    figure = _matplotlib().Figure(figsize=(6, 4), layout="constrained")
    drawn(history, figure.subplots())
    return figure


def drawn(history: Sequence[Mapping[str, Any]], axes: Any = None) -> Any:
    """Draw the same onto axes, or onto new ones of pyplot, which a notebook shows.

    Parameters
    ----------
    history : sequence of dict
        As for :func:`learning_curve`.
    axes : matplotlib.axes.Axes, optional
        What is drawn onto.

    Returns
    -------
    matplotlib.axes.Axes
        ``.figure.savefig("curve.svg")`` writes it.
    """
    _require_epochs("plot", history)
    if axes is None:
        _, axes = _matplotlib("pyplot").subplots(figsize=(6, 4), layout="constrained")
    for name, label in _LABELS.items():
        points = [(record["epoch"], record[name]) for record in history if name in record]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, color=_COLOURS[name])
    costs = [record[name] for record in history for name in _LABELS if name in record]
    if min(costs) > 0:
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("cost")
    axes.legend()
    return axes


def _require_epochs(caller: str, history: Sequence[Mapping[str, Any]]) -> None:
    if not history:
        raise SymbpError(f"{caller}: expected the history of a training, which has no epoch")
