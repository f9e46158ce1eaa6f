"""``symbp train --resume``: a trainer that goes on from a file."""

import zipfile
from pathlib import Path
from typing import Any

from symbp.notation.errors import SymbpError

__all__ = ["resumed"]


def resumed(trainer: Any, path: Path) -> Any:
    """Return a trainer with the parameters and the optimizer's state of a file.

    Parameters
    ----------
    trainer : Trainer
        One that has not been trained; its hyperparameters hold.
    path : Path
        What ``Trainer.save`` wrote.

    Raises
    ------
    SymbpError
        The file is none of such, or of another network.
    """
    if not path.is_file():
        raise SymbpError(f"--resume {path}: no such file")
    try:
        found = type(trainer).load(path)
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise SymbpError(
            f"--resume {path}: {error}; it needs the layers, the table and the optimizer with "
            f"which it was written"
        ) from error
    found.hyperparameters.update(trainer.hyperparameters)
    return found
