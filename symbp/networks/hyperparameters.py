"""Hyperparameters by name: how each prints, and the range that it must lie in.

They are constants of the equations of a step, which a trainer can change between epochs.
"""

from typing import NamedTuple

import numpy as np
from sympy.core.expr import Expr

from symbp.networks.options import checked_number
from symbp.networks.updates import Updates
from symbp.notation.errors import SymbpError

__all__ = ["HYPERPARAMETERS", "Hyperparameter", "checked", "checked_values", "constant"]

_ANY = float("inf")


class Hyperparameter(NamedTuple):
    """How a hyperparameter prints, and the range it must lie in."""

    symbol: str
    least: float = -_ANY
    open: bool = False
    """Whether `least` is excluded."""
    below: float = _ANY


_POSITIVE = (0.0, True)
_NOT_NEGATIVE = (0.0, False)
_BELOW_ONE = (0.0, False, 1.0)

#: Those that symbp's own optimizers and schedules have.
HYPERPARAMETERS: dict[str, Hyperparameter] = {
    "learning_rate": Hyperparameter(r"\eta", *_POSITIVE),
    "momentum": Hyperparameter(r"\mu", *_BELOW_ONE),
    "decay": Hyperparameter(r"\rho", *_BELOW_ONE),
    "beta1": Hyperparameter(r"\beta_1", *_BELOW_ONE),
    "beta2": Hyperparameter(r"\beta_2", *_BELOW_ONE),
    "epsilon": Hyperparameter(r"\epsilon", *_POSITIVE),
    "weight_decay": Hyperparameter(r"\lambda_w", *_NOT_NEGATIVE),
    "learning_rate_decay": Hyperparameter(r"\lambda_\eta", *_NOT_NEGATIVE),
    "momentum_decay": Hyperparameter(r"\psi", *_NOT_NEGATIVE),
    "max_norm": Hyperparameter(r"c_{\max}", *_POSITIVE),
    "max_value": Hyperparameter(r"g_{\max}", *_POSITIVE),
    "batches": Hyperparameter(r"k", *_POSITIVE),
    "steps": Hyperparameter(r"T", *_POSITIVE),
    "warmup": Hyperparameter(r"T_w", *_POSITIVE),
    "final": Hyperparameter(r"\eta_T", *_NOT_NEGATIVE),
    "factor": Hyperparameter(r"\gamma", *_POSITIVE),
    "rising": Hyperparameter(r"p", 0.0, True, 1.0),
    "divisor": Hyperparameter(r"d_0", *_POSITIVE),
    "final_divisor": Hyperparameter(r"d_T", *_POSITIVE),
}


def constant(name: str, value: object, updates: Updates) -> Expr:
    """Return a hyperparameter with its known symbol; raise unless its value is a number."""
    if isinstance(value, tuple):
        raise SymbpError(
            f"hyperparameter {name}: {len(value)} values are for as many networks at once: pass "
            f"replicas={len(value)} to bp.compile"
        )
    known = HYPERPARAMETERS.get(name)
    number = checked_number(f"hyperparameter {name}", value)
    return updates.constant(name, number, name if known is None else known.symbol)


def checked(owner: object, name: str) -> float:
    """Return a field of an optimizer or schedule as a number; raise unless it is in its range."""
    return _checked(owner, name, getattr(owner, name))


def checked_values(owner: object, name: str) -> float | tuple[float, ...]:
    """Return a field as a number in its range, or as a tuple of them, one for each replica."""
    value = getattr(owner, name)
    if not isinstance(value, list | tuple | np.ndarray) or np.ndim(value) != 1 or not len(value):
        return checked(owner, name)
    return tuple(_checked(owner, name, each) for each in value)


def _checked(owner: object, name: str, value: object) -> float:
    known = HYPERPARAMETERS[name]
    return checked_number(
        f"{type(owner).__name__} {name}",
        value,
        least=known.least,
        below=known.below,
        open=known.open,
    )
