"""The gallery: the modules in ``generated/``, and the check that they regenerate byte for byte.

Run ``python -m symbp.gallery`` to write them, with ``--check`` to compare.
"""

import argparse
import difflib
import math
import sys
from pathlib import Path

from symbp.compiler import module_source
from symbp.networks import (
    LSTM,
    SGD,
    Activation,
    Adam,
    AdamW,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    LayerNorm,
    MaxPool2d,
    Network,
    PositionalEncoding,
    TransformerBlock,
    mlp,
)
from symbp.notation.constants import constant
from symbp.notation.declarations import input, target, tensor
from symbp.notation.derivative import Derivative
from symbp.notation.equation import Equation
from symbp.notation.files import write_text
from symbp.notation.functions import sigmoid, softplus
from symbp.notation.index import indices
from symbp.notation.noise import noise
from symbp.notation.program import Program
from symbp.notation.reductions import Mean, Sum
from symbp.notation.standard import exp

__all__ = ["burgers", "gallery", "main", "variational_autoencoder"]


def burgers(depth: int = 8, units: int = 20) -> Program:
    """Return a network that solves Burgers' equation, whose residual is one of its equations.

    Its input is a place and a time; its targets are a value that is known there, and the weight of
    that, 0 where none is known (Raissi, Perdikaris and Karniadakis, J. Comput. Phys. 378, 2019,
    section 3.1.1).

    Parameters
    ----------
    depth : int
        Hidden layers.
    units : int
        Of each of them.
    """
    n, i = indices("n i", "N", 2)
    x, y, w = input("x", n, i), target("y", n), target("w", n)
    equations: list[Equation] = []
    h = x
    for number in range(1, depth + 1):
        layer, h = Dense(units, "tanh").equations(h, number)
        equations += layer
    last, z = Dense(1).equations(h, depth + 1)
    u, r, C = tensor("u", n), tensor("r", n), tensor("C")
    u_x, u_t = Derivative(u[n], x[n, 0]), Derivative(u[n], x[n, 1])
    u_xx, nu = Derivative(u[n], (x[n, 0], 2)), constant("nu", 0.01 / math.pi)
    equations += [
        *last,
        Equation(u[n], z[n, 0]),
        Equation(r[n], u_t + u[n] * u_x - nu * u_xx),
        Equation(C, Mean(r[n] ** 2 + w[n] * (u[n] - y[n]) ** 2, n)),
    ]
    return Program(equations, cost=C, output=u)


def variational_autoencoder(inputs: int, units: int, latent: int) -> Program:
    """Return a variational autoencoder of numbers between 0 and 1.

    Kingma and Welling, "Auto-encoding variational Bayes", 2014: layers give a mean and the
    logarithm of a variance for each latent number, which is drawn from them; others give the
    logits of the inputs back. The cost is minus the bound on the likelihood of an example.

    Parameters
    ----------
    inputs, units, latent : int
        How many inputs there are, units in the layer on either side, and latent numbers.

    Examples
    --------
    >>> print(variational_autoencoder(64, 32, 4).equations[4])
    z[n, l] = z2[n, l] + exp(z3[n, l]/2)*e[n, l]
    """
    n, k, l = indices("n k l", "N", inputs, latent)
    x, e = input("x", n, k), noise("e", n, l)
    z, p, C = tensor("z", n, l), tensor("p", n, k), tensor("C")
    encoded, h = Dense(units, "relu").equations(x, 1)
    means, mean = Dense(latent).equations(h, 2)
    spreads, spread = Dense(latent).equations(h, 3)
    decoded, g = Dense(units, "relu").equations(z, 4)
    restored, logit = Dense(inputs).equations(g, 5)
    m, s, r = mean[n, l], spread[n, l], logit[n, k]
    missed = Sum(softplus(r) - x[n, k] * r, k)
    divergence = Sum(m**2 + exp(s) - 1 - s, l) / 2
    drawn = Equation(z[n, l], m + exp(s / 2) * e[n, l])
    grey = Equation(p[n, k], sigmoid(r))
    bound = Equation(C, Mean(missed + divergence, n))
    equations = [*encoded, *means, *spreads, drawn, *decoded, *restored, grey, bound]
    return Program(equations, cost=C, output=p)


def gallery() -> dict[str, str]:
    """Return the source of each module of the gallery, by file name."""
    return {
        "xor_2_4_1.py": module_source(
            mlp(2, 4, 1, activation="tanh", loss="quadratic"), SGD(0.5), "float64"
        ),
        "textbook_3_3_3.py": module_source(
            mlp(3, 3, 3, activation="sigmoid", loss="quadratic"), SGD(0.5), "float64"
        ),
        "digits_64_30_10.py": module_source(
            mlp(64, 30, 10, activation="sigmoid", loss="softmax_cross_entropy"),
            Adam(0.003),
            "float32",
        ),
        "nielsen_784_30_10.py": module_source(
            mlp(784, 30, 10, activation="sigmoid", loss="quadratic"), SGD(3.0), "float32"
        ),
        "digits_cnn.py": module_source(
            Network(
                [Conv2d(8, 3, padding=1), Activation("relu"), MaxPool2d(2), Flatten(), Dense(10)],
                input=(1, 8, 8),
                loss="softmax_cross_entropy",
                name="digits, a convolution",
            ),
            Adam(0.003),
            "float32",
        ),
        # The rows of a picture are the steps.
        "digits_lstm.py": module_source(
            Network(
                [LSTM(32, last=True), Dense(10)],
                input=(8, 8),
                loss="softmax_cross_entropy",
                name="digits, row by row",
            ),
            Adam(0.003),
            "float32",
        ),
        "digits_vae.py": module_source(variational_autoencoder(64, 64, 4), Adam(0.002), "float32"),
        # Characters: 45 kinds of them, 32 at a time.
        "characters_gpt.py": module_source(
            Network(
                [
                    Embedding(45, 64),
                    PositionalEncoding(learned=True),
                    TransformerBlock(4, 256, activation="gelu", norm_first=True, causal=True),
                    TransformerBlock(4, 256, activation="gelu", norm_first=True, causal=True),
                    LayerNorm(),
                    Dense(45),
                ],
                input=(32,),
                loss="softmax_cross_entropy",
                name="characters, a GPT",
            ),
            AdamW(0.003),
            "float32",
        ),
        "burgers_pinn.py": module_source(burgers(), Adam(0.002), "float64"),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the gallery, or compare it with what would be written; return the exit code."""
    parser = argparse.ArgumentParser(description="The modules in generated/.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--folder", type=Path, default=Path("generated"))
    options = parser.parse_args(arguments)
    failed = 0
    for name, text in gallery().items():
        path = options.folder / name
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
            print(f"wrote {path}")
            continue
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found == text:
            print(f"{path}: the same")
            continue
        failed = 1
        difference = difflib.unified_diff(
            found.splitlines(), text.splitlines(), str(path), "generated now", lineterm="", n=1
        )
        print("\n".join([f"{path}: differs", *list(difference)[:40]]), file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
