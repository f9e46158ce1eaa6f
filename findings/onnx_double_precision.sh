#!/usr/bin/env bash
# ONNX in double precision: some operators have seven digits, whatever the tensors are in.
#
# What one would guess: in a model whose tensors are all DOUBLE, the reference evaluator, which is plain NumPy and Python's
# math, computes in double precision, and gives what the formulas give.
#
# What happens: Erf is evaluated into float32 arrays and cast back, so it is off by 7e-9, and so is Gelu, which the evaluator
# computes by it. And an attribute is a float32 in the file format, whatever the tensors are: there is no LeakyRelu of
# 0.01, and no Elu of 0.1, in double precision, only of 0.00999999977648258. The checker finds nothing wrong.
#
# Who meets it: who compares an exported network with its source to more than 7 digits, or uses the evaluator as the
# reference of another runtime.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
onnx 1.23.2
Tanh       float64  off by 0e+00
Erf        float64  off by 7e-09
Gelu       float64  off by 1e-08
LeakyRelu  float64  off by 1e-10
Elu        float64  off by 6e-10
EOF

"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'EOF'
import math

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__)
x = np.array([0.5, -0.5, 1.3])


def run(operator, **attributes):
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    given = helper.make_tensor_value_info("x", TensorProto.DOUBLE, [3])
    result = helper.make_tensor_value_info("y", TensorProto.DOUBLE, [3])
    graph = helper.make_graph([node], "g", [given], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    onnx.checker.check_model(model, full_check=True)
    return ReferenceEvaluator(model).run(None, {"x": x})[0]


def off(name, found, right):
    error = np.abs(found - np.array(right)).max()
    print(f"{name:<10} {found.dtype}  off by", "0e+00" if error < 1e-15 else f"{error:.0e}")


off("Tanh", run("Tanh"), [math.tanh(v) for v in x])
off("Erf", run("Erf"), [math.erf(v) for v in x])
off("Gelu", run("Gelu"), [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x])
off("LeakyRelu", run("LeakyRelu", alpha=0.01), [v if v > 0 else 0.01 * v for v in x])
off("Elu", run("Elu", alpha=0.1), [v if v > 0 else 0.1 * math.expm1(v) for v in x])
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
