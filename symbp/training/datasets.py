"""Data sets for training: scikit-learn's bundled ones, and the user's ``.npz`` and ``.csv`` files.

Every source becomes the same frozen `Dataset`: float64 features, and a target that is either
integer class labels or float columns. Whatever cannot become that is refused in one line that
says where it stands.
"""

import importlib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.notation.errors import SymbpError, suggest
from symbp.training.tables import read_csv

__all__ = [
    "BUNDLED",
    "Dataset",
    "Standardisation",
    "held_out",
    "load_dataset",
    "split",
    "standardise",
]

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")


@dataclass(frozen=True)
class Dataset:
    """Examples and their targets.

    Attributes
    ----------
    name : str
        As the user wrote it, without folder and suffix.
    x : float64 array of shape (N, features)
        The features.
    y : int64 array of shape (N,), or float64 array of shape (N, outputs)
        Labels 0 … K-1 that index `classes`, or the numbers to predict.
    classes : tuple of str, or None
        The names of the classes; None where `y` holds numbers.
    feature_names : tuple of str
        One name a column of `x`.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.int64] | NDArray[np.float64]
    classes: tuple[str, ...] | None
    feature_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def features(self) -> int:
        """The number of features."""
        return int(self.x.shape[1])

    @property
    def outputs(self) -> int:
        """The number of classes, or of numbers to predict."""
        return int(self.y.shape[1]) if self.classes is None else len(self.classes)

    def rows(self, which: NDArray[np.int64]) -> "Dataset":
        """Return the data set of some of the examples.

        Parameters
        ----------
        which : int64 array
            Row numbers, from 0.

        Returns
        -------
        Dataset
            A copy that holds these rows, in this order.
        """
        return replace(self, x=self.x[which], y=self.y[which])


@dataclass(frozen=True)
class Standardisation:
    """The affine map that `standardise` fitted: ``(x - mean) / scale``.

    Attributes
    ----------
    mean, scale : float64 arrays of shape (features,)
        Of the training part; the scale of a constant feature is 1, so that it becomes 0.
    target_mean, target_scale : float64 arrays of shape (outputs,), or None
        The same for the numbers to predict; None for classes.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    target_mean: NDArray[np.float64] | None
    target_scale: NDArray[np.float64] | None

    def apply(self, dataset: Dataset) -> Dataset:
        """Return the data set in standardised units.

        Parameters
        ----------
        dataset : Dataset
            With the features that the map was fitted to.

        Returns
        -------
        Dataset
            With `x`, and `y` where it holds numbers, mapped.
        """
        x = (dataset.x - self.mean) / self.scale
        if self.target_mean is None or self.target_scale is None:
            return replace(dataset, x=x)
        return replace(dataset, x=x, y=(dataset.y - self.target_mean) / self.target_scale)


def load_dataset(
    name_or_path: str | Path,
    target: str | None = None,
    classes: bool | None = None,
    header: bool | None = None,
) -> Dataset:
    """Load a bundled data set by name, or a ``.npz`` or ``.csv`` file.

    Parameters
    ----------
    name_or_path : str or Path
        One of `BUNDLED`; a ``.npz`` file with arrays ``x`` and ``y``; or a ``.csv`` file.
    target : str, optional
        The column of a ``.csv`` that is to be predicted (by default the last), or the array of
        a ``.npz`` (by default ``y``).
    classes : bool, optional
        Whether the target is a class. By default text is, integer arrays of a ``.npz`` are, and
        a ``.csv`` column is if its values are exactly the integers 0 … K-1, at least twice as
        many examples as classes.
    header : bool, optional
        Whether the first row of a ``.csv`` is a header; by default it is if no cell of it is a
        number, and otherwise it is data, of which a warning tells.

    Returns
    -------
    Dataset
        With finite float64 features.

    Raises
    ------
    SymbpError
        If there is no such data set, file, array or column, or its content is not numbers.

    Examples
    --------
    >>> iris = load_dataset("iris")
    >>> iris.x.shape, iris.classes
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    text = str(name_or_path)
    path = Path(text)
    if header is not None and path.suffix.lower() != ".csv":
        raise SymbpError(f"{text}: only a .csv file has a header")
    if text in BUNDLED:
        if target is not None or classes is not None:
            raise SymbpError(f"{text} has a target of its own: leave out the choice of one")
        return _bundled(text)
    if path.suffix.lower() not in (".npz", ".csv"):
        hint = suggest(text, BUNDLED)
        raise SymbpError(f"no data set {text!r}: {hint}, or a .npz or .csv file")
    if not path.is_file():
        raise SymbpError(f"{text}: no such file")
    if path.suffix.lower() == ".npz":
        return _npz(path, "y" if target is None else target, classes)
    table = read_csv(path, target, header)
    y, names = _target(path, table.target_name, table.target, classes)
    return Dataset(path.stem, table.features, y, names, table.feature_names)


def _bundled(name: str) -> Dataset:
    try:
        source = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise SymbpError(
            f"{name} comes with scikit-learn, which is not installed: pip install scikit-learn"
        ) from error
    bunch: Any = getattr(source, f"load_{name}")()
    x = np.ascontiguousarray(bunch.data, dtype=np.float64)
    features = tuple(str(feature) for feature in bunch.feature_names)
    if name == "diabetes":
        y = np.ascontiguousarray(bunch.target, dtype=np.float64).reshape(-1, 1)
        return Dataset(name, x, y, None, features)
    labels = np.ascontiguousarray(bunch.target, dtype=np.int64)
    return Dataset(name, x, labels, tuple(str(label) for label in bunch.target_names), features)


def _npz(path: Path, target: str, classes: bool | None) -> Dataset:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise SymbpError(f"{path} is not a .npz archive but a single array")
            for key in ("x", target):
                if key not in arrays.files:
                    held = ", ".join(sorted(arrays.files)) or "none"
                    raise SymbpError(f"{path} has no array {key!r}: it has {held}")
            x, y = arrays["x"], arrays[target]
    except SymbpError:
        raise
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        # NumPy refuses arrays of objects here: loading them would run code.
        raise SymbpError(f"{path} cannot be read as arrays of numbers: {error}") from error
    if x.ndim < 2:
        raise SymbpError(f"{path}: x has shape {x.shape}; expected (examples, features)")
    if x.dtype.kind not in "buif":
        raise SymbpError(f"{path}: x holds {x.dtype}; expected numbers")
    if y.ndim == 0 or len(x) != len(y):
        raise SymbpError(f"{path}: x has {len(x)} examples, {target} has shape {y.shape}")
    if x.size == 0:
        raise SymbpError(f"{path}: x has shape {x.shape}: there is nothing to learn from")
    # Images and the like: a data set's features are one row an example.
    features = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64)
    _require_finite(path, "x", features)
    labels, names = _target(path, target, y, classes)
    return Dataset(
        path.stem, features, labels, names, tuple(f"x{k}" for k in range(features.shape[1]))
    )


def _require_finite(path: Path, name: str, values: NDArray[np.float64]) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise SymbpError(
            f"{path}: {name}[{row}, {column}] is {values[row, column]}: expected a finite number"
        )


def _target(
    path: Path, name: str, y: NDArray[Any], classes: bool | None
) -> tuple[NDArray[np.int64] | NDArray[np.float64], tuple[str, ...] | None]:
    """Return the labels and the names of their classes, or columns of numbers and None."""
    if y.dtype.kind not in "buifUS":
        raise SymbpError(f"{path}: {name} holds {y.dtype}; expected numbers or text")
    text = y.dtype.kind in "US"
    column = y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1)
    if classes is None:
        classes = text or (y.dtype.kind in "bui" and column)
    if not classes:
        if text:
            raise SymbpError(f"{path}: {name} is text, such as {str(y.flat[0])!r}, not numbers")
        numbers = np.ascontiguousarray(y.reshape(len(y), -1), dtype=np.float64)
        _require_finite(path, name, numbers)
        return numbers, None
    if not column:
        raise SymbpError(f"{path}: {name} has shape {y.shape}; expected one class an example")
    if y.dtype.kind == "f":
        _require_finite(path, name, y.reshape(len(y), -1))
    names, labels = np.unique(y.reshape(-1), return_inverse=True)
    if len(names) < 2:
        raise SymbpError(f"{path}: every {name} is {names[0]}: there is nothing to tell apart")
    # `.item()`: a bytes label prints as text, an int as an int.
    words = (value.decode() if isinstance(value := n.item(), bytes) else str(value) for n in names)
    return labels.astype(np.int64).reshape(-1), tuple(words)


def split(dataset: Dataset, fraction: float = 0.2, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Split a data set into a part to train on and a part that is held out.

    Parameters
    ----------
    dataset : Dataset
        With two examples at least.
    fraction : float
        The share that is held out, rounded up to a whole example. For classes the split is
        stratified: each class keeps its share, to within one example, and at least one example
        to train on.
    seed : int
        Of the generator; the same seed gives the same split.

    Returns
    -------
    train, test : Dataset
        Each in the order of the data set.

    Raises
    ------
    SymbpError
        If the fraction is not between 0 and 1, or leaves one of the parts empty.

    Examples
    --------
    >>> train, test = split(load_dataset("digits"), 0.2, seed=0)
    >>> len(train), len(test)
    (1437, 360)
    """
    labels = None if dataset.classes is None else dataset.y.astype(np.int64)
    test = held_out(len(dataset), labels, fraction, seed)
    return dataset.rows(np.flatnonzero(~test)), dataset.rows(np.flatnonzero(test))


def held_out(
    total: int, labels: NDArray[np.int64] | None, fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Return which examples are held out; for the arguments see `split`.

    Parameters
    ----------
    total : int
        How many examples there are.
    labels : int64 array of shape (total,), or None
        The class of each, from 0; None for numbers.
    fraction, seed
        See `split`.
    """
    if not 0 < fraction < 1:
        raise SymbpError(f"test fraction {fraction:g}: expected a number between 0 and 1")
    generator = np.random.default_rng(seed)
    # The difference keeps 0.1 of 30 examples at 3, whatever the product rounds to.
    wanted = int(np.ceil(fraction * total - 1e-9))
    test = np.zeros(total, dtype=bool)
    if labels is None:
        test[generator.permutation(total)[:wanted]] = True
    else:
        quotas = _apportion(np.bincount(labels), wanted)
        for label, quota in enumerate(quotas):
            members = np.flatnonzero(labels == label)
            test[generator.permutation(members)[:quota]] = True
    if test.all() or not test.any():
        raise SymbpError(
            f"test fraction {fraction:g} of {total} examples leaves nothing to "
            f"{'train on' if test.all() else 'test on'}"
        )
    return test


def _apportion(counts: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """Share `wanted` held-out examples among classes in proportion, by largest remainders."""
    # max: a class of one example is trained on; a class of none has nothing to give.
    available = np.maximum(counts - 1, 0)
    exact = counts * (wanted / counts.sum())
    quotas: NDArray[np.int64] = np.minimum(np.floor(exact).astype(np.int64), available)
    # A stable sort: equal remainders go to the earlier class, on every machine.
    for label in np.argsort(quotas - exact, kind="stable"):
        if quotas.sum() < wanted and quotas[label] < available[label]:
            quotas[label] += 1
    return quotas


def standardise(train: Dataset, test: Dataset) -> tuple[Dataset, Dataset, Standardisation]:
    """Give every feature zero mean and unit variance over the training part.

    The held-out part is mapped with the training part's mean and scale: it must not influence
    what the network sees. Numbers to predict are standardised alike, which leaves R² unchanged
    and lets one learning rate serve any unit.

    Parameters
    ----------
    train, test : Dataset
        Two parts of one data set.

    Returns
    -------
    train, test : Dataset
        In standardised units; a feature that is constant over `train` is 0 there.
    standardisation : Standardisation
        What was applied, to be applied to new examples.
    """
    mean, scale = _mean_and_scale(train.x)
    target_mean, target_scale = (
        _mean_and_scale(train.y.astype(np.float64)) if train.classes is None else (None, None)
    )
    fitted = Standardisation(mean, scale, target_mean, target_scale)
    return fitted.apply(train), fitted.apply(test), fitted


def _mean_and_scale(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # The mean of equal numbers may differ from them in the last bit, and the deviation then
    # is not 0 but rounding: constancy is read from the values.
    constant = x.min(axis=0) == x.max(axis=0)
    mean = np.where(constant, x[0], x.mean(axis=0))
    return mean, np.where(constant, 1.0, x.std(axis=0))
