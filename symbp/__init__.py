"""symbp: derive, print and compile the gradients of networks written as equations.

>>> import symbp as bp
>>> net = bp.mlp(2, 4, 1, activation="sigmoid", loss="quadratic")
>>> print(bp.derive(net).bp2)
BP2: δˡ = ((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbp.api import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # SymPy and Numba take a second to import; `symbp --help` needs neither.
    if name.startswith("_"):
        raise AttributeError(f"module 'symbp' has no attribute {name!r}")
    api = import_module("symbp.api")
    renamed = import_module("symbp.notation.deprecated").RENAMED.get(name)
    if renamed is not None:
        renamed.warn(name, before="bp.")
        return getattr(api, renamed.new)
    if name not in api.__all__:
        told = import_module("symbp.networks.recipes").recipe(name)
        message = f"module 'symbp' has no attribute {name!r}" + (f": {told}" if told else "")
        # With both, Python adds the nearest name.
        raise AttributeError(message, name=name, obj=None if told else api)
    return getattr(api, name)


def __dir__() -> list[str]:
    return [*import_module("symbp.api").__all__, "__version__"]
