"""How a command fails: one line on stderr and an exit code, never a traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

__all__ = ["FAILED", "WRONG_REQUEST", "fail", "reports_errors"]

P = ParamSpec("P")
R = TypeVar("R")

FAILED = 1
WRONG_REQUEST = 2


def fail(message: str, code: int = WRONG_REQUEST) -> typer.Exit:
    """Print a message to stderr and return the exit to raise.

    Parameters
    ----------
    message : str
        One line, naming the thing as the user wrote it.
    code : int
        The exit code: ``FAILED`` or ``WRONG_REQUEST``.

    Returns
    -------
    typer.Exit
        For the caller to raise, so that readers see that control ends there.
    """
    typer.echo(f"symbp: {' '.join(message.split())}", err=True)
    return typer.Exit(code)


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors that a user can mend into one line on stderr and an exit code.

    Parameters
    ----------
    command : callable
        The function behind a command.

    Returns
    -------
    callable
        The same function; a ``SymbpError`` or ``ValueError`` (the request is wrong) exits
        with 2; an ``OSError`` (a file cannot be read or written) or a ``MemoryError`` with 1.
        Anything else is a defect of symbp and keeps its traceback.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ValueError as error:  # SymbpError is one; importing it here would load sympy
            raise fail(str(error)) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise fail(f"{where}{error.strerror or error}", FAILED) from error
        except MemoryError as error:
            raise fail(f"not enough memory: {error}", FAILED) from error

    return wrapper
