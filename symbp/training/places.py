"""Where compiled modules are kept: the user's cache folder, or what can be written to instead."""

import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from symbp.notation.files import write_text

__all__ = ["cache_folder", "kept_file"]

_said: set[Path] = set()


def cache_folder() -> Path:
    """Return the folder of compiled modules: ``SYMBP_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("SYMBP_CACHE")
    if chosen:
        return Path(chosen)
    try:
        base = os.environ.get("XDG_CACHE_HOME")
        folder = (Path(base) if base else Path.home() / ".cache") / "symbp"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: whoever runs this has no home
        pass
    # A read-only home, as in many containers: the cache then lasts as long as the machine.
    return _own_temporary_folder()


def kept_file(name: str, text: str) -> Path | None:
    """Return the file of a name and of this text, written unless it is there; None without a place.

    Parameters
    ----------
    name : str
        Of the file.
    text : str
        What is to be in it.
    """
    for folder, problem in _folders():
        path = folder / name
        try:
            if path.read_text(encoding="utf-8") == text:
                return path
        except (OSError, UnicodeDecodeError):
            pass  # it is not there, or not whole
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return write_text(path, text)
        except OSError as error:
            if folder not in _said:
                _said.add(folder)
                reason = error.strerror or error
                warnings.warn(
                    f"{folder}: compiled modules cannot be kept here ({reason}); {problem}",
                    RuntimeWarning,
                    stacklevel=5,  # whoever compiles
                )
    return None


def _folders() -> Iterator[tuple[Path, str]]:
    """Yield the folders to try, each with what happens when nothing can be written there."""
    try:
        yield cache_folder(), "they go to the temporary folder"
        yield _own_temporary_folder(), "each start compiles anew"
    except OSError:  # there is no folder for temporary files either
        return


def _own_temporary_folder() -> Path:
    """Return a folder that nobody else can write to: what is in it will be run."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"symbp-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and (
            os.name == "nt" or (found.st_uid == user and not found.st_mode & 0o022)
        ):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="symbp-"))
