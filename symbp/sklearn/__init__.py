"""Estimators for scikit-learn: networks of symbp with ``fit``, ``predict`` and ``export``.

They need the extra ``sklearn``; nothing else of symbp imports them.
"""

from importlib.util import find_spec

if find_spec("sklearn") is None:
    raise ImportError("symbp.sklearn needs scikit-learn: pip install 'symbp[sklearn]'")

from symbp.sklearn.classifier import SymbpClassifier
from symbp.sklearn.dates import DateNumbers
from symbp.sklearn.exporting import export
from symbp.sklearn.regressor import SymbpRegressor
from symbp.sklearn.transformer import SymbpTransformer

__all__ = ["DateNumbers", "SymbpClassifier", "SymbpRegressor", "SymbpTransformer", "export"]
