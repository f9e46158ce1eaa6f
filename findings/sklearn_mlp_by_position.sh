#!/usr/bin/env bash
# scikit-learn's two networks by position: the first argument of one is not that of the other.
#
# What one would guess: MLPClassifier((100,)) and MLPRegressor((100,)) differ in the task alone; what both have
# stands in one order, hidden layers first, as their common base class and the documentation's examples have it.
#
# What happens: since the regressor has losses to choose from, `loss` is its first parameter and the hidden layers are
# the second. MLPRegressor((100,)) is built without a word, and `fit` says that the loss (100,) is unknown;
# MLPRegressor("poisson") is a network with the default layers.
#
# Who meets it: who changes a classifier into a regressor, or compares other networks with both in one loop.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
scikit-learn 1.9.1
MLPClassifier: hidden_layer_sizes, activation, solver
MLPRegressor: loss, hidden_layer_sizes, activation
MLPClassifier((3,)) has layers (3,)
MLPRegressor((3,)) has layers (100,)
its fit: InvalidParameterError, about 'loss'
EOF

"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'EOF'
import inspect

import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

print("scikit-learn", sklearn.__version__)
for kind in (MLPClassifier, MLPRegressor):
    print(f"{kind.__name__}: {', '.join(list(inspect.signature(kind).parameters)[:3])}")
for kind in (MLPClassifier, MLPRegressor):
    print(f"{kind.__name__}((3,)) has layers {kind((3,)).hidden_layer_sizes}")
try:
    MLPRegressor((3,)).fit([[0.0], [1.0]], [0.0, 1.0])
except ValueError as error:
    print(f"its fit: {type(error).__name__}, about {str(error).split()[1]}")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
