"""Front ends: small functions and classes that return equations. Nothing here differentiates."""

from symbp.networks.activations import ACTIVATIONS, activation
from symbp.networks.batch_norm import BatchNorm1d, BatchNorm2d
from symbp.networks.costs import COSTS
from symbp.networks.dropout import Dropout, GaussianNoise
from symbp.networks.layers import LAYERS, Activation, Dense, Layer
from symbp.networks.matrices import from_matrices
from symbp.networks.network import Network, mlp
from symbp.networks.optimizers import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    optimise,
)
from symbp.networks.penalties import L1, L2

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "L1",
    "L2",
    "LAYERS",
    "OPTIMIZERS",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "BatchNorm1d",
    "BatchNorm2d",
    "Dense",
    "Dropout",
    "GaussianNoise",
    "Layer",
    "Momentum",
    "Nesterov",
    "Network",
    "Optimizer",
    "RMSProp",
    "activation",
    "from_matrices",
    "mlp",
    "optimise",
]
