"""functions: what computes each function of the notation in the Numba target.

The name of a function of the runtime's vector maths, or a template with ``{0}``, ``{1}`` for the
arguments, each of which is a variable or a number there.
"""

from symbp.notation.operation import Operation

__all__ = ["FUNCTIONS", "code_of"]

_BY_NAME = (
    "sigmoid", "tanh", "gelu", "gelu_tanh", "silu", "softplus", "sin", "cos", "exp", "expm1",
    "log", "log1p", "erf", "tanh_prime", "erf_prime", "gelu_prime", "gelu_tanh_prime",
    "silu_prime", "tan", "sinh", "cosh", "asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh",
    "erfc", "log_ndtr", "inverse_mills_ratio", "gammaln", "digamma", "trigamma",
)  # fmt: skip

#: The code of each function, by its name in the notation. A condition is no function: ``where`` is
#: written as Python's own conditional.
FUNCTIONS: dict[str, str] = {
    **{name: name for name in _BY_NAME},
    "identity": "{0}",
    "stop_gradient": "{0}",
    "relu": "(real(0) if {0} <= real(0) else {0})",
    "leaky_relu": "({0} if {0} > real(0) else {1} * {0})",
    "elu": "({0} if {0} > real(0) else {1} * expm1({0}))",
    "abs": "abs({0})",
    "sign": "(real(1) if {0} > real(0) else (real(-1) if {0} < real(0) else {0}))",
    "floor": "np.floor({0})",
    "ceil": "np.ceil({0})",
    "round": "np.rint({0})",
    "mod": "np.mod({0}, {1})",
    "heaviside": (
        "(real(1) if {0} > real(0) else (real(0) if {0} < real(0) else "
        "({1} if {0} == real(0) else {0})))"
    ),
    "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
    "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
    "absorbing_product": "({0} * {1} if {0} != real(0) else real(0))",
    "power_slope": "({1} * {0} ** ({1} - real(1)) if {1} != real(0) else real(0))",
    "power_log": "(real(0) if {0} == real(0) and {1} >= real(0) else {0} ** {1} * log({0}))",
    "norm": "np.sqrt({0})",
    "half_reciprocal": "(real(0.5) / {0} if {0} != real(0) else real(0))",
    "root": "{0} ** {1}",
    "root_slope": "({1} * {0} ** ({1} - real(1)) if {0} != real(0) else real(0))",
    "xlogy": "({0} * log({1}) if {0} != real(0) or {1} != {1} else real(0))",
    "xlog1py": "({0} * log1p({1}) if {0} != real(0) or {1} != {1} else real(0))",
}


def code_of(operation: Operation) -> str | None:
    """Return the code of an operation; None if it has to be written as its definition."""
    return None if operation.value is None else FUNCTIONS.get(operation.name)
