"""From a fitted estimator, or a pipeline that ends in one, to a predictor: one file to copy.

What scikit-learn's transformers have learnt becomes arithmetic and categories of single features,
which the file holds as numbers and text. What mixes features, such as a PCA, is refused.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from symbp.compiler import write_predictor
from symbp.notation.errors import UnsupportedError
from symbp.sklearn.dates import DateNumbers
from symbp.targets.preparation import Feature, Preparation

__all__ = ["export"]


@dataclass(frozen=True)
class _Table:
    """Features made so far, the names of the columns, and which categories these may hold."""

    features: tuple[Feature, ...]
    names: tuple[str, ...]
    known: dict[int, tuple[Any, ...]]

    def label(self, column: int) -> str:
        """Return what a column is called."""
        return f"column {self.names[column]!r}" if self.names else f"column {column}"


def export(model: Any, path: str | os.PathLike[str], missing: Sequence[str] = ()) -> Path:
    """Write a fitted estimator, or a pipeline that ends in one, as a module that predicts.

    The file needs no symbp and no scikit-learn: it holds the network with its parameters, the
    names of columns and classes, and what is done to a table before: scaling, imputation,
    categories. It offers ``predict``; for classes ``classify`` and ``predict_proba`` too.

    Parameters
    ----------
    model : SymbpClassifier, SymbpRegressor, SymbpTransformer or Pipeline
        Of a pipeline, steps before may be scalers, ``SimpleImputer``, ``OneHotEncoder``,
        ``OrdinalEncoder``, `DateNumbers`, and ``ColumnTransformer`` and ``Pipeline`` of these.
    path : path
        Where to write.
    missing : sequence of str
        What text stands for a missing value, besides None and NaN: ``("", "NA")``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UnsupportedError
        A step is none of these.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from symbp.sklearn import SymbpClassifier, export
    >>> x, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SymbpClassifier((8,), optimizer="lbfgs"))
    >>> export(model.fit(x, y), pathlib.Path(tempfile.mkdtemp()) / "iris.py").name
    'iris.py'
    """
    steps: list[Any] = []
    estimator = model
    if isinstance(model, Pipeline):
        *before, (_, estimator) = model.steps
        steps = [step for _, step in before if step not in (None, "passthrough")]
    if not hasattr(estimator, "_meaning"):
        raise UnsupportedError(
            f"export: expected an estimator of symbp.sklearn, or a pipeline that ends in one, got "
            f"{type(estimator).__name__}"
        )
    check_is_fitted(estimator)
    first = steps[0] if steps else estimator
    count, names = int(first.n_features_in_), getattr(first, "feature_names_in_", ())
    table = _Table(tuple(Feature(column) for column in range(count)), tuple(map(str, names)), {})
    for step in steps:
        table = _after(step, table)
    table = _as_read(estimator, table)
    program, meaning = estimator._meaning()
    preparation = Preparation(
        count, table.features, table.names, table.known, missing=tuple(missing), **meaning
    )
    return write_predictor(program, path, estimator.trainer_, preparation, estimator.dtype_)


def _as_read(estimator: Any, table: _Table) -> _Table:
    """Return the features in the order in which a network reads them: numbers, then codes."""
    categories, features, known = estimator._categories, table.features, dict(table.known)
    numbers = categories.numbers(len(features))
    scaled = replace(table, features=tuple(features[place] for place in numbers))
    if estimator.scaler_ is not None:
        scaled = _after(estimator.scaler_, scaled)
    codes = []
    for place, count in zip(categories.places, categories.counts, strict=True):
        feature = _raw("categorical_features", features[place], ("number", "code"))
        if feature.kind == "number":
            known[feature.column] = tuple(range(count))
            feature = replace(feature, kind="code", detail=known[feature.column])
        if len(feature.detail) > count:
            raise UnsupportedError(
                f"export: {table.label(feature.column)} has {len(feature.detail)} categories, "
                f"{count} of which were in training: categorical_features={{column: "
                f"{len(feature.detail)}}} lets the network know all"
            )
        codes.append(feature)
    return replace(table, features=(*scaled.features, *codes), known=known)


def _after(step: Any, table: _Table) -> _Table:
    """Return the features after a transformer."""
    for kind, follow in _STEPS.items():
        if type(step) is kind:
            return follow(step, table)
    known = ", ".join(kind.__name__ for kind in _STEPS)
    raise UnsupportedError(
        f"export: {type(step).__name__} is none of {known}; write the features that it makes into "
        f"the table, or export the estimator behind it"
    )


def _with_steps(table: _Table, *arithmetic: tuple[str, Any]) -> _Table:
    """Return features with further arithmetic, a number for each feature; None is none."""
    features = []
    for place, feature in enumerate(table.features):
        more = tuple(
            (sign, float(numbers[place])) for sign, numbers in arithmetic if numbers is not None
        )
        features.append(replace(feature, steps=(*feature.steps, *more)))
    return replace(table, features=tuple(features))


def _standard(step: Any, table: _Table) -> _Table:
    mean = step.mean_ if step.with_mean else None
    return _with_steps(table, ("-", mean), ("/", step.scale_ if step.with_std else None))


def _min_max(step: Any, table: _Table) -> _Table:
    if step.clip:
        raise UnsupportedError("export: MinMaxScaler(clip=True)")
    return _with_steps(table, ("*", step.scale_), ("+", step.min_))


def _max_abs(step: Any, table: _Table) -> _Table:
    if getattr(step, "clip", False):
        raise UnsupportedError("export: MaxAbsScaler(clip=True)")
    return _with_steps(table, ("/", step.scale_))


def _robust(step: Any, table: _Table) -> _Table:
    center = step.center_ if step.with_centering else None
    return _with_steps(table, ("-", center), ("/", step.scale_ if step.with_scaling else None))


def _function(step: Any, table: _Table) -> _Table:
    if step.func is not None:
        raise UnsupportedError("export: FunctionTransformer of a function, which is code")
    return table


def _raw(name: str, feature: Feature, kinds: Sequence[str] = ("number",)) -> Feature:
    """Return a feature that is a column still, as it was or with its gaps filled."""
    if feature.kind not in kinds or feature.steps:
        raise UnsupportedError(f"export: {name} of what was changed before")
    return feature


def _imputer(step: Any, table: _Table) -> _Table:
    if not _is_gap(step.missing_values):
        raise UnsupportedError(f"export: SimpleImputer(missing_values={step.missing_values!r})")
    features = []
    for place, given in enumerate(table.features):
        feature = _raw("SimpleImputer", given, ("number", "date"))
        fill = step.statistics_[place]
        if _is_gap(fill):
            if step.keep_empty_features:
                features.append(replace(feature, fill=0))
            continue  # a column without any value is left out
        # What was filled before has no gaps any more.
        features.append(feature if feature.fill is not None else replace(feature, fill=fill))
    if step.add_indicator:
        features += [
            Feature(table.features[place].column, "gap") for place in step.indicator_.features_
        ]
    return replace(table, features=tuple(features))


def _one_hot(step: Any, table: _Table) -> _Table:
    if step.drop is not None or step.min_frequency is not None or step.max_categories is not None:
        raise UnsupportedError("export: OneHotEncoder with drop, min_frequency or max_categories")
    features, known = [], dict(table.known)
    for given, categories in zip(table.features, step.categories_, strict=True):
        feature = _raw("OneHotEncoder", given)
        named = tuple(map(_name, categories))
        if step.handle_unknown == "error":
            known[feature.column] = named
        elif step.handle_unknown != "ignore":
            raise UnsupportedError(f"export: OneHotEncoder({step.handle_unknown!r})")
        features += [replace(feature, kind="is", detail=name) for name in named]
    return replace(table, features=tuple(features), known=known)


def _ordinal(step: Any, table: _Table) -> _Table:
    others = step.min_frequency is not None or step.max_categories is not None
    if step.handle_unknown != "error" or others:
        raise UnsupportedError(
            "export: OrdinalEncoder with handle_unknown, min_frequency or max_categories"
        )
    features, known = [], dict(table.known)
    for given, categories in zip(table.features, step.categories_, strict=True):
        feature = _raw("OrdinalEncoder", given)
        named = tuple(map(_name, categories))
        if None in named and step.encoded_missing_value != len(named) - 1:
            raise UnsupportedError(
                f"export: OrdinalEncoder of a column with gaps: fill them before, or give them a "
                f"code by encoded_missing_value={len(named) - 1}"
            )
        known[feature.column] = named
        features.append(replace(feature, kind="code", detail=named))
    return replace(table, features=tuple(features), known=known)


def _dates(step: Any, table: _Table) -> _Table:
    made = []
    for given, detail in zip(table.features, step.parts_, strict=True):
        feature = _raw("DateNumbers", given)
        made += [replace(feature, kind="date", detail=part) for part in detail]
    return replace(table, features=tuple(made))


def _pipeline(step: Any, table: _Table) -> _Table:
    for _, inner in step.steps:
        if inner not in (None, "passthrough"):
            table = _after(inner, table)
    return table


def _columns(step: Any, table: _Table) -> _Table:
    features: list[Feature] = []
    known = dict(table.known)
    for name, inner, _ in step.transformers_:
        places = list(step._transformer_to_input_indices[name])
        if not places or inner == "drop":
            continue
        part = replace(table, features=tuple(table.features[place] for place in places))
        made = part if inner == "passthrough" else _after(inner, part)
        features += made.features
        known |= made.known
    return replace(table, features=tuple(features), known=known)


def _is_gap(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def _name(value: Any) -> Any:
    """Return a category as a plain value, a gap as None."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if _is_gap(value) else value


_STEPS: dict[Any, Callable[[Any, _Table], _Table]] = {
    StandardScaler: _standard,
    MinMaxScaler: _min_max,
    MaxAbsScaler: _max_abs,
    RobustScaler: _robust,
    SimpleImputer: _imputer,
    OneHotEncoder: _one_hot,
    OrdinalEncoder: _ordinal,
    FunctionTransformer: _function,
    DateNumbers: _dates,
    ColumnTransformer: _columns,
    Pipeline: _pipeline,
}


def class_names(classes: Sequence[Any]) -> tuple[Any, ...]:
    """Return classes as plain values, which stand in code as literals."""
    return tuple(value.item() if isinstance(value, np.generic) else value for value in classes)
