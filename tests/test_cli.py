"""The commands as a user runs them: what they print, what they write, how they exit."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from symbp.cli import app

SMALL = ["train", "4-8-3", "--data", "iris", "--epochs", "25", "--learning-rate", "0.02"]

# The network that SMALL trains, which is compiled once.
OWN = """
import symbp as bp
net = bp.mlp(4, 8, 3, loss="softmax_cross_entropy")
other = 3
"""


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    # Only exits: anything else would reach the user as a traceback.
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(*arguments: str | Path) -> str:
    """Return the one line with which a wrong request is refused."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("symbp: ")
    return lines[0]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(OWN, encoding="utf-8")
    return path


# --- help, without the compiler ----------------------------------------------------------------


@pytest.mark.parametrize("command", ["derive", "generate", "check", "train", "doctor"])
def test_each_command_has_help_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert re.search(rf"symbp {command}\b", result.stdout)
    assert "Example" in result.stdout


def test_help_answers_at_once() -> None:
    def seconds() -> float:
        # Of the processor: a busy machine makes the clock's seconds longer.
        before = os.times()
        subprocess.run([sys.executable, "-m", "symbp", "--help"], capture_output=True, check=True)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    assert min(seconds() for _ in range(5)) < 0.5


def test_help_does_not_load_the_compiler() -> None:
    code = "import sys, symbp.cli; print({'sympy', 'numba', 'scipy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("trian").exit_code == 2


def test_doctor_reports_blas_numba_and_caches() -> None:
    result = run("doctor")
    assert result.exit_code == 0
    for word in ("numpy", "numba", "BLAS", "cache", "processor", "to mend"):
        assert word in result.stdout


# --- derive ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["matrix", "index"])
@pytest.mark.parametrize("format", ["text", "latex"])
def test_derive_prints_the_four_equations(form: str, format: str) -> None:
    result = run("derive", "4-3-2", "--form", form, "--format", format)
    assert result.exit_code == 0, result.output
    assert (r"\delta" if format == "latex" else "δ") in result.stdout


def test_derive_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "bp.tex"
    assert run("derive", "4-3-2", "--format", "latex", "-o", path).exit_code == 0
    assert r"\delta" in path.read_text(encoding="utf-8")


def test_derive_takes_a_network_from_a_file(own: Path) -> None:
    assert run("derive", f"{own}:net").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["64"], "expected layer sizes such as 64-30-10"),
        (["64-x"], "expected layer sizes such as 64-30-10"),
        (["nowhere.py:net"], "nowhere.py: no such file"),
        (["nowhere.py"], "which network of the file"),
        (["4-3-2", "--activation", "sigmod"], "sigmoid"),
        (["4-3-2", "--loss", "quadratc"], "quadratic"),
    ],
)
def test_a_wrong_network_is_refused_in_one_line(arguments: list[str], message: str) -> None:
    assert message in refused("derive", *arguments)


def test_a_name_that_the_file_lacks_lists_its_networks(own: Path) -> None:
    assert "known: net" in refused("derive", f"{own}:nett")
    assert "is a int, not a Network" in refused("derive", f"{own}:other")


def test_options_of_a_shorthand_do_not_apply_to_a_file(own: Path) -> None:
    assert "leave the option out" in refused("derive", f"{own}:net", "--loss", "quadratic")


def test_an_error_in_the_users_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("a = 1\nb = a / 0\n", encoding="utf-8")
    assert "line 2: ZeroDivisionError" in refused("derive", f"{path}:net")
    path.write_text("a = (\n", encoding="utf-8")
    assert "SyntaxError" in refused("derive", f"{path}:net")


# --- generate and check ------------------------------------------------------------------------


def test_a_generated_module_passes_its_check(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    result = run("generate", "4-8-3", "-o", path, "--dtype", "float64", "--optimizer", "momentum")
    assert result.exit_code == 0, result.output
    assert path.exists()
    assert run("check", path).exit_code == 0


def test_a_module_that_is_wrong_fails_its_check(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def check_gradient(): ...\nraise SystemExit(1)\n", encoding="utf-8")
    result = run("check", path)
    assert result.exit_code == 1
    assert "gradient check failed" in result.stderr


def test_check_takes_a_network() -> None:
    assert run("check", "4-8-3", "--activation", "tanh").exit_code == 0


def test_check_refuses_what_is_not_a_module(own: Path, tmp_path: Path) -> None:
    assert "not a generated module" in refused("check", own)
    assert "no such file" in refused("check", tmp_path / "nothing.py")


def test_generate_writes_the_entry_points_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    run("generate", "4-3-2", "-o", path, "--entries", "hvp, jvp")
    text = path.read_text(encoding="utf-8")
    assert "def hvp(parameters: Any, v: Any, x: ArrayLike, y: ArrayLike) -> Parameters:" in text
    assert "def jvp(" in text
    message = "entries: no entry point 'hpv'; did you mean 'hvp'"
    assert message in refused("generate", "4-3-2", "-o", path, "--entries", "hpv")


def test_generate_writes_the_outputs_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    run("generate", "4-3-2", "-o", path, "--outputs", "a1, z2")
    text = path.read_text(encoding="utf-8")
    assert '"a1": (_evaluate_a1_kernel' in text
    assert '"z2": (_evaluate_z2_kernel' in text
    message = "outputs: no equation defines 'q1'"
    assert message in refused("generate", "4-3-2", "-o", path, "--outputs", "q1")


def test_generate_does_not_overwrite_the_network(own: Path) -> None:
    assert "write the module to another file" in refused("generate", f"{own}:net", "-o", own)
    assert own.read_text(encoding="utf-8") == OWN


def test_generate_into_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    result = run("generate", "2-2-1", "-o", tmp_path / "nowhere" / "module.py")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--optimizer", "adm"], "did you mean 'adam'"),
        (["--learning-rate", "-1"], "expected a positive number"),
        (["--lr", "-1"], "expected a positive number"),
        (["--clip", "0"], "--clip 0: expected a positive number"),
    ],
)
def test_a_wrong_optimizer_is_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    assert message in refused("generate", "4-3-2", "-o", tmp_path / "m.py", *arguments)


# --- train -------------------------------------------------------------------------------------


def test_train_prints_every_epoch_and_a_summary(tmp_path: Path) -> None:
    module, parameters = tmp_path / "iris_net.py", tmp_path / "iris.npz"
    result = run(*SMALL, "--module", module, "--parameters", parameters)
    assert result.exit_code == 0, result.output
    lines = result.stdout.strip().splitlines()
    assert sum(line.startswith("epoch ") for line in lines) == 25
    ends = r"after 25 epochs, \d+\.\d s(, \d+\.\d s of compiling)?"
    found = re.fullmatch(rf"test accuracy (\d+\.\d) % \((\d+)/30\) {ends}", lines[-1])
    assert found, lines[-1]
    assert float(found[1]) >= 90
    assert "δ" in result.stdout  # the derivation comes first
    assert module.exists()
    assert parameters.exists()
    with np.load(tmp_path / "iris.standardisation.npz") as units:
        assert units["mean"].shape == units["scale"].shape == (4,)


def test_train_is_reproducible() -> None:
    def epochs() -> list[str]:
        output = run(*SMALL, "--no-derivation", "--seed", "5").stdout
        return [line for line in output.splitlines() if line.startswith("epoch ")]

    assert epochs() == epochs() != []


def test_train_on_numbers_reports_r_squared() -> None:
    result = run("train", "10-1", "--data", "diabetes", "--epochs", "20", "--no-derivation")
    assert result.exit_code == 0, result.output
    assert re.match(r"test R² 0\.[3-6]", result.stdout.strip().splitlines()[-1])


def test_train_on_digits_reaches_95_percent() -> None:
    result = run(
        "train", "64-30-10", "--loss", "softmax_cross_entropy", "--optimizer", "adam",
        "--data", "digits",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = re.search(r"test accuracy (\d+\.\d) % \(\d+/360\)", result.stdout)
    assert found
    assert float(found[1]) >= 95


@pytest.mark.parametrize(
    "arguments",
    [
        [
            "4-8-3",
            "--loss",
            "quadratic",
            "--optimizer",
            "sgd",
            "--schedule",
            "cosine",
            "--clip",
            "1",
        ],
        pytest.param(
            ["4-8-3", "--loss", "cross_entropy", "--optimizer", "nesterov"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["4-8-3", "--loss", "mean_squared_error", "--optimizer", "rmsprop"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_train_encodes_classes_for_any_cost(arguments: list[str]) -> None:
    result = run("train", *arguments, "--data", "iris", "--epochs", "3", "--no-derivation")
    assert result.exit_code == 0, result.output
    assert "test accuracy" in result.stdout


def test_train_two_classes_on_one_output() -> None:
    result = run("train", "30-1", "--data", "breast_cancer", "--epochs", "10", "--no-derivation")
    assert result.exit_code == 0, result.output
    found = re.search(r"test accuracy (\d+\.\d) % \(\d+/114\)", result.stdout)
    assert found
    assert float(found[1]) >= 90


def test_train_takes_a_network_from_a_file(own: Path) -> None:
    result = run("train", f"{own}:net", *SMALL[2:4], *SMALL[6:], "--epochs", "2", "--no-derivation")
    assert result.exit_code == 0, result.output


def test_train_refuses_a_schedule_that_is_not_known() -> None:
    line = refused("train", "4-3", "--data", "iris", "--schedule", "cosin")
    assert "did you mean 'cosine'" in line


def test_train_says_which_sizes_the_data_have() -> None:
    line = refused("train", "64-30-9", "--data", "digits")
    assert line == "symbp: digits has 64 features and 10 classes: use 64-30-10"
    line = refused("train", "9-4-2", "--data", "diabetes")
    assert line == "symbp: diabetes has 10 features and 1 number to predict: use 10-4-1"


def test_train_refuses_data_that_are_not_there() -> None:
    assert "did you mean 'digits'" in refused("train", "64-30-10", "--data", "digit")
    assert "no such file" in refused("train", "64-30-10", "--data", "nothing.csv")


@pytest.mark.parametrize("option", [["--epochs", "0"], ["--batch-size", "0"], ["--dtype", "int8"]])
def test_train_refuses_options_out_of_range(option: list[str]) -> None:
    assert run("train", "4-8-3", "--data", "iris", *option).exit_code == 2


# --- what a hostile user types -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["derive", "4-0-2"], 2, "mlp size: expected a positive int, got 0"),
        (["derive", "4--2"], 2, "'4--2' is not a network"),
        (["derive", "4-2", "--activation", ""], 2, "activation ''"),
        (["derive", "4-2", "-o", "."], 1, "Is a directory"),
        (["generate", "4-2", "-o", "."], 1, "symbp: .: Is a directory"),
        (["generate", "4-2", "-o", "m.py", "--learning-rate", "nan"], 2, "--learning-rate nan"),
        (["check", "99999999-9999999"], 1, "not enough memory"),
        (["check", "4-2", "--loss", "foo"], 2, "loss 'foo': did you mean 'focal'? known:"),
        (["train", "2-2", "--data", "empty.csv"], 2, "empty.csv is empty"),
        (["train", "2-2", "--data", "ragged.csv"], 2, "ragged.csv, row 3: 2 values where 3"),
        (["train", "2-2", "--data", "noise.csv"], 2, "noise.csv is not UTF-8 text"),
        (["train", "2-2", "--data", "noise.npz"], 2, "noise.npz cannot be read as arrays"),
        (["train", "2-2", "--data", "lengths.npz"], 2, "x has 5 examples, y has shape (4,)"),
        (["train", "2-2", "--data", "inf.npz"], 2, "x[0, 0] is inf: expected a finite number"),
        (["train", "4-3", "--data", "iris", "--parameters", "no/p.npz"], 1, "no folder no"),
        (["train", "4-3", "--data", "iris", "--parameters", "."], 1, ".: expected a file to write"),
        (["train", "4-3", "--data", "iris", "--test-fraction", "nan"], 2, "test fraction nan"),
    ],
)
def test_bad_requests_end_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.csv").write_bytes(b"")
    Path("ragged.csv").write_text("a,b,c\n1,2,0\n3,4\n", encoding="utf-8")
    for name in ("noise.csv", "noise.npz"):
        Path(name).write_bytes(bytes(range(255, 0, -1)))
    np.savez("lengths.npz", x=np.ones((5, 2)), y=np.ones(4))
    np.savez("inf.npz", x=np.full((20, 2), np.inf), y=np.arange(20) % 2)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert message in lines[0]


def test_an_interrupt_ends_without_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "symbp", "derive", f"{path}:net"], capture_output=True, text=True
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_program_without_an_output_is_not_trained(tmp_path: Path) -> None:
    model = tmp_path / "model.py"
    model.write_text(
        "import symbp as bp\n"
        "n, k, j = bp.indices('n k j', 'N', 4, 3)\n"
        "x, y = bp.input('x', n, k), bp.target('y', n, j)\n"
        "w, C = bp.parameter('w', j, k), bp.tensor('C')\n"
        "error = bp.Sum(w[j, k] * x[n, k], k) - y[n, j]\n"
        "net = bp.Program([bp.Equation(C, bp.Mean(error**2, n, j))], cost=C)\n"
    )
    assert "has no output to score" in refused("train", f"{model}:net", "--data", "iris")
