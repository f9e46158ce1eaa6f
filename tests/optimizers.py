"""Optimizers that everything is run with: those by name, and those made of others."""

import symbp as bp
from symbp.networks.optimizers import Optimizer

EVERY: dict[str, Optimizer] = {
    "nadam": bp.NAdam(0.01),
    "radam": bp.RAdam(0.01),
    "adamax": bp.Adamax(0.01),
    "lamb": bp.LAMB(0.01, weight_decay=0.1),
    "lion": bp.Lion(0.001, weight_decay=0.1),
    "adagrad": bp.Adagrad(0.01),
    "adadelta": bp.Adadelta(),
    "clipped by norm": bp.Clip(bp.SGD(0.1), max_norm=0.05),
    "clipped by value": bp.Clip(bp.Momentum(0.1), max_value=0.01),
    "accumulated": bp.Accumulate(bp.Momentum(0.1), batches=2),
    "cosine": bp.SGD(bp.CosineDecay(0.1, steps=4, warmup=1)),
    "linear": bp.AdamW(bp.LinearDecay(0.1, steps=3)),
    "exponential": bp.Nesterov(bp.ExponentialDecay(0.1, 0.5)),
    "step": bp.SGD(bp.StepDecay(0.1, steps=2)),
    "one cycle": bp.SGD(bp.OneCycle(0.1, steps=5)),
    "all at once": bp.Accumulate(
        bp.Clip(bp.Adam(bp.CosineDecay(0.1, steps=4, warmup=1)), max_norm=0.05, max_value=0.04), 2
    ),
}
