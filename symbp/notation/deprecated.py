"""deprecated: names that changed still work for a version, with a line that says what to write.

The policy stands in ``docs/deprecation.md``: a name that is public is not taken away before one
minor version has warned of it.
"""

import functools
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["RENAMED", "Renamed", "renamed_arguments"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Renamed:
    """What a public name is called now.

    Attributes
    ----------
    new : str
        The name to write.
    since : str
        The version that changed it, and warns.
    gone : str
        The version in which the old name is no longer known.
    """

    new: str
    since: str
    gone: str

    def warn(self, old: str, before: str = "", behind: str = "") -> None:
        """Tell who called the caller, once for each place in the code.

        Parameters
        ----------
        old : str
            What was written.
        before, behind : str
            What stands around both names in the message.
        """
        names = [f"{before}{old}{behind}", f"{self.new}{behind}"]
        names[1] = f"{before}{names[1]}" if before.endswith(".") else names[1]
        message = f"{names[0]} is called {names[1]} since {self.since}, and goes in {self.gone}"
        # FutureWarning is shown by default also where a library of the user's calls symbp.
        warnings.warn(message, FutureWarning, stacklevel=3)


#: Names of ``symbp`` that were renamed, by the old one.
RENAMED: dict[str, Renamed] = {}


def renamed_arguments(**changed: Renamed) -> Callable[[F], F]:
    """Return a decorator for a function some of whose arguments were renamed.

    Parameters
    ----------
    **changed : Renamed
        By the old name of the argument.

    Examples
    --------
    >>> import warnings
    >>> @renamed_arguments(rate=Renamed("learning_rate", "0.2", "0.3"))
    ... def step(learning_rate: float) -> float:
    ...     return learning_rate
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     step(rate=0.1)
    0.1
    >>> print(told[0].message)
    step: rate= is called learning_rate= since 0.2, and goes in 0.3
    """

    def decorated(function: F) -> F:
        known = inspect.signature(function).parameters
        missing = [change.new for change in changed.values() if change.new not in known]
        if missing:
            raise ValueError(f"{function.__name__} has no argument {missing[0]!r}")

        @functools.wraps(function)
        def called(*arguments: Any, **options: Any) -> Any:
            for old, change in changed.items():
                if old in options:
                    change.warn(old, before=f"{function.__name__}: ", behind="=")
                    if change.new in options:
                        raise TypeError(
                            f"{function.__name__}: both {change.new}= and {old}=, its old name"
                        )
                    options[change.new] = options.pop(old)
            return function(*arguments, **options)

        return called  # type: ignore[return-value]

    return decorated
