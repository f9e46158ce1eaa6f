"""Tables from files: read by pandas, prepared by scikit-learn.

pandas reads what symbp does not: compressed files, Parquet and Arrow, quotes, separators; it knows
formats of dates; and scikit-learn takes its frames with the names of their columns. It is an extra.
"""

from importlib.util import find_spec

for _name in ("pandas", "sklearn"):
    if find_spec(_name) is None:
        raise ImportError(f"reading tables needs {_name}: pip install 'symbp[tables]'")
