"""Checks of what a user passes to a front end: option names, sizes and numbers."""

import functools
import inspect
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from symbp.notation.arguments import SIZES
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.operation import DerivativeForm

__all__ = [
    "checked_count",
    "checked_form",
    "checked_number",
    "checked_options",
    "checked_size",
    "checks_options",
    "shorthand_sizes",
]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


# What other libraries and papers call an option, where the letters do not show which is meant.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "lr": ("learning_rate", "optimizer"),
    "eta": ("learning_rate",),
    "eta0": ("learning_rate",),
    "step_size": ("learning_rate",),
    "stepsize": ("learning_rate",),
    "alpha": ("learning_rate", "decay"),
    "learning_rate": ("optimizer",),
    "learning_rate_init": ("learning_rate",),
    "rate": ("learning_rate",),
    "mu": ("momentum",),
    "rho": ("decay", "momentum"),
    "gamma": ("momentum", "decay"),
    "betas": ("beta1", "beta2"),
    "b1": ("beta1",),
    "b2": ("beta2",),
    "beta_1": ("beta1",),
    "beta_2": ("beta2",),
    "beta": ("momentum", "beta1"),
    "eps": ("epsilon",),
    "wd": ("weight_decay",),
    "l2": ("weight_decay", "penalty"),
    "regularization": ("penalty",),
    "regularizer": ("penalty",),
    "weight_decay": ("penalty",),
    "cost": ("loss",),
    "criterion": ("loss",),
    "objective": ("loss",),
    "act": ("activation",),
    "nonlinearity": ("activation",),
    "hidden_activation": ("activation",),
    "output_activation": ("output",),
    "out_activation": ("output",),
    "final": ("output",),
    "n": ("units",),
    "size": ("units",),
    "neurons": ("units",),
    "out_features": ("units",),
    "features": ("units",),
    "output_dim": ("units",),
    "hidden": ("units",),
    "width": ("units",),
    "use_bias": ("bias",),
    "with_bias": ("bias",),
    "init": ("initial",),
    "initializer": ("initial",),
    "kernel_initializer": ("initial",),
    "in_features": ("input",),
    "input_dim": ("input",),
    "inputs": ("input",),
    "input_shape": ("input",),
    "opt": ("optimizer",),
    "optim": ("optimizer",),
    "solver": ("optimizer",),
    "precision": ("dtype",),
    "rng": ("seed",),
    "random_state": ("seed",),
    "key": ("seed",),
    "batch": ("batch_size",),
}


def checked_options(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that an unknown keyword is an error that lists the nearest names."""
    label = function.__qualname__.removesuffix(".__init__")
    signature = inspect.signature(function)
    known = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.name != "self"
    ]

    @functools.wraps(function)
    def wrapped(*args: P.args, **options: P.kwargs) -> R:
        for option in options:
            if option not in known:
                raise SymbpError(f"{label}: no option {option!r}; {_nearest(option, known)}")
        try:
            signature.bind(*args, **options)
        except TypeError as error:
            raise SymbpError(f"{label}: {error}; it takes {', '.join(known)}") from None
        return function(*args, **options)

    return wrapped


def _nearest(option: str, known: list[str]) -> str:
    """Return which option is meant: one of that meaning, else those of nearly that name."""
    meant = [name for name in _SYNONYMS.get(option.lower(), ()) if name in known]
    if not meant:
        return suggest(option, known)
    return f"did you mean {' or '.join(map(repr, meant))}? known: {', '.join(sorted(known))}"


def checks_options(cls: C) -> C:
    """Make a class refuse unknown keywords with an error that lists the nearest names."""
    cls.__init__ = checked_options(cls.__init__)  # type: ignore[misc]
    return cls


def checked_form(derivatives: str) -> DerivativeForm:
    """Return which form of a function's derivative is computed; raise unless it is one of two."""
    if derivatives == "fast":
        return "fast"
    if derivatives == "accurate":
        return "accurate"
    raise SymbpError(f"derivatives: expected 'fast' or 'accurate', got {derivatives!r}")


def checked_size(name: str, value: Any) -> int:
    """Return a number of units as an int; raise :class:`SymbpError` unless it is one and > 0."""
    return checked_count(name, value, 1, "a positive int")


def checked_count(name: str, value: Any, least: int = 0, expected: str = "an int >= 0") -> int:
    """Return an int; raise :class:`SymbpError` unless it is one and large enough."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise SymbpError(f"{name}: expected {expected}, got {value!r}")
    return number


def checked_flag(name: str, value: Any) -> bool:
    """Return True or False; raise :class:`SymbpError` unless it is one of them."""
    if not isinstance(value, bool):
        raise SymbpError(f"{name}: expected True or False, got {value!r}")
    return value


def checked_number(
    name: str, value: Any, *, least: float = -math.inf, below: float = math.inf, open: bool = False
) -> float:
    """Return a finite number in ``[least, below)``, or ``(least, below)`` when it is open."""
    wanted = "a finite number"
    if math.isfinite(least):
        wanted = f"a number {'>' if open else '>='} {least:g}"
        wanted += f" and < {below:g}" if math.isfinite(below) else ""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    # Written so that nan fails.
    fits = (number > least if open else number >= least) and number < below
    if isinstance(value, (bool, str)) or not fits or not math.isfinite(number):
        raise SymbpError(f"{name}: expected {wanted}, got {value!r}")
    return number


def checked_eps(name: str, value: Any) -> float:
    """Return what is added to a variance; a size in its place, as other libraries take, is none."""
    try:
        return checked_number(name, value, least=0, below=1)
    except SymbpError as error:
        if isinstance(value, int) and value > 1:
            message = f"{error}; the number of features is that of the source, and is not given"
            raise SymbpError(message) from None
        raise


def warn_of_a_size_too_many(layer: str, size: str, read: str, meant: str) -> None:
    """Warn of options that are allowed, but look like PyTorch's, whose first is the source's size.

    Parameters
    ----------
    layer : str
        Its name.
    size : str
        What the first option would be in PyTorch.
    read, meant : str
        What the options are here, and what to write in place of them.
    """
    warnings.warn(
        f"{layer}: the {size} is that of the source, and is not given; if {layer}({meant}) is "
        f"meant, write that, since these options are {read}",
        UserWarning,
        stacklevel=2,
    )


def shorthand_sizes(text: str) -> tuple[int, ...] | None:
    """Return the layer sizes of a shorthand such as ``64-30-10``; None for anything else.

    Parameters
    ----------
    text : str
        A network argument.

    Returns
    -------
    tuple of int or None
        The number of inputs, then the units of each layer.
    """
    if not SIZES.fullmatch(text):
        return None
    return tuple(int(size) for size in text.split("-"))
