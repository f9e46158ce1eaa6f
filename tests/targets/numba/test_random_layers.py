"""Random networks of layers: the emitted text, run as Python by three members."""

import numpy as np
import pytest

from symbp.compiler import module_source
from tests import emitted_text
from tests.emitted_text import assert_text_agrees
from tests.random_layers import random_layers

LAYERS, ALL_LAYERS = 12, 150
# What such programs are there for: each occurs in several.
FEATURES = {
    "starts": "tiled_onto(",
    "picked rows of A": "order, start + row_first",
    "picked rows of B": "part(order, start), part(order, ",
    "one loop": "flat(",
    "teams": "def _epoch_part",
}


@pytest.mark.parametrize(
    "seed",
    [pytest.param(s, marks=[pytest.mark.slow] * (s >= LAYERS)) for s in range(ALL_LAYERS)],
)
def test_random_layers_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program, optimizer, (examples, batch_size) = random_layers(seed)
    monkeypatch.setattr(emitted_text, "EXAMPLES", examples)
    monkeypatch.setattr(emitted_text, "BATCH_SIZE", batch_size)
    assert_text_agrees(program, optimizer, seed)


def test_every_feature_occurs_in_several_random_layers() -> None:
    texts = [module_source(*random_layers(seed)[:2]) for seed in range(LAYERS)]
    epochs = [text[text.index("def _epoch") : text.index("# --- Arguments")] for text in texts]
    counts = {name: sum(word in e for e in epochs) for name, word in FEATURES.items()}
    assert np.min(list(counts.values())) >= 2, counts
