"""A character GPT, its text, and the same network in JAX and PyTorch.

The text is the Zen of Python (PEP 20): each Python has it, the same 856 characters of 45 kinds.
`pydoc_data.topics` is longer, but another text in each version.
"""

import codecs
import contextlib
import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symbp as bp
from tests.networks.layers.sequences import attention, normalised, tril

with contextlib.redirect_stdout(io.StringIO()):
    import this  # it prints itself

TEXT = codecs.decode(this.s, "rot13")  # type: ignore[attr-defined]
CHARACTERS = sorted(set(TEXT))
TOKENS = np.array([CHARACTERS.index(character) for character in TEXT])


def batches(count: int, batch: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows of the text and the characters that follow, (count, batch, steps) each."""
    starts = np.random.default_rng(0).integers(0, len(TOKENS) - steps, (count, batch, 1))
    places = starts + np.arange(steps)
    return TOKENS[places], TOKENS[places + 1]


def gpt(steps: int, width: int, heads: int, layers: int) -> bp.Network:
    """Return the network: GPT-2's order of the parts, PyTorch's parameters."""
    return bp.Network(
        [
            bp.Embedding(len(CHARACTERS), width),
            bp.PositionalEncoding(learned=True),
            *[
                bp.TransformerBlock(
                    heads, 4 * width, activation="gelu", norm_first=True, causal=True
                )
                for _ in range(layers)
            ],
            bp.LayerNorm(),
            bp.Dense(len(CHARACTERS)),
        ],
        input=(steps,),
        loss="softmax_cross_entropy",
    )


def cost_in_jax(parameters: list[Any], x: Any, y: Any, heads: int) -> Any:
    """Return the mean cross-entropy of the next characters."""
    table, places, *blocks, gamma, beta, W, b = parameters
    a = table[x] + places
    for start in range(0, len(blocks), 12):
        W_in, b_in, W_out, b_out, W1, b1, W2, b2, g1, h1, g2, h2 = blocks[start : start + 12]
        u = normalised(a, -1, 1e-5) * g1 + h1
        a = a + attention(u, W_in, b_in, W_out, b_out, heads, mask=tril(x.shape[1]))
        u = normalised(a, -1, 1e-5) * g2 + h2
        a = a + jax.nn.gelu(u @ W1.T + b1, approximate=False) @ W2.T + b2
    z = (normalised(a, -1, 1e-5) * gamma + beta) @ W.T + b
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[..., None], axis=-1).mean()


def gpt_in_torch(steps: int, width: int, heads: int, layers: int) -> Any:
    """Return the network as a module of PyTorch, whose output is the logits."""
    import torch
    from torch import nn

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(len(CHARACTERS), width)
            self.places = nn.Embedding(steps, width)
            self.blocks = nn.ModuleList(
                nn.TransformerEncoderLayer(
                    width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True,
                    norm_first=True,
                )
                for _ in range(layers)
            )  # fmt: skip
            self.norm = nn.LayerNorm(width)
            self.last = nn.Linear(width, len(CHARACTERS))

        def forward(self, x: Any) -> Any:
            a = self.table(x) + self.places.weight
            mask = nn.Transformer.generate_square_subsequent_mask(steps, dtype=a.dtype)
            for block in self.blocks:
                a = block(a, src_mask=mask, is_causal=True)
            return self.last(self.norm(a))

    torch.manual_seed(0)
    return GPT()
