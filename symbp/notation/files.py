"""files: text and bytes that appear in a file whole or not at all; and whether they can."""

import os
import stat
import tempfile
from pathlib import Path

from symbp.notation.errors import SymbpError
from symbp.notation.whole_file import write_whole

__all__ = ["require_writable", "write_bytes", "write_text"]


def require_writable(path: str | os.PathLike[str]) -> None:
    """Refuse a path that a file could not be written to, before the work that is to be written.

    Parameters
    ----------
    path : path
        Of a file, which need not exist.

    Raises
    ------
    SymbpError
        It is a folder, or lies in none, or in one that takes no new file.
    """
    path = Path(path)
    if path.is_dir():
        raise SymbpError(f"{path}: expected a file to write, this is a folder")
    if not path.parent.exists():
        raise SymbpError(f"{path}: no folder {path.parent}")
    if not path.parent.is_dir():
        raise SymbpError(f"{path}: {path.parent} is not a folder")
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        return  # a pipe or a device: it is written to, and nothing beside it
    try:
        # Trying is the only test: permissions do not tell of a full or read-only file system.
        with tempfile.TemporaryFile(dir=os.path.dirname(os.path.realpath(path))):
            pass
    except OSError as error:
        raise SymbpError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file so that it is there whole or not at all; see :func:`write_whole`."""
    return write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file so that it is there whole or not at all; see :func:`write_whole`."""
    write_whole(path, content)
    return Path(path)
