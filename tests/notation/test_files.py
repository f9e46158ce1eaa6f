"""Files appear whole or not at all, and what stands at the path stays what it is."""

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from symbp.notation.errors import SymbpError
from symbp.notation.files import require_writable, write_bytes, write_text
from symbp.notation.whole_file import write_whole

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other kinds of files")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@posix
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_written(tmp_path: Path, exists: bool, relative: bool) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    link.symlink_to("there/target" if relative else target)
    second = tmp_path / "second"
    second.symlink_to(link)
    if exists:
        target.write_bytes(b"old")
    write_bytes(second, b"new")
    assert second.is_symlink()
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["link", "second", "there"]
    assert names(tmp_path / "there") == ["target"]


@posix
def test_a_circle_of_links_is_an_error_that_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match=r"a'$"):
        write_text(tmp_path / "a", "new")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
def test_a_mode_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_bytes(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_new_file_has_the_mode_of_the_process(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "file", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the superuser")
def test_an_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    write_bytes(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_a_file_that_may_not_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as the superuser, one may
    with pytest.raises(PermissionError, match="file"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"


@posix
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    content = os.urandom(1 << 20)  # more than a pipe holds
    require_writable(pipe)
    while True:
        try:
            write_bytes(pipe, content)
            break
        except OSError:  # the reader has not opened it yet
            time.sleep(0.01)
    reader.join()
    assert found == [content]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


@posix
def test_a_pipe_that_nobody_reads_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe that nobody reads") as caught:
        write_bytes(tmp_path / "pipe", b"new")
    assert caught.value.filename == str(tmp_path / "pipe")
    assert names(tmp_path) == ["pipe"]


@posix
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(os.devnull)
    write_bytes(tmp_path / "link", b"nothing")
    write_bytes(os.devnull, b"nothing")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    if os.path.exists("/dev/full"):
        with pytest.raises(OSError, match="/dev/full"):
            write_bytes("/dev/full", b"something")


@posix
def test_a_socket_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
        server.bind("socket")
        with pytest.raises(OSError, match="expected a file"):
            write_bytes(tmp_path / "socket", b"new")
    assert stat.S_ISSOCK((tmp_path / "socket").stat().st_mode)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_bytes(tmp_path, b"new")
    with pytest.raises(SymbpError, match="this is a folder"):
        require_writable(tmp_path)
    with pytest.raises(FileNotFoundError, match="absent"):
        write_bytes(tmp_path / "absent" / "file", b"new")


KILLED = """
import os, sys
from symbp.notation.whole_file import write_whole
os.replace = lambda *paths: os._exit(9)
write_whole(sys.argv[1], b"half")
"""


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", KILLED, str(path)]
    for _ in range(2):
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == 9
    # The second removed what the first one left.
    assert len(names(tmp_path)) == 2
    (tmp_path / "model.npz.4711.partial").write_bytes(b"of an older version")
    for kept in ("other.npz.0123456789ab.partial", "model.npz.partial", "model.npz.mine.partial"):
        (tmp_path / kept).write_bytes(b"not ours")
    write_bytes(path, b"new")
    assert names(tmp_path) == [
        "model.npz", "model.npz.mine.partial", "model.npz.partial", "other.npz.0123456789ab.partial"
    ]  # fmt: skip
    assert path.read_bytes() == b"new"


def test_what_a_living_writer_writes_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace, met = os.replace, []

    def meanwhile(source: str, target: str) -> None:
        if not met:
            met.append(source)
            write_whole(path, b"another")  # at the worst moment
            assert os.path.exists(source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", meanwhile)
    write_whole(path, b"one")
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "no space"), MemoryError])
@pytest.mark.parametrize("place", ["replace", "chmod", "fsync"])
def test_an_interrupted_writer_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: BaseException
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupt(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(os, place, interrupt)
    with pytest.raises(error if isinstance(error, type) else type(error)) as caught:
        write_whole(path, b"new", durable=True)
    if isinstance(error, OSError):
        assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


WRITER = """
import sys
from symbp.notation.whole_file import write_whole
for number in range(150):
    write_whole(sys.argv[1], bytes([number]) * (20_000 + number))
"""


def test_readers_find_whole_files_while_threads_and_processes_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"a" * 20_000)
    command = [sys.executable, "-c", WRITER, str(path)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]

    def write(number: int) -> None:
        for _ in range(150):
            write_whole(path, bytes([number]) * (20_000 + number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    reads = 0
    while any(thread.is_alive() for thread in threads) or any(p.poll() is None for p in processes):
        content = path.read_bytes()
        assert len(set(content)) == 1
        assert len(content) in (20_000, 20_000 + content[0])
        reads += 1
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0]
    assert reads > 20
    assert names(tmp_path) == ["file"]


def test_leftovers_of_a_long_name_are_removed_and_those_of_another_name_are_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / ("a" * 60)
    path.write_bytes(b"old")
    command = [sys.executable, "-c", KILLED, str(path)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 9
    assert len(names(tmp_path)) == 2
    write_bytes(path, b"new")
    assert names(tmp_path) == ["a" * 60]
    # Of 50 letters a name is written out in full, and another one that goes on is another file.
    other = "b" * 50 + "c.4711.partial"
    (tmp_path / other).write_bytes(b"not ours")
    write_bytes(tmp_path / ("b" * 50), b"new")
    assert names(tmp_path) == ["a" * 60, "b" * 50, other]
