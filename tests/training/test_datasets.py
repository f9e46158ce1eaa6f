"""What becomes a data set, what is refused and in which words, and how it is split."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbp.notation.errors import SymbpError
from symbp.training.datasets import BUNDLED, Dataset, load_dataset, split, standardise


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


def npz(tmp_path: Path, **arrays: object) -> Path:
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def labelled(counts: list[int]) -> Dataset:
    y = np.repeat(np.arange(len(counts)), counts)
    x = np.arange(len(y), dtype=np.float64).reshape(-1, 1)
    return Dataset("made", x, y, tuple("abcdefgh"[: len(counts)]), ("x0",))


@pytest.mark.parametrize(
    ("name", "shape", "outputs"),
    [
        ("digits", (1797, 64), 10),
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
        ("breast_cancer", (569, 30), 2),
        ("diabetes", (442, 10), 1),
    ],
)
def test_bundled_data_sets(name: str, shape: tuple[int, int], outputs: int) -> None:
    data = load_dataset(name)
    assert data.x.shape == shape
    assert data.x.dtype == np.float64
    assert data.outputs == outputs
    assert len(data.feature_names) == data.features == shape[1]
    if name == "diabetes":
        assert data.classes is None
        assert data.y.shape == (442, 1)
    else:
        assert data.classes is not None
        assert data.y.shape == (shape[0],)
        assert set(data.y) == set(range(outputs))


def test_without_scikit_learn_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SymbpError, match="pip install scikit-learn"):
        load_dataset("digits")


def test_an_unknown_name_lists_the_nearest() -> None:
    with pytest.raises(SymbpError, match="did you mean 'digits'"):
        load_dataset("digit")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SymbpError, match=r"nowhere\.npz: no such file"):
        load_dataset("nowhere.npz")


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_data_set_takes_no_target(name: str) -> None:
    with pytest.raises(SymbpError, match="leave out"):
        load_dataset(name, target="y")


# --- .npz ------------------------------------------------------------------------------------


def test_npz_integers_are_labels_and_images_become_rows(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, x=np.zeros((4, 2, 3), "uint8"), y=np.array([7, 3, 7, 3])))
    assert data.x.shape == (4, 6)
    assert data.classes == ("3", "7")
    assert data.y.tolist() == [1, 0, 1, 0]


def test_npz_floats_are_numbers(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, x=np.eye(3), y=np.array([0.5, 1, 2])))
    assert data.classes is None
    assert data.y.shape == (3, 1)


def test_npz_target_and_kind_can_be_chosen(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.eye(4), count=np.array([0, 1, 0, 1]))
    assert load_dataset(path, "count").classes == ("0", "1")
    assert load_dataset(path, "count", classes=False).classes is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.eye(3)}, "no array 'y': it has x"),
        ({"x": np.eye(3), "y": np.arange(2)}, "x has 3 examples, y has shape"),
        ({"x": np.arange(3), "y": np.arange(3)}, "expected .examples, features."),
        ({"x": np.array([["a"]]), "y": np.arange(1)}, "expected numbers"),
        ({"x": np.array([[1.0], [np.nan]]), "y": np.arange(2)}, r"x\[1, 0\] is nan"),
        ({"x": np.eye(2), "y": np.array([0.0, np.inf])}, r"y\[1, 0\] is inf"),
        ({"x": np.eye(2), "y": np.array([5, 5])}, "every y is 5"),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0)}, "nothing to learn from"),
        ({"x": np.eye(2), "y": np.array([{}, {}], dtype=object)}, "cannot be read"),
    ],
)
def test_npz_errors_are_one_line(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    with pytest.raises(SymbpError, match=message) as caught:
        load_dataset(npz(tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(b"not an archive")
    with pytest.raises(SymbpError, match="cannot be read"):
        load_dataset(path)


# --- .csv ------------------------------------------------------------------------------------


def test_csv_with_header_and_text_classes(tmp_path: Path) -> None:
    data = load_dataset(csv(tmp_path, "\ufeffwidth,height,kind\n1,2,oak\n3,4,ash\n"))
    assert data.feature_names == ("width", "height")
    assert data.x.tolist() == [[1, 2], [3, 4]]
    assert data.classes == ("ash", "oak")
    assert data.y.tolist() == [1, 0]


def test_csv_without_header(tmp_path: Path) -> None:
    data = load_dataset(csv(tmp_path, "1;2;oak\n3;4;ash\n\n"))
    assert data.feature_names == ("column 1", "column 2")
    assert len(data) == 2


def test_csv_target_by_name(tmp_path: Path) -> None:
    data = load_dataset(csv(tmp_path, "kind,1,2\noak,1,2\nash,3,4\n"), target="kind")
    assert data.feature_names == ("1", "2")
    assert data.classes == ("ash", "oak")


def test_csv_numbers_are_labels_only_if_they_count_classes(tmp_path: Path) -> None:
    labels = csv(tmp_path, "a,b\n" + "1,0\n2,1\n" * 3)
    assert load_dataset(labels).classes == ("0", "1")
    assert load_dataset(labels, classes=False).classes is None
    numbers = csv(tmp_path, "a,b\n" + "1,0.5\n2,1\n" * 3)
    assert load_dataset(numbers).classes is None
    assert load_dataset(numbers, classes=True).classes == ("0.5", "1.0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n,3\n", "row 3: no value for a"),
        ("a,b\n1,2\nNA,3\n", "row 3: no value for a"),
        ("a,b\n1,2\n1,?\n", "row 3: no value for b"),
        ("a,b\n1,2\nx,3\n", "row 3: a is 'x', not a number"),
        ("a,b\n1,2\ninf,3\n", "row 3: a is inf: expected a finite number"),
        ("a,b\n1,2\n1,2,3\n", "row 3: 3 values where 2 are expected"),
        ("a,b\n", "a header and no rows"),
        ("", "is empty"),
        ("1\n2\n", "one column"),
    ],
)
def test_csv_errors_say_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SymbpError, match=message) as caught:
        load_dataset(csv(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_csv_without_the_target_column_lists_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SymbpError, match="did you mean 'species'"):
        load_dataset(csv(tmp_path, "a,species\n1,2\n"), target="specie")


# --- splitting and standardising --------------------------------------------------------------


@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=8),
    fraction=st.floats(0.05, 0.5),
    seed=st.integers(0, 2**32),
)
def test_a_split_is_stratified_and_loses_nothing(
    counts: list[int], fraction: float, seed: int
) -> None:
    data = labelled(counts)
    train, test = split(data, fraction, seed)
    assert sorted([*train.x[:, 0], *test.x[:, 0]]) == data.x[:, 0].tolist()
    assert len(test) == int(np.ceil(fraction * len(data) - 1e-9))
    for label, count in enumerate(counts):
        held_out = int((test.y == label).sum())
        assert abs(held_out - count * len(test) / len(data)) <= 1
        assert held_out < count


def test_the_same_seed_splits_alike_and_another_does_not() -> None:
    data = labelled([20, 20])
    assert split(data, 0.25, 3)[1].x.tolist() == split(data, 0.25, 3)[1].x.tolist()
    assert split(data, 0.25, 3)[1].x.tolist() != split(data, 0.25, 4)[1].x.tolist()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, float("nan")])
def test_a_fraction_is_between_0_and_1(fraction: float) -> None:
    with pytest.raises(SymbpError, match="between 0 and 1"):
        split(labelled([5, 5]), fraction)


def test_a_split_leaves_something_on_both_sides() -> None:
    with pytest.raises(SymbpError, match="nothing to test on"):
        split(labelled([1, 1]), 0.2)


def test_standardising_uses_the_training_part_only() -> None:
    train = Dataset(
        "a", np.array([[0.0, 0.1], [2.0, 0.1]]), np.array([[1.0], [3]]), None, ("u", "v")
    )
    test = Dataset("a", np.array([[5.0, 0.1]]), np.array([[2.0]]), None, ("u", "v"))
    left, right, units = standardise(train, test)
    assert left.x.tolist() == [[-1, 0], [1, 0]]  # the constant feature stays 0
    assert left.y.tolist() == [[-1], [1]]
    assert right.x.tolist() == [[4, 0]]
    assert right.y.tolist() == [[0]]
    assert units.mean.tolist() == [1, 0.1]
    assert units.scale.tolist() == [1, 1]


def test_labels_are_not_standardised() -> None:
    train, test = split(labelled([6, 6]))
    left, _, units = standardise(train, test)
    assert left.y.tolist() == train.y.tolist()
    assert units.target_mean is None
