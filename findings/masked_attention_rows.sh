#!/usr/bin/env bash
# Attention over a sequence of padding only: NaN, 0, finite numbers or the mean of the padding, depending on
# an option, on training or evaluation, and on the library.
#
# What one would guess: a softmax over nothing is 0/0, so NaN, in every path; or, where a library guards
# against it, 0 in every path. Asking for the weights as well, or evaluating instead of training, changes
# nothing.
#
# What happens, in PyTorch: MultiheadAttention gives NaN with need_weights=True (the default) and the weights'
# gradient is NaN even if the cost reads only the other sequence; with need_weights=False it gives 0, and the
# gradient is finite. TransformerEncoderLayer is finite in training, and in evaluation as long as gradients
# are recorded; under no_grad it takes a fast path that gives NaN, and a TransformerEncoder around it gives 0,
# or NaN with enable_nested_tensor=False. JAX's and Flax's dot_product_attention mask with a large negative
# number: the result is the mean of all values, of those that the mask was to hide.
#
# Who meets it: who has an empty example in a batch (an empty sentence, a padded graph, a fully masked
# modality), trains without seeing it and gets NaN in evaluation; who moves such a model from one library to
# the other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
torch 2.13.0, jax 0.10.2, flax 0.12.8
MultiheadAttention, need_weights=True: other sequence finite, padding NaN, gradient NaN
MultiheadAttention, need_weights=False: other sequence finite, padding 0, gradient finite
TransformerEncoderLayer, training: other sequence finite, padding finite
TransformerEncoderLayer, evaluation with gradients: other sequence finite, padding finite
TransformerEncoderLayer, evaluation under no_grad: other sequence finite, padding NaN
TransformerEncoder, evaluation under no_grad: other sequence finite, padding 0
TransformerEncoder without nested tensors, evaluation under no_grad: other sequence finite, padding NaN
torch scaled_dot_product_attention of the values 2, 3: 0.0
jax.nn.dot_product_attention of the values 2, 3: 2.5
flax.linen.dot_product_attention of the values 2, 3: 2.5
EOF

JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'EOF'
import flax
import flax.linen
import jax
import jax.numpy as jnp
import torch
from torch import nn

print(f"torch {torch.__version__.split('+')[0]}, jax {jax.__version__}, flax {flax.__version__}")
torch.manual_seed(0)
x = torch.randn(2, 3, 4)
padding = torch.tensor([[False, False, True], [True, True, True]])


def said(result):
    if result.isnan().all():
        return "NaN"
    if result.isnan().any():
        return "partly NaN"
    return "0" if (result == 0).all() else "finite"


def both(result):
    return f"other sequence {said(result[0])}, padding {said(result[1])}"


for need_weights in (True, False):
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    out, _ = attention(x, x, x, key_padding_mask=padding, need_weights=need_weights)
    out[0].sum().backward()
    gradient = said(attention.in_proj_weight.grad)
    print(f"MultiheadAttention, need_weights={need_weights}: {both(out)}, gradient {gradient}")

layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
print("TransformerEncoderLayer, training:", both(layer(x, src_key_padding_mask=padding)))
layer.eval()
out = layer(x, src_key_padding_mask=padding)
print("TransformerEncoderLayer, evaluation with gradients:", both(out))
with torch.no_grad():
    out = layer(x, src_key_padding_mask=padding)
    print("TransformerEncoderLayer, evaluation under no_grad:", both(out))
    out = nn.TransformerEncoder(layer, 1).eval()(x, src_key_padding_mask=padding)
    print("TransformerEncoder, evaluation under no_grad:", both(out))
    plain = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False).eval()
    out = plain(x, src_key_padding_mask=padding)
    print("TransformerEncoder without nested tensors, evaluation under no_grad:", both(out))

q, k, v = torch.ones(1, 1), torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [3.0]])
mask = torch.zeros(1, 2, dtype=torch.bool)
out = nn.functional.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask)
print("torch scaled_dot_product_attention of the values 2, 3:", out.item())
q, k, v = (jnp.asarray(each.numpy()).reshape(1, -1, 1, 1) for each in (q, k, v))
mask = jnp.zeros((1, 1, 1, 2), dtype=bool)
for name, function in (
    ("jax.nn", jax.nn.dot_product_attention),
    ("flax.linen", flax.linen.dot_product_attention),
):
    out = function(q, k, v, mask=mask).item()
    print(f"{name}.dot_product_attention of the values 2, 3: {out}")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
