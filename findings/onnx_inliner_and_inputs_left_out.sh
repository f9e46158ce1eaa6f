#!/usr/bin/env bash
# ONNX's inliner stops at a node that leaves out an optional input before one that it gives.
#
# What one would guess: onnx.inliner.inline_selected_functions(…, inline_schema_functions=True) writes the operators that the
# standard defines by others in those others, for every valid node; a left-out optional input is the empty name.
#
# What happens: where the definition depends on the node (Attention, LinearAttention, CausalConvWithState), the inliner asks for the type of
# every input, also of the empty name, and raises RuntimeError "Type unknown for", with a path of its C++ source. With
# fewer inputs, none left out in between, the same operator is inlined. onnx.checker accepts both.
#
# Who meets it: who lowers models with a key and value cache (no mask, but a past) to basic operators. A way around: parse
# what schema.get_context_dependent_function gives with empty types, and inline that as a function of the model.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
onnx 1.23.2
['q', 'k', 'v'] -> inlined
['q', 'k', 'v', '', 'past_key', 'past_value'] -> RuntimeError Type unknown for
EOF

"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'EOF'
import onnx
from onnx import TensorProto, helper, inliner

print("onnx", onnx.__version__)
shape = [1, 2, 4, 8]


def model(inputs):
    node = helper.make_node("Attention", inputs, ["y", "key", "value"][: 3 if len(inputs) > 3 else 1])
    given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in inputs if n]
    results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N"] * 4) for n in node.output]
    graph = helper.make_graph([node], "g", given, results)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)])
    onnx.checker.check_model(made, full_check=True)
    return made


for inputs in (["q", "k", "v"], ["q", "k", "v", "", "past_key", "past_value"]):
    try:
        made = inliner.inline_selected_functions(
            model(inputs), [("", "Attention")], inline_schema_functions=True
        )
        print(inputs, "->", "inlined" if len(made.graph.node) > 1 else "as it was")
    except Exception as error:
        print(inputs, "->", type(error).__name__, str(error).rpartition(": ")[2].strip())
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
