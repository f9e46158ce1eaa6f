"""What a file of `Trainer.save` holds, looked at before it is read and checked before it is used.

An open file goes in; arrays of the module's own shapes and dtype, and a dictionary, come out.
Anything else is an error. How much is read is known beforehand: a small file that would unpack to
gigabytes is refused by its headers.
"""

import json
import math
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.arguments import refuse
from symbp.targets.numba.runtime.entry_points import EntryPoints


def read_saved(
    network: EntryPoints, file: Any
) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """Return the parameters, the optimizer's state and the metadata of a saved trainer."""
    with zipfile.ZipFile(file) as archive:
        text = read_array(archive, "metadata", None, network.dtype)
        metadata = json.loads(str(text))
        if not isinstance(metadata, dict):
            raise ValueError("its metadata are no record")
        if metadata["signature"] != network.signature:
            saved = metadata["signature"]
            raise ValueError(f"saved by program {saved}, this is {network.signature}")
        flat = read_array(archive, "parameters", network.count, network.dtype)
        state = read_array(archive, "state", network.state_size, network.dtype)
    return flat, state, metadata


def read_array(
    archive: zipfile.ZipFile, name: str, size: int | None, precision: np.dtype[Any]
) -> NDArray[Any]:
    """Return an array of a precision and of a size; without a size, a text."""
    try:
        entry = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"it has no {name}") from None
    if size is None and entry.file_size > entry.compress_size:
        # Its length is nowhere else to be seen; `save` writes it as it is.
        raise ValueError(f"its {name} are compressed")
    with archive.open(entry) as file:
        headers: Any = np.lib.format
        version = headers.read_magic(file)
        read = {
            (1, 0): headers.read_array_header_1_0,
            (2, 0): headers.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"its {name} are of an unknown format {version}")
        shape, _, dtype = read(file)
        if dtype.hasobject:
            raise ValueError(f"its {name} are objects; allow_pickle is False")
        if size is None:
            if shape != () or dtype.kind != "U":
                raise ValueError(f"its {name} are no text")
        elif (shape, dtype) != ((size,), precision):
            came = f"{shape} of {dtype}"
            raise ValueError(f"expected an array ({size},) of {precision}, got {came}")
        expected = math.prod(shape) * dtype.itemsize
        # One byte more is the end, where the archive's checksum is compared; or it is too long.
        content = file.read(expected + 1) if expected < entry.file_size else b""
    if len(content) != expected:
        raise ValueError(f"its {name} are not whole")
    return np.frombuffer(content, dtype).reshape(shape)


def check_finite(network: EntryPoints, flat: NDArray[Any], state: NDArray[Any]) -> None:
    """Refuse what training cannot go on from: each number would become NaN."""
    for (name, _, _), (part, shape) in zip(network.parameters, network.places, strict=True):
        array = flat[part].reshape(shape)
        refuse(f"parameters.{name}", array, ~np.isfinite(array), "a finite number")
    refuse("state", state, ~np.isfinite(state), "a finite number")


def check_history(history: Any) -> None:
    """Raise an error unless it is a list of records."""
    if not isinstance(history, list) or not all(isinstance(record, dict) for record in history):
        raise TypeError(f"history: expected a list of records, got {history!r:.80}")
