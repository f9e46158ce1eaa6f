"""Let a generated module be collected when nothing refers to it any more.

Numba keeps each intrinsic that was ever defined, and with it the globals of the function that
defines it: the whole module, for ever. Here Numba gets a function that only finds the definition
while its module lives.
"""

import inspect
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ["let_go"]

# Machine code holds the addresses of these, and knows nothing of who else holds them.
_kept: list[Any] = []


def let_go(module: ModuleType) -> None:
    """Replace what Numba keeps of a module by references that do not keep it alive.

    Parameters
    ----------
    module : module
        A generated module, none of whose functions was compiled yet.
    """
    try:
        from numba.core.typing.templates import builtin_registry
        from numba.extending import _Intrinsic
        from numba.extending import intrinsic as make
    except ImportError:  # another Numba; the module is then kept for ever
        return
    _kept.extend(getattr(module, "THREAD_FUNCTIONS", {}).values())
    intrinsics = {id(value): value for value in vars(module).values() if type(value) is _Intrinsic}
    definitions = []
    for template in reversed(builtin_registry.functions):
        if not intrinsics:
            break
        intrinsic = intrinsics.pop(id(getattr(template, "key", None)), None)
        if intrinsic is None:
            continue
        definition = intrinsic._defn
        definitions.append(definition)
        found = _weak(definition)
        template._definition_func = staticmethod(found)
        intrinsic._defn = intrinsic.__wrapped__ = found
    # The module alone keeps them; and as long as one of its functions lives, so does the module.
    vars(module)["_DEFINITIONS"] = definitions

    def make_weakly(definition: Callable[..., Any]) -> Any:
        definitions.append(definition)
        return make(_weak(definition))

    vars(module)["make_intrinsic"] = make_weakly
    vars(module)["_MODULE"] = module


def _weak(definition: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls an intrinsic's definition, and does not keep it alive."""
    reference = weakref.ref(definition)

    def typed(*arguments: Any, **named: Any) -> Any:
        given = reference()
        if given is None:
            raise ReferenceError("the module of this intrinsic is gone")
        result = given(*arguments, **named)
        if result is None:
            return None

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            again = reference()
            if again is None:
                raise ReferenceError("the module of this intrinsic is gone")
            return again(*arguments, **named)[1](context, builder, signature, values)

        return result[0], generate

    typed.__name__ = definition.__name__
    typed.__doc__ = definition.__doc__
    typed.__signature__ = inspect.signature(definition)  # type: ignore[attr-defined]
    return typed
