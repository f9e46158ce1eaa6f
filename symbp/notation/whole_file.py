"""Write a file so that readers find the old content or the new one, and nothing in between.

The content is written beside the file, under a name that no other writer has, and then moved. What
stands at the path stays what it is: a symbolic link still is one and its target is written, a file
keeps its mode, a pipe or a device is written to. Generated modules get this file pasted, so that it
imports the standard library only.
"""

import contextlib
import errno
import importlib
import importlib.util
import os
import re
import stat
from typing import Any

# Windows has none, but removes no file that somebody has open.
file_locks: Any = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None


def write_whole(
    path: str | bytes | os.PathLike[Any], content: bytes, durable: bool = False
) -> None:
    """Write a file so that it is there whole or not at all.

    Parameters
    ----------
    path : path
        Of a file, which need not exist, or of a link, a pipe or a device.
    content : bytes
        All of it.
    durable : bool
        Wait until it is on the disk, so that it survives a loss of power too.

    Raises
    ------
    OSError
        It cannot be written; the error names the path as it was given.
    """
    name = os.fsdecode(path)
    try:
        try:
            status = os.stat(name)
        except FileNotFoundError:
            status = None  # nothing is there, or a link to nothing
        if status is None or stat.S_ISREG(status.st_mode):
            _replace(os.path.realpath(name), status, content, durable)
        else:
            _write_through(name, status, content)
    except OSError as error:
        if error.errno is None:
            raise
        # It may name the temporary file, which the caller does not know.
        raise type(error)(error.errno, error.strerror, name) from None


def _replace(target: str, status: os.stat_result | None, content: bytes, durable: bool) -> None:
    if status is not None and not os.access(target, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), target)
    folder, base = os.path.split(target)
    _remove_leftovers(folder, base)
    mode = 0o666 if status is None else stat.S_IMODE(status.st_mode)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    temporary = ""
    try:
        while True:
            temporary = os.path.join(folder, f"{base[:50]}.{os.urandom(6).hex()}.partial")
            with open(os.open(temporary, flags, mode), "wb") as file:
                # Who removes leftovers may hold it, for as long as that takes.
                _lock(file, wait=True)
                if not os.path.exists(temporary):
                    continue  # before it was locked, another writer took it for a leftover
                file.write(content)
                file.flush()
                if status is not None:
                    _keep(temporary, status)
                if durable:
                    os.fsync(file.fileno())
                if os.name != "nt":
                    os.replace(temporary, target)
            if os.name == "nt":  # it moves no file that is open
                os.replace(temporary, target)
            return
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _keep(temporary: str, status: os.stat_result) -> None:
    """Give a new file the owner and the mode of the one that it replaces."""
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):  # only the superuser can
            os.chown(temporary, status.st_uid, status.st_gid)
    os.chmod(temporary, stat.S_IMODE(status.st_mode))


def _write_through(name: str, status: os.stat_result, content: bytes) -> None:
    """Write to what is no file: a pipe or a terminal, say; refuse what holds more than that."""
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not (stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)):
        raise OSError(errno.EINVAL, "expected a file, this is a socket or a disk", name)
    try:
        # Without the flag, a pipe that nobody reads would be waited for.
        handle = os.open(name, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ENXIO and stat.S_ISFIFO(status.st_mode):
            raise OSError(errno.ENXIO, "a pipe that nobody reads", name) from None
        raise
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(handle, True)
    with open(handle, "wb") as file:
        file.write(content)


def _lock(file: Any, wait: bool = False) -> bool:
    """Lock a file as one that is being written; whether that was possible."""
    if file_locks is None:
        return False
    try:
        file_locks.flock(file, file_locks.LOCK_EX | (0 if wait else file_locks.LOCK_NB))
    except OSError:  # another one is at work, or the file system has no locks
        return False
    return True


def _remove_leftovers(folder: str, base: str) -> None:
    """Remove what writers of this file left behind that were killed: nobody holds its lock."""
    start = re.escape(base[:50]) + (".*" if len(base) > 50 else "")
    pattern = re.compile(start + r"\.([0-9a-f]{12}|\d+)\.partial")
    try:
        found = [name for name in os.listdir(folder) if pattern.fullmatch(name)]
    except OSError:  # a folder may take files and not show them
        return
    for name in found:
        leftover = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            if file_locks is None:
                os.unlink(leftover)
                continue
            # Nothing else than a file: to open a pipe of this name would wait.
            if stat.S_ISREG(os.lstat(leftover).st_mode):
                with open(leftover, "rb") as file:
                    if _lock(file):
                        os.unlink(leftover)
