"""files: text and bytes that appear in a file whole or not at all; and whether they can."""

import errno
import os
import tempfile
from pathlib import Path

from symbp.notation.errors import SymbpError

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
    try:
        # Trying is the only test: permissions do not tell of a full or read-only file system.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise SymbpError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file so that it is there whole or not at all."""
    return write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file so that it is there whole or not at all."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".symbp.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            # It names the temporary file, which the user does not know.
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
