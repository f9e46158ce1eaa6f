"""from_matrices: a cost written with SymPy's matrix symbols becomes a program of equations.

SymPy differentiates matrix expressions wrongly (1.14 loses a transpose in ∂L/∂W1 of a two-layer
network), so its expressions are only read here; the derivatives come from the equations.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import sympy
from sympy import MatrixSymbol

from symbp.networks.matrix_entries import MatrixReader, with_equal_functions
from symbp.networks.options import checked_number, checked_options
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.index import Extent, Index, batch_extent
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Role, Tensor

__all__ = ["from_matrices"]

Symbols = Collection[MatrixSymbol | sympy.Symbol]


@checked_options
def from_matrices(
    cost: sympy.Basic,
    *,
    parameters: Symbols,
    inputs: Symbols = (),
    targets: Symbols = (),
    constants: Mapping[sympy.Symbol, float] | None = None,
    batch: sympy.Symbol | str | None = None,
    output: sympy.MatrixExpr | None = None,
) -> Program:
    """Return the program of a scalar cost written with SymPy matrix expressions.

    Understood are products, sums, transposes, traces, ``hadamard_product``, ``HadamardPower``,
    ``applyfunc`` (with a function of SymPy's or symbp's, or a Python function), small integer
    powers, ``OneMatrix``, ``ZeroMatrix``, ``Identity``, elements ``A[0, 0]``, and functions of
    scalars.

    Parameters
    ----------
    cost : SymPy expression
        A scalar, or a matrix expression of shape (1, 1).
    parameters, inputs, targets : list of MatrixSymbol or Symbol
        What the cost is written in. They keep their names and shapes: a column vector stays a
        tensor of shape (m, 1).
    constants : mapping of Symbol to float, optional
        Scalars and their values.
    batch : Symbol or str, optional
        The symbol of the batch size; the first axis of an input or target can have it. By
        default the one that the inputs and targets have.
    output : matrix expression, optional
        What ``predict`` returns. Without it there is nothing to predict: which of the matrices in
        a cost is the output cannot be told.

    Returns
    -------
    Program
        Each matrix product and ``applyfunc`` is a tensor ``M1``, ``M2``, … with an equation of
        its own; the cost is ``C``.

    Raises
    ------
    SymbpError
        The cost is no scalar, a symbol is not declared or not used, a shape does not fit.
    UnsupportedError
        It holds something else, such as an inverse or a determinant.

    Examples
    --------
    >>> import sympy
    >>> import symbp as bp
    >>> N = sympy.Symbol("N")
    >>> X, Y = sympy.MatrixSymbol("X", N, 3), sympy.MatrixSymbol("Y", N, 2)
    >>> W = sympy.MatrixSymbol("W", 2, 3)
    >>> E = (X * W.T).applyfunc(bp.sigmoid) - Y
    >>> cost = sympy.Trace(E.T * E) / (2 * N)
    >>> print(from_matrices(cost, parameters=[W], inputs=[X], targets=[Y]))
    M1[n, j] = Sum(X[n, k]*W[j, k], k)
    M2[n, j] = sigmoid(M1[n, j])
    M3[n, j] = -Y[n, j] + M2[n, j]
    C = 1/N*Sum(M3[n, i]**2, i, n)/2
    """
    roles: dict[Role, Symbols] = {"parameter": parameters, "input": inputs, "target": targets}
    declared = [
        (role, symbol) for role, symbols in roles.items() for symbol in _listed(role, symbols)
    ]
    size = _batch(batch, declared)
    tensors: dict[str, Tensor] = {}
    for role, symbol in declared:
        _declare(tensors, symbol, _shape(role, symbol, size), role)
    for symbol, value in _constants(constants).items():
        number = checked_number(f"constant {symbol}", value)
        _declare(tensors, symbol, (), "constant", value=number)
    reader = MatrixReader(tensors, size)
    if not isinstance(cost, sympy.Basic):
        raise SymbpError(f"cost {cost!r}: expected a SymPy expression")
    if output is not None and not isinstance(output, sympy.MatrixExpr):
        raise SymbpError(f"output {output!r}: expected a SymPy matrix expression")
    # One traversal of both, so that what they share is computed once.
    cost, *outputs = with_equal_functions(sympy.Tuple(cost, *([] if output is None else [output])))
    result = reader.tensor(outputs[0]) if outputs else None
    C = Tensor(fresh_name("C", {tensor.name for tensor in tensors.values()}))
    equation = Equation(C, reader.scalar(cost))
    program = Program([*reader.equations, equation], cost=C, output=result)
    _refuse_unused(program, tensors)
    return program if result is not None else program.replace(output=None)


def _constants(given: Any) -> Mapping[sympy.Symbol, float]:
    given = {} if given is None else given
    if not isinstance(given, Mapping) or not all(isinstance(s, sympy.Symbol) for s in given):
        raise SymbpError(f"constants: expected a dict of Symbols and numbers, got {given!r}")
    return given


def _listed(role: str, symbols: Any) -> list[Any]:
    listed = list(symbols) if isinstance(symbols, (list, tuple, set)) else [symbols]
    for symbol in listed:
        if not isinstance(symbol, (MatrixSymbol, sympy.Symbol)):
            raise SymbpError(f"{role}s: expected MatrixSymbols or Symbols, got {symbol!r}")
    return listed


def _batch(given: Any, declared: list[tuple[Role, Any]]) -> sympy.Symbol | None:
    """Return the symbol of the batch size with the assumptions of an extent."""
    if given is None:
        rows = (
            symbol.shape[0]
            for role, symbol in declared
            if role in ("input", "target") and isinstance(symbol, MatrixSymbol)
        )
        given = next((extent for extent in rows if isinstance(extent, sympy.Symbol)), None)
    if given is None:
        return None
    name = given if isinstance(given, str) else getattr(given, "name", "")
    if not name.isidentifier():
        raise SymbpError(f"batch {given!r}: expected a Symbol or its name, such as 'N'")
    return batch_extent(name)


def _shape(role: Role, symbol: Any, batch: sympy.Symbol | None) -> tuple[Extent, ...]:
    if isinstance(symbol, sympy.Symbol):
        return ()
    shape: list[Extent] = []
    for axis, extent in enumerate(symbol.shape):
        if extent.is_Integer and extent > 0:
            shape.append(int(extent))
        elif batch and str(extent) == batch.name and role != "parameter" and not axis:
            shape.append(batch)
        else:
            allowed = (
                "a positive int"
                if role == "parameter" or axis
                else (f"a positive int or the batch size {batch or 'N'}")
            )
            raise SymbpError(f"{role} {symbol.name}: axis {axis} is {extent}, expected {allowed}")
    return tuple(shape)


def _declare(
    tensors: dict[str, Tensor],
    symbol: Any,
    shape: tuple[Extent, ...],
    role: Role,
    value: float | None = None,
) -> None:
    if symbol.name in tensors:
        raise SymbpError(
            f"{symbol.name} is declared twice, as {tensors[symbol.name].role} and as {role}"
        )
    # LaTeX such as \theta may stand in a SymPy name; it then prints so, under a plain name.
    name = re.sub(r"\W+", "_", symbol.name).strip("_")
    name = name if name.isidentifier() else f"T{name}"
    name = fresh_name(name, {tensor.name for tensor in tensors.values()})
    letters = "ij" if all(isinstance(extent, int) for extent in shape) else "nj"
    indices = tuple(Index(letter, extent) for letter, extent in zip(letters, shape, strict=False))
    tensors[symbol.name] = Tensor(
        name, indices, role, symbol=None if name == symbol.name else symbol.name, value=value
    )


def _refuse_unused(program: Program, tensors: Mapping[str, Tensor]) -> None:
    used = set(program.tensors)
    for name, tensor in tensors.items():
        if tensor not in used:
            raise SymbpError(f"{tensor.role} {name} is unused: the cost does not depend on it")
