"""Settings: what a grid, or draws from distributions, say of each training; and as text.

The order of a grid, and what is drawn for a seed, are those of scikit-learn's ``ParameterGrid``
and ``ParameterSampler``.
"""

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from symbp.notation.errors import SymbpError

__all__ = ["Settings", "as_text", "settings_of"]

Settings = dict[str, Any]


def settings_of(grid: Any, draws: int | None = None, seed: int = 0) -> list[Settings]:
    """Return the settings of a sweep, each once, in a fixed order.

    Parameters
    ----------
    grid : mapping, or sequence of mappings
        Values for each name; a number, a text or None is the only value. With `draws` also what
        has a method ``rvs(random_state=)``, as the distributions of ``scipy.stats`` do.
    draws : int, optional
        How many settings are drawn; by default all combinations are taken.
    seed : int
        Of the draws.

    Returns
    -------
    list of dict
        Names in alphabetical order; the values of the last one change fastest.

    Raises
    ------
    SymbpError
        The grid is none, a name has no value, or there are distributions without `draws`.

    Examples
    --------
    >>> settings_of({"units": [8, 16], "activation": "tanh"})
    [{'activation': 'tanh', 'units': 8}, {'activation': 'tanh', 'units': 16}]
    """
    grids = [_checked(each) for each in ([grid] if isinstance(grid, Mapping) else _sequence(grid))]
    if draws is None:
        for each in grids:
            for name, values in each.items():
                if hasattr(values, "rvs"):
                    raise SymbpError(f"grid {name}: a distribution; say draws=, how many to draw")
        found = [settings for each in grids for settings in _combinations(each)]
    else:
        found = _drawn(grids, draws, seed)
    return list({as_text(settings): settings for settings in found}.values())


def _sequence(grid: Any) -> Sequence[Any]:
    if isinstance(grid, str) or not isinstance(grid, Sequence) or not grid:
        raise SymbpError(f"grid: expected a dict of lists, or a list of dicts, got {grid!r}")
    return grid


def _checked(grid: Any) -> dict[str, Any]:
    if not isinstance(grid, Mapping):
        raise SymbpError(f"grid: expected a dict of lists, got {grid!r}")
    checked: dict[str, Any] = {}
    for name, values in sorted(grid.items()):
        if not isinstance(name, str):
            raise SymbpError(f"grid: expected names as keys, got {name!r}")
        if not hasattr(values, "rvs"):
            alone = values is None or isinstance(values, str | int | float) or np.ndim(values) == 0
            values = [values] if alone else list(values)
            if not values:
                raise SymbpError(f"grid {name}: no values, expected a list of them")
        checked[name] = values
    return checked


def _combinations(grid: Mapping[str, Any]) -> Iterable[Settings]:
    for values in itertools.product(*grid.values()):
        yield {name: _plain(value) for name, value in zip(grid, values, strict=True)}


def _drawn(grids: Sequence[Mapping[str, Any]], draws: int, seed: int) -> list[Settings]:
    generator = np.random.RandomState(seed)
    if not any(hasattr(values, "rvs") for grid in grids for values in grid.values()):
        # Lists alone: without replacement, as far as there are combinations.
        found = [settings for grid in grids for settings in _combinations(grid)]
        return [found[place] for place in generator.permutation(len(found))[:draws]]
    drawn = []
    for _ in range(draws):
        grid = grids[generator.choice(len(grids))]
        settings = {}
        for name, values in grid.items():
            if hasattr(values, "rvs"):
                value = values.rvs(random_state=generator)
            else:
                value = values[generator.randint(len(values))]
            settings[name] = _plain(value)
        drawn.append(settings)
    return drawn


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one of Python, a tuple of them too."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return value


def as_text(settings: Mapping[str, Any]) -> str:
    """Return settings as JSON, the same for the same ones; other objects stand there by ``repr``.

    Parameters
    ----------
    settings : mapping of str to object
        Numbers, texts, booleans, None, lists of them, and objects whose ``repr`` says what they
        are, such as ``bp.Adam(0.01)``.

    Raises
    ------
    SymbpError
        An object's ``repr`` says where it lies, not what it is.
    """

    def other(value: Any) -> Any:
        if isinstance(value, np.generic | np.ndarray):
            return value.tolist()
        text = repr(value)
        if " at 0x" in text:
            raise SymbpError(
                f"grid {name}: {text} cannot be told from others; expected numbers, texts or "
                f"objects with a repr, such as bp.Adam(0.01)"
            )
        return text

    parts = []
    for name in sorted(settings):
        value = settings[name]
        if isinstance(value, float) and not math.isfinite(value):
            raise SymbpError(f"grid {name}: expected a finite number, got {value}")
        parts.append(f"{json.dumps(name)}: {json.dumps(value, sort_keys=True, default=other)}")
    return "{" + ", ".join(parts) + "}"
