"""Front ends: small functions and classes that return equations. Nothing here differentiates."""

from symbp.networks.activations import ACTIVATIONS, activation
from symbp.networks.adam import LAMB, Adam, Adamax, AdamW, NAdam, RAdam
from symbp.networks.adaptive import Adadelta, Adagrad, RMSProp
from symbp.networks.batch_norm import BatchNorm1d, BatchNorm2d
from symbp.networks.costs import COSTS
from symbp.networks.dropout import Dropout, GaussianNoise
from symbp.networks.gradient_changes import Accumulate, Clip
from symbp.networks.gradient_descent import SGD, Lion, Momentum, Nesterov
from symbp.networks.layers import LAYERS, Activation, Dense, Layer
from symbp.networks.learning_rates import (
    CosineDecay,
    ExponentialDecay,
    LinearDecay,
    OneCycle,
    Schedule,
    StepDecay,
    Warmup,
)
from symbp.networks.matrices import from_matrices
from symbp.networks.network import Network, mlp
from symbp.networks.optimizer import Optimizer
from symbp.networks.optimizers import OPTIMIZERS, optimise
from symbp.networks.penalties import L1, L2

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "L1",
    "L2",
    "LAMB",
    "LAYERS",
    "OPTIMIZERS",
    "SGD",
    "Accumulate",
    "Activation",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "BatchNorm1d",
    "BatchNorm2d",
    "Clip",
    "CosineDecay",
    "Dense",
    "Dropout",
    "ExponentialDecay",
    "GaussianNoise",
    "Layer",
    "LinearDecay",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Network",
    "OneCycle",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "Schedule",
    "StepDecay",
    "Warmup",
    "activation",
    "from_matrices",
    "mlp",
    "optimise",
]
