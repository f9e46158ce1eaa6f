"""Networks with the parameters of PyTorch's, copied in order, predict and train as these do."""

from typing import Any

import numpy as np
import pytest

import symbp as bp
from tests.comparison import assert_close

STEPS, RATE, BATCH = 20, 0.1, 8


def pairs(nn: Any) -> dict[str, tuple[bp.Network, Any]]:
    """Return networks of symbp and of PyTorch with one structure."""
    last = nn.Linear(5, 3)
    lstm = nn.LSTM(4, 5, num_layers=2, batch_first=True)

    class Last(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.last = lstm, last

        def forward(self, x: Any) -> Any:
            return self.last(self.lstm(x)[0][:, -1])

    return {
        "CNN": (
            bp.Network(
                [
                    bp.Conv2d(4, 3, padding=1), bp.Activation("relu"), bp.MaxPool2d(2),
                    bp.GroupNorm(2), bp.Flatten(), bp.Dense(3),
                ],
                input=(1, 6, 6), loss="softmax_cross_entropy",
            ),
            nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.GroupNorm(2, 4),
                nn.Flatten(), nn.Linear(36, 3),
            ),
        ),
        "LSTM": (
            bp.Network(
                [bp.LSTM(5, num_layers=2, last=True), bp.Dense(3)],
                input=(6, 4), loss="softmax_cross_entropy",
            ),
            Last(),
        ),
        "transformer": (
            bp.Network(
                [bp.TransformerBlock(2, 6, norm_first=True), bp.Flatten(), bp.Dense(3)],
                input=(5, 4), loss="softmax_cross_entropy",
            ),
            nn.Sequential(
                nn.TransformerEncoderLayer(
                    4, 2, 6, dropout=0.0, norm_first=True, batch_first=True
                ),
                nn.Flatten(), nn.Linear(20, 3),
            ),
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["CNN", "LSTM", "transformer"])
def test_twenty_steps_are_those_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net, model = pairs(torch.nn)[name]
    model = model.double()
    generator = np.random.default_rng(0)
    x = generator.normal(size=(STEPS * BATCH, *net.inputs[0].shape[1:]))
    y = generator.integers(0, 3, STEPS * BATCH)
    trainer = bp.compile(net, bp.SGD(RATE), "float64")
    for ours, theirs in zip(trainer.parameters, model.state_dict().values(), strict=True):
        ours[...] = theirs.numpy()
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    assert_close({"output": trainer.predict(x)}, {"output": expected}, 1e-11)
    trainer.fit(x, y, batch_size=BATCH, shuffle=False)
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    for start in range(0, len(x), BATCH):
        optimizer.zero_grad()
        rows = slice(start, start + BATCH)
        output = model(torch.from_numpy(x[rows]))
        torch.nn.functional.cross_entropy(output, torch.from_numpy(y[rows])).backward()
        optimizer.step()
    state = model.state_dict().values()
    after = {p.name: t.numpy() for p, t in zip(net.parameters, state, strict=True)}
    assert_close(trainer.parameters._asdict(), after, 1e-10)
