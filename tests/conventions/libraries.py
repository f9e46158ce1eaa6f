"""What each library gives at a point of the table: a value and derivatives, in double precision.

Every library is asked as its own users would ask it: JAX by ``jax.grad``, PyTorch by
``backward``, CasADi by ``jacobian``, SymPy by ``diff`` and ``subs``. They are imported when asked.
"""

import math
import re
from typing import Any

import numpy as np

from tests.conventions.table import Point, cell

__all__ = ["ERROR", "VERSIONS", "of_casadi", "of_jax", "of_sympy", "of_torch"]

ERROR = "error"
VERSIONS = {"jax": "0.10", "torch": "2.13", "casadi": "3.8", "sympy": "1.14"}


def of_jax(point: Point) -> str:
    """Return what JAX gives."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    names = {"jax": jax, "jnp": jnp, "lax": jax.lax}
    names |= {name: jnp.asarray(value) for name, value in point.data.items()}
    variables = [jnp.asarray(value, dtype=jnp.float64) for value in point.at.values()]

    def function(*values: Any) -> Any:
        given = dict(zip(point.at, values, strict=True))
        return eval(point.formulas["jax"], {**names, **given})

    value, gradient = jax.value_and_grad(function, argnums=tuple(range(len(variables))))(*variables)
    return cell(float(value), [np.asarray(each).tolist() for each in gradient])


def of_torch(point: Point) -> str:
    """Return what PyTorch gives."""
    import torch

    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "nn": torch.nn}
    for name, value in point.data.items():
        integers = all(isinstance(each, int) for each in np.atleast_1d(value).tolist())
        names[name] = torch.tensor(value, dtype=torch.int64 if integers else torch.float64)
    variables = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in point.at.items()
    }
    value = eval(point.formulas["torch"], {**names, **variables})
    value.backward()
    gradient = [
        torch.zeros_like(each) if each.grad is None else each.grad for each in variables.values()
    ]
    return cell(value.item(), [each.tolist() for each in gradient])


def of_casadi(point: Point) -> str:
    """Return what CasADi gives, with MX variables."""
    import casadi

    names = {name: value for name, value in vars(casadi).items() if not name.startswith("_")}
    names |= {"ca": casadi, "inf": math.inf}
    names |= {
        name: casadi.DM(value) if isinstance(value, list) else value
        for name, value in point.data.items()
    }
    variables = {
        name: casadi.MX.sym(name, *np.shape(np.atleast_1d(value)))
        for name, value in point.at.items()
    }
    value = eval(point.formulas["casadi"], {**names, **variables})
    gradient = [casadi.jacobian(value, variable) for variable in variables.values()]
    function = casadi.Function("f", list(variables.values()), [value, *gradient])
    results = function(*(np.array(each, dtype=float) for each in point.at.values()))
    value, *gradient = (np.array(each, dtype=float) for each in results)
    derivatives = [
        each.reshape(np.shape(at)).tolist()
        for each, at in zip(gradient, point.at.values(), strict=True)
    ]
    return cell(float(value.reshape(())), derivatives)


def of_sympy(point: Point) -> str:
    """Return what SymPy gives: ``diff``, then numbers for the symbols."""
    import sympy

    names = {name: value for name, value in vars(sympy).items() if not name.startswith("_")}
    names |= {"sympy": sympy, **point.data}
    numbers: dict[Any, Any] = {}
    variables: dict[str, Any] = {}
    for name, value in point.at.items():
        if isinstance(value, list):
            variables[name] = list(sympy.symbols(f"{name}:{len(value)}", real=True))
            numbers |= dict(zip(variables[name], map(_exact, value), strict=True))
        else:
            variables[name] = sympy.Symbol(name, real=True)
            numbers[variables[name]] = _exact(value)
    formula = sympy.S(eval(point.formulas["sympy"], {**names, **variables}), strict=True)

    def at(expression: Any) -> str:
        try:
            result = sympy.sympify(expression, strict=True).subs(numbers, simultaneous=True).doit()
        except Exception as error:  # what a substitution into a singular formula may raise
            return f"{ERROR}: {type(error).__name__}"
        if result is sympy.zoo:
            return "zoo"
        if result.is_extended_real or result is sympy.nan:
            # By default at most 100 digits are tried, and float() gives what is left as noise.
            number = result.evalf(15, maxn=10_000)
            return cell(float(number), []).removesuffix("; ")
        return str(result.evalf(5)).replace(" ", "") if result.is_number else str(result)

    derivatives = [
        f"({', '.join(at(formula.diff(each)) for each in variable)})"
        if isinstance(variable, list)
        else at(formula.diff(variable))
        for variable in variables.values()
    ]
    return re.sub(r"-(?=[\d∞])", "−", f"{at(formula)}; {', '.join(derivatives)}")


def _exact(value: float) -> Any:
    import sympy

    if math.isfinite(value):
        return sympy.nsimplify(value)
    return sympy.nan if math.isnan(value) else sympy.oo if value > 0 else -sympy.oo
