"""registry: the entry points that a module can be asked for, by name."""

from collections.abc import Callable

from symbp.entries.entry import Entry
from symbp.entries.gradient import gradient
from symbp.entries.hessian import hessian, input_hessian
from symbp.entries.hvp import hvp
from symbp.entries.input_gradient import input_gradient
from symbp.entries.jacobian import input_jacobian, jacobian
from symbp.entries.jvp import input_jvp, jvp
from symbp.entries.loss import loss
from symbp.entries.loss_and_gradient import loss_and_gradient
from symbp.entries.model import Model
from symbp.entries.per_example_gradients import per_example_gradients
from symbp.entries.predict import predict
from symbp.entries.vjp import input_vjp, vjp
from symbp.notation.errors import SymbpError, suggest

__all__ = ["ALWAYS", "ENTRIES", "checked_entries"]

#: Each function from a model to an entry point, by the name that a user asks for.
ENTRIES: dict[str, Callable[[Model], Entry]] = {
    function.__name__: function
    for function in (
        predict, loss, gradient, loss_and_gradient, jvp, vjp, hvp, jacobian, hessian,
        per_example_gradients, input_gradient, input_jvp, input_vjp, input_jacobian,
        input_hessian,
    )
}  # fmt: skip

#: What every module has, asked for or not: training needs it.
ALWAYS = ("predict", "loss", "gradient")


def checked_entries(names: object) -> tuple[str, ...]:
    """Return the names of entry points that a user asks for, besides those of every module.

    Parameters
    ----------
    names : sequence of str, or None
        In any order, each at most once.

    Raises
    ------
    SymbpError
        What is given is no sequence of names, or a name is unknown or there twice.

    Examples
    --------
    >>> checked_entries(["predict", "hvp"])
    ('hvp',)
    """
    if names is None:
        return ()
    if isinstance(names, str):
        raise SymbpError(f"entries={names!r}: expected names in a tuple, ({names!r},)")
    if not isinstance(names, (tuple, list, set, frozenset)):
        raise SymbpError(f"entries={names!r}: expected a tuple of names, such as ('hvp',)")
    given = sorted(names, key=str) if isinstance(names, (set, frozenset)) else list(names)
    for place, name in enumerate(given):
        if not isinstance(name, str):
            raise SymbpError(f"entries: expected names such as 'hvp', got {name!r}")
        if name not in ENTRIES:
            raise SymbpError(f"entries: no entry point {name!r}; {suggest(name, ENTRIES)}")
        if name in given[:place]:
            raise SymbpError(f"entries: {name!r} is there twice")
    return tuple(name for name in ENTRIES if name in given and name not in ALWAYS)
