"""``symbp generate --target c`` as a user runs it."""

from pathlib import Path

from tests.test_cli import refused, run


def test_c_is_written_with_its_header(tmp_path: Path) -> None:
    path = tmp_path / "net.c"
    result = run(
        "generate", "4-3-2", "--target", "c", "--batch", "8", "--optimizer", "sgd", "-o", path
    )
    assert result.exit_code == 0
    assert result.stdout.startswith(f"wrote {path}")
    assert "#define NET_BATCH 8\n" in path.with_suffix(".h").read_text(encoding="utf-8")


def test_what_c_does_not_take_is_refused(tmp_path: Path) -> None:
    assert "ends in .c" in refused("generate", "4-3-2", "--target", "c", "-o", tmp_path / "net.py")
    assert "batch" in refused("generate", "4-3-2", "--batch", "8", "-o", tmp_path / "net.py")
    assert not list(tmp_path.iterdir())
