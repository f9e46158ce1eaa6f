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

from symbp.targets.numba.runtime.arguments import _PARAMETER_COUNT, _PLACES, _refuse
from symbp.targets.numba.runtime.stand_in import _PARAMETERS, _STATE_SIZE, DTYPE, SIGNATURE


def _read_saved(file: Any) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """Return the parameters, the optimizer's state and the metadata of a saved trainer."""
    with zipfile.ZipFile(file) as archive:
        text = _read_array(archive, "metadata", None)
        metadata = json.loads(str(text))
        if not isinstance(metadata, dict):
            raise ValueError("its metadata are no record")
        if metadata["signature"] != SIGNATURE:
            raise ValueError(f"saved by program {metadata['signature']}, this is {SIGNATURE}")
        flat = _read_array(archive, "parameters", _PARAMETER_COUNT)
        state = _read_array(archive, "state", _STATE_SIZE)
    return flat, state, metadata


def _read_array(archive: zipfile.ZipFile, name: str, size: int | None) -> NDArray[Any]:
    """Return an array of DTYPE and of a size; without a size, a text."""
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
        elif (shape, dtype) != ((size,), DTYPE):
            came = f"{shape} of {dtype}"
            raise ValueError(f"expected an array ({size},) of {DTYPE}, got {came}")
        expected = math.prod(shape) * dtype.itemsize
        # One byte more is the end, where the archive's checksum is compared; or it is too long.
        content = file.read(expected + 1) if expected < entry.file_size else b""
    if len(content) != expected:
        raise ValueError(f"its {name} are not whole")
    return np.frombuffer(content, dtype).reshape(shape)


def _check_finite(flat: NDArray[Any], state: NDArray[Any]) -> None:
    """Refuse what training cannot go on from: each number would become NaN."""
    for (name, _, _), (part, shape) in zip(_PARAMETERS, _PLACES, strict=True):
        array = flat[part].reshape(shape)
        _refuse(f"parameters.{name}", array, ~np.isfinite(array), "a finite number")
    _refuse("state", state, ~np.isfinite(state), "a finite number")


def _check_history(history: Any) -> None:
    if not isinstance(history, list) or not all(isinstance(record, dict) for record in history):
        raise TypeError(f"history: expected a list of records, got {history!r:.80}")
