"""The library of the format, which is imported when it is first used, and only then."""

import importlib
from typing import Any

from symbp.notation.errors import SymbpError

__all__ = ["library"]


def library(part: str = "") -> Any:
    """Return the package ``onnx``, or a module of it.

    Parameters
    ----------
    part : str
        Such as ``"helper"``.

    Raises
    ------
    SymbpError
        It is not installed.
    """
    name = f"onnx.{part}" if part else "onnx"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SymbpError(
            "ONNX files need the package onnx, which is not installed: pip install symbp[onnx]"
        ) from error
