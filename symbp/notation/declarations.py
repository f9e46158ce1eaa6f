"""What declares a tensor of each role: ``x = bp.input("x", n, k)``.

States, noise and constants have files of their own.
"""

import functools
from collections.abc import Callable
from inspect import Parameter, signature
from typing import ParamSpec

from symbp.notation.errors import NotationError, suggest
from symbp.notation.index import Index
from symbp.notation.tensor import Initial, Kind, Tensor

__all__ = ["checks_keywords", "input", "parameter", "target", "tensor"]

P = ParamSpec("P")


def checks_keywords(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Wrap a function that declares a tensor: an unknown keyword is told beside the nearest ones.

    Parameters
    ----------
    function : callable
        Its first argument is the tensor's name.
    """
    parameters = signature(function).parameters.values()
    known = [given.name for given in parameters if given.kind is Parameter.KEYWORD_ONLY]

    @functools.wraps(function)
    def wrapped(*given: P.args, **options: P.kwargs) -> Tensor:
        what = " ".join(str(part) for part in (function.__name__, *given[:1]))
        for option in options:
            if option not in known and (given or option != "name"):
                raise NotationError(f"{what}: no option {option!r}; {suggest(option, known)}")
        if options.get("kind") == "weight" and (function.__name__ != "target" or len(given) != 2):
            raise NotationError(f"{what}: kind 'weight' is for targets with one index")
        return function(*given, **options)

    return wrapped


@checks_keywords
def tensor(
    name: str,
    *indices: Index,
    symbol: str | None = None,
    label: int | str | None = None,
    kind: Kind = "real",
    adjoint_symbol: str | None = None,
) -> Tensor:
    r"""Declare an intermediate tensor, defined by an equation of the program.

    Parameters
    ----------
    name : str
        The name: a Python identifier, unique in a program.
    *indices : Index
        Give the shape: one extent an axis. None for a scalar.
    symbol : str, optional
        How it prints (LaTeX), when that is not its name.
    label : int or str, optional
        The layer it belongs to, printed as a superscript.
    kind : {"real", "integer", "classes", "distribution"}
        See :class:`Tensor`.
    adjoint_symbol : str, optional
        How the derivative of the cost by it prints, such as ``\\delta``; else ``∂C/∂T``.

    Returns
    -------
    Tensor
        ``T[j, k]`` is an element of it, for equations.

    Raises
    ------
    NotationError
        The name is no identifier, an index is none, or an option is unknown or not of its kind.

    Examples
    --------
    >>> import symbp as bp
    >>> n, j = bp.Index("n", "N"), bp.Index("j", 3)
    >>> z = bp.tensor("z", n, j, symbol=r"\\zeta", label=2)
    >>> z[n, j], z.shape
    (z[n, j], (N, 3))
    """
    return Tensor(
        name, indices, symbol=symbol, label=label, kind=kind, adjoint_symbol=adjoint_symbol
    )


@checks_keywords
def parameter(
    name: str,
    *indices: Index,
    initial: Initial | None = None,
    trainable: bool = True,
    symbol: str | None = None,
    label: int | str | None = None,
    kind: Kind = "real",
    adjoint_symbol: str | None = None,
) -> Tensor:
    """Declare a parameter, which training changes.

    Parameters
    ----------
    name : str
        The name: a Python identifier, unique in a program, and no word of Python's.
    *indices : Index
        Give the shape: one extent an axis. None for a scalar.
    initial : tuple, optional
        How it starts: ``("normal", standard deviation)``, ``("uniform", bound)`` or
        ``("constant", value)``. By default uniform in ±sqrt(1/number of columns), or zero for a
        vector or scalar.
    trainable : bool, default True
        Whether training changes it; see :meth:`symbp.Program.freeze` too.
    symbol, label, kind, adjoint_symbol
        As for :func:`tensor`.

    Returns
    -------
    Tensor

    Raises
    ------
    NotationError
        As for :func:`tensor`.

    Examples
    --------
    >>> import symbp as bp
    >>> j, k = bp.indices("j k", 3, 2)
    >>> bp.parameter("W", j, k, initial=("normal", 0.1)).shape
    (3, 2)
    """
    return Tensor(
        name, indices, "parameter", initial=initial, trainable=trainable, symbol=symbol,
        label=label, kind=kind, adjoint_symbol=adjoint_symbol,
    )  # fmt: skip


@checks_keywords
def input(
    name: str,
    *indices: Index,
    symbol: str | None = None,
    label: int | str | None = None,
    kind: Kind = "real",
    adjoint_symbol: str | None = None,
) -> Tensor:
    """Declare an input; its first index is usually the example's, of extent ``"N"``.

    Parameters
    ----------
    name : str
        The name: a Python identifier, unique in a program.
    *indices : Index
        Give the shape: one extent an axis. None for a scalar.
    symbol, label, adjoint_symbol
        As for :func:`tensor`.
    kind : {"real", "integer", "classes", "distribution"}
        Elements of an ``"integer"`` input may stand in a subscript.

    Returns
    -------
    Tensor

    Raises
    ------
    NotationError
        As for :func:`tensor`.

    Examples
    --------
    >>> import symbp as bp
    >>> n = bp.Index("n", "N")
    >>> word, E = bp.input("word", n, kind="integer"), bp.parameter("E", *bp.indices("v d", 9, 4))
    >>> E[word[n], 0]
    E[word[n], 0]
    """
    return Tensor(
        name, indices, "input", symbol=symbol, label=label, kind=kind, adjoint_symbol=adjoint_symbol
    )


@checks_keywords
def target(
    name: str,
    *indices: Index,
    symbol: str | None = None,
    label: int | str | None = None,
    kind: Kind = "real",
    adjoint_symbol: str | None = None,
) -> Tensor:
    """Declare a target: what the outputs are compared with in the cost.

    Parameters
    ----------
    name : str
        The name: a Python identifier, unique in a program.
    *indices : Index
        Give the shape: one extent an axis. None for a scalar.
    symbol, label, adjoint_symbol
        As for :func:`tensor`.
    kind : {"real", "integer", "classes", "distribution"}
        ``"classes"`` also accepts integer labels (encoded one-hot along the last axis), and rows
        of a ``"distribution"`` sum to one.

    Returns
    -------
    Tensor

    Raises
    ------
    NotationError
        As for :func:`tensor`.

    Examples
    --------
    >>> import symbp as bp
    >>> bp.target("y", bp.Index("n", "N"), bp.Index("j", 10), kind="classes").shape
    (N, 10)
    """
    return Tensor(
        name, indices, "target", symbol=symbol, label=label, kind=kind,
        adjoint_symbol=adjoint_symbol,
    )  # fmt: skip
