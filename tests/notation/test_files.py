"""Files are written whole or not at all, and what stood there before is not lost."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from symbp.notation.errors import SymbpError
from symbp.notation.files import require_writable, write_bytes, write_text


def test_a_text_is_written_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "σ.txt"
    assert write_text(path, "σ′(z)\n") == path
    assert path.read_bytes() == "σ′(z)\n".encode()
    assert write_bytes(str(path), b"new") == path
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["σ.txt"]


def test_a_new_file_has_the_mode_that_the_user_gives_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no"), OSError(28, "full")])
def test_a_write_that_fails_leaves_what_was_there(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)) as caught:
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    if isinstance(error, OSError):
        # The message names the file that the user asked for.
        assert str(path) in str(caught.value)
    else:
        assert caught.value is error


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        write_bytes(tmp_path, b"")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        write_bytes(tmp_path / "absent" / "a", b"")


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    require_writable(tmp_path / "new")
    require_writable(tmp_path / "file")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]
    for path, message in (
        (tmp_path, "this is a folder"),
        (tmp_path / "absent" / "a", "no folder"),
        (tmp_path / "file" / "a", "is not a folder"),
    ):
        with pytest.raises(SymbpError, match=message):
            require_writable(path)
