"""The public names of symbp, gathered; ``import symbp`` finds them here when they are used."""

from symbp.calculus.noise import replayed
from symbp.checking.check import CheckReport, check
from symbp.compiler import compile, generate, load_module
from symbp.derivations import Derivation, DerivedEquation, Statement, derive
from symbp.derivations.draw import draw
from symbp.derivations.graphs import Graph
from symbp.derivations.report.sections import register as _register_section
from symbp.derivations.trace import Trace, trace
from symbp.listing.code_listing import code_listing
from symbp.networks import (
    L1,
    L2,
    SGD,
    Activation,
    Adam,
    AdamW,
    BatchNorm1d,
    BatchNorm2d,
    Dense,
    Dropout,
    GaussianNoise,
    Momentum,
    Nesterov,
    Network,
    RMSProp,
    from_matrices,
    mlp,
)
from symbp.notation.constants import constant
from symbp.notation.derivative import Derivative
from symbp.notation.equation import Equation
from symbp.notation.errors import NotationError, SymbpError, UnsupportedError
from symbp.notation.functions import (
    elu,
    expm1,
    function,
    gelu,
    gelu_tanh,
    identity,
    leaky_relu,
    log1p,
    maximum,
    minimum,
    relu,
    sigmoid,
    silu,
    softplus,
    stop_gradient,
    where,
)
from symbp.notation.index import Index, batch_extent, indices
from symbp.notation.noise import noise
from symbp.notation.phase import is_training
from symbp.notation.program import Program
from symbp.notation.reductions import LogSumExp, Max, Mean, Sum, log_softmax, logsumexp, softmax
from symbp.notation.singular import xlog1py, xlogy
from symbp.notation.standard import Abs, cos, erf, exp, log, sign, sin, sqrt, tanh
from symbp.notation.states import next_value, state
from symbp.notation.tensor import Tensor, input, parameter, target, tensor

# Derivations know nothing of the code generator: their HTML reports get its part from here.
_register_section("The code that computes it", code_listing)

__all__ = [
    "L1",
    "L2",
    "SGD",
    "Abs",
    "Activation",
    "Adam",
    "AdamW",
    "BatchNorm1d",
    "BatchNorm2d",
    "CheckReport",
    "Dense",
    "Derivation",
    "Derivative",
    "DerivedEquation",
    "Dropout",
    "Equation",
    "GaussianNoise",
    "Graph",
    "Index",
    "LogSumExp",
    "Max",
    "Mean",
    "Momentum",
    "Nesterov",
    "Network",
    "NotationError",
    "Program",
    "RMSProp",
    "Statement",
    "Sum",
    "SymbpError",
    "Tensor",
    "Trace",
    "UnsupportedError",
    "batch_extent",
    "check",
    "compile",
    "constant",
    "cos",
    "derive",
    "draw",
    "elu",
    "erf",
    "exp",
    "expm1",
    "from_matrices",
    "function",
    "gelu",
    "gelu_tanh",
    "generate",
    "identity",
    "indices",
    "input",
    "is_training",
    "leaky_relu",
    "load_module",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "maximum",
    "minimum",
    "mlp",
    "next_value",
    "noise",
    "parameter",
    "relu",
    "replayed",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "state",
    "stop_gradient",
    "tanh",
    "target",
    "tensor",
    "trace",
    "where",
    "xlog1py",
    "xlogy",
]
