"""Many networks in files, in pickles and in a notebook."""

import copy
import html
import io
import json
import os
import zipfile
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from symbp.notation.whole_file import write_whole
from symbp.targets.numba.runtime.arguments import check_count
from symbp.targets.numba.runtime.saved import read_array
from symbp.targets.numba.runtime.trainer import NetworkTrainer


class ReplicasInFiles:
    """What replicas keep beside their arrays, as it is written and read."""

    trainer: type[NetworkTrainer]
    seeds: tuple[int, ...]
    hyperparameters: dict[str, NDArray[np.float64]]
    history: list[dict[str, Any]]
    epochs: int
    _latest: dict[str, NDArray[np.float64]]
    _flat: NDArray[Any]
    _state: NDArray[Any]
    _trainers: list[NetworkTrainer]

    def _hold(self, trainers: list[NetworkTrainer]) -> None:
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state of the training to a file (npz), from which `load` continues."""
        metadata = {
            "signature": self.trainer.network.signature,
            "seeds": self.seeds,
            "hyperparameters": listed(self.hyperparameters),
            "generators": [trainer._generator.bit_generator.state for trainer in self._trainers],
            "epochs": self.epochs,
            "history": [listed(record) for record in self.history],
            "latest": listed(self._latest),
        }
        content = io.BytesIO()
        np.savez(
            content, parameters=self._flat.ravel(), state=self._state.ravel(),
            metadata=np.array(json.dumps(metadata, default=int)),
        )  # fmt: skip
        write_whole(path, content.getvalue(), durable=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the replicas that `save` wrote; they continue as if they had never stopped.

        A ValueError says if the file is damaged, or of another program, dtype or optimizer.
        """
        network = cls.trainer.network
        made = cls.__new__(cls)
        try:
            with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
                metadata = json.loads(str(read_array(archive, "metadata", None, network.dtype)))
                if metadata["signature"] != network.signature:
                    saved = metadata["signature"]
                    raise ValueError(f"saved by program {saved}, this is {network.signature}")
                count = len(metadata["seeds"])
                sizes = {"parameters": network.count, "state": network.state_size}
                flat, state = (
                    read_array(archive, name, count * size, network.dtype).reshape(count, size)
                    for name, size in sizes.items()
                )
            check_count("epochs", metadata["epochs"], 0)
            made.__setstate__(
                {
                    **metadata,
                    "seeds": tuple(metadata["seeds"]),
                    "hyperparameters": arrays_of(metadata["hyperparameters"]),
                    "history": [arrays_of(record) for record in metadata["history"]],
                    "latest": arrays_of(metadata["latest"]),
                    "flat": flat,
                    "state": state,
                }
            )
        except OSError:
            raise
        except Exception as error:  # a damaged file can fail anywhere in zipfile, zlib, numpy, json
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{path}: not saved replicas of this program ({reason})") from None
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {
            "signature": self.trainer.network.signature,
            "seeds": self.seeds,
            "hyperparameters": self.hyperparameters,
            "generators": [trainer._generator.bit_generator.state for trainer in self._trainers],
            "epochs": self.epochs,
            "history": self.history,
            "latest": self._latest,
            "flat": self._flat,
            "state": self._state,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        own, signature = self.trainer.network.signature, state["signature"]
        if signature != own:
            raise ValueError(f"pickled by program {signature}, this is {own}")
        self.seeds, self.hyperparameters = state["seeds"], state["hyperparameters"]
        self.epochs, self.history, self._latest = (
            state[name] for name in ("epochs", "history", "latest")
        )
        self._hold([self.trainer(seed=seed) for seed in self.seeds])
        self._flat[...], self._state[...] = state["flat"], state["state"]
        for trainer, generator in zip(self._trainers, state["generators"], strict=True):
            trainer._generator.bit_generator.state = generator

    def __copy__(self) -> Self:
        # One that shared the parameters would train them, and count its epochs alone.
        return copy.deepcopy(self)

    def _repr_html_(self) -> str:
        """Return a table for notebooks: what each replica is trained with, and its cost."""
        columns: dict[str, Any] = {"seed": self.seeds, **self.hyperparameters, **self._latest}
        most = 20
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("replica", *columns))
        lines = []
        for replica in range(min(len(self.seeds), most)):
            cells = (f"{values[replica]:.6g}" for values in columns.values())
            lines.append("".join(f"<td>{cell}</td>" for cell in (replica, *cells)))
        if len(self.seeds) > most:
            lines.append(f'<td colspan="{len(columns) + 1}">and {len(self.seeds) - most} more</td>')
        rows = "".join(f"<tr>{line}</tr>" for line in lines)
        caption = html.escape(repr(self)[1:-1])
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{rows}</table>"


def listed(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose arrays are lists."""
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in record.items()
    }


def arrays_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose lists are arrays."""
    return {
        name: np.array(value) if isinstance(value, list) else value
        for name, value in record.items()
    }
