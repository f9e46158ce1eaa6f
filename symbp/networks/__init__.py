"""Front ends: small functions and classes that return equations. Nothing here differentiates.

A module is imported when one of its names is asked for: most networks need few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbp.networks.activations import ACTIVATIONS, activation
    from symbp.networks.adam import LAMB, Adam, Adamax, AdamW, LazyAdam, NAdam, RAdam
    from symbp.networks.adaptive import Adadelta, Adagrad, RMSProp
    from symbp.networks.attention import MultiHeadAttention, TransformerBlock
    from symbp.networks.batch_norm import BatchNorm1d, BatchNorm2d
    from symbp.networks.blocks import Concatenate, Residual
    from symbp.networks.classification_costs import (
        BinaryCrossEntropy,
        CrossEntropy,
        Focal,
        Hinge,
        KLDivergence,
        MultiMargin,
    )
    from symbp.networks.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
    from symbp.networks.costs import COSTS
    from symbp.networks.dropout import Dropout, GaussianNoise
    from symbp.networks.embedding import Embedding, PositionalEncoding
    from symbp.networks.flatten import Flatten
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
    from symbp.networks.lengths import ValidSteps
    from symbp.networks.matrices import from_matrices
    from symbp.networks.network import Network, mlp
    from symbp.networks.normalisation import GroupNorm, LayerNorm, RMSNorm
    from symbp.networks.optimizer import Optimizer
    from symbp.networks.optimizers import OPTIMIZERS, optimise
    from symbp.networks.penalties import L1, L2
    from symbp.networks.pooling import (
        AdaptiveAvgPool1d,
        AdaptiveAvgPool2d,
        AvgPool1d,
        AvgPool2d,
        MaxPool1d,
        MaxPool2d,
    )
    from symbp.networks.recurrent import GRU, LSTM, RNN
    from symbp.networks.regression_costs import (
        GaussianNLL,
        Huber,
        PoissonNLL,
        Quantile,
        SmoothL1,
        gaussian_nll,
    )
    from symbp.networks.sequence_costs import CTC
    from symbp.networks.similarity_costs import cosine_embedding, info_nce, triplet_margin
    from symbp.networks.units import Maxout, MixtureOfExperts, PReLU

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "CTC",
    "GRU",
    "L1",
    "L2",
    "LAMB",
    "LAYERS",
    "LSTM",
    "OPTIMIZERS",
    "RNN",
    "SGD",
    "Accumulate",
    "Activation",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BinaryCrossEntropy",
    "Clip",
    "Concatenate",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CosineDecay",
    "CrossEntropy",
    "Dense",
    "Dropout",
    "Embedding",
    "ExponentialDecay",
    "Flatten",
    "Focal",
    "GaussianNLL",
    "GaussianNoise",
    "GroupNorm",
    "Hinge",
    "Huber",
    "KLDivergence",
    "Layer",
    "LayerNorm",
    "LazyAdam",
    "LinearDecay",
    "Lion",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "MixtureOfExperts",
    "Momentum",
    "MultiHeadAttention",
    "MultiMargin",
    "NAdam",
    "Nesterov",
    "Network",
    "OneCycle",
    "Optimizer",
    "PReLU",
    "PoissonNLL",
    "PositionalEncoding",
    "Quantile",
    "RAdam",
    "RMSNorm",
    "RMSProp",
    "Residual",
    "Schedule",
    "SmoothL1",
    "StepDecay",
    "TransformerBlock",
    "ValidSteps",
    "Warmup",
    "activation",
    "cosine_embedding",
    "from_matrices",
    "gaussian_nll",
    "info_nce",
    "mlp",
    "optimise",
    "triplet_margin",
]

# The names of each module.
_MODULES = {
    "activations": "ACTIVATIONS activation",
    "adam": "Adam AdamW Adamax LAMB LazyAdam NAdam RAdam",
    "adaptive": "Adadelta Adagrad RMSProp",
    "attention": "MultiHeadAttention TransformerBlock",
    "batch_norm": "BatchNorm1d BatchNorm2d",
    "blocks": "Concatenate Residual",
    "classification_costs": "BinaryCrossEntropy CrossEntropy Focal Hinge KLDivergence MultiMargin",
    "convolution": "Conv1d Conv2d ConvTranspose1d ConvTranspose2d",
    "costs": "COSTS",
    "dropout": "Dropout GaussianNoise",
    "embedding": "Embedding PositionalEncoding",
    "flatten": "Flatten",
    "gradient_changes": "Accumulate Clip",
    "gradient_descent": "Lion Momentum Nesterov SGD",
    "layers": "Activation Dense LAYERS Layer",
    "learning_rates": "CosineDecay ExponentialDecay LinearDecay OneCycle Schedule StepDecay Warmup",
    "lengths": "ValidSteps",
    "matrices": "from_matrices",
    "network": "Network mlp",
    "normalisation": "GroupNorm LayerNorm RMSNorm",
    "optimizer": "Optimizer",
    "optimizers": "OPTIMIZERS optimise",
    "penalties": "L1 L2",
    "pooling": "AdaptiveAvgPool1d AdaptiveAvgPool2d AvgPool1d AvgPool2d MaxPool1d MaxPool2d",
    "recurrent": "GRU LSTM RNN",
    "regression_costs": "GaussianNLL Huber PoissonNLL Quantile SmoothL1 gaussian_nll",
    "sequence_costs": "CTC",
    "similarity_costs": "cosine_embedding info_nce triplet_margin",
    "units": "Maxout MixtureOfExperts PReLU",
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'symbp.networks' has no attribute {name!r}")
    if name == "LAYERS":  # each module adds its own
        for module in _MODULES:
            import_module(f"symbp.networks.{module}")
    return getattr(import_module(f"symbp.networks.{_WHERE[name]}"), name)
