"""symbp: derive, print and compile the gradients of networks written as equations."""

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
from symbp.notation.program import Program
from symbp.notation.reductions import LogSumExp, Max, Mean, Sum, log_softmax, logsumexp, softmax
from symbp.notation.tensor import Tensor, constant, input, parameter, target, tensor
from symbp.networks.layers import Activation, Dense
from symbp.networks.matrices import from_matrices
from symbp.networks.network import Network, mlp
from symbp.networks.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
from symbp.networks.penalties import L1, L2
