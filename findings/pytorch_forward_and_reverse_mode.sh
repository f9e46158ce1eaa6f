#!/usr/bin/env bash
# PyTorch: forward mode and reverse mode give different slopes of the same function at the same point.
#
# What one would guess: at a kink a library chooses one slope and both modes use it: jacfwd and jacrev are two
# orders of multiplying the same factors, so they differ by rounding, or by NaN where 0 meets infinity.
#
# What happens: the two modes have formulas of their own. prelu with slope 1/4 at 0: reverse 0.25, forward 1.
# maximum(x, y) with a NaN: reverse gives the whole gradient to both (1 and 1, a sum of 2, where a tie gives
# 1/2 and 1/2), forward 0 to the first and 1 to the second, wherever the NaN is. atan2(0, 0): reverse 0 and 0,
# forward NaN and NaN. A plain maximum at a tie, relu, leaky_relu and abs agree.
#
# Who meets it: who compares jacfwd with jacrev, takes Hessians by forward over reverse, or checks gradients
# in forward mode, on inputs with exact zeros: padding, a ReLU before the PReLU, integers, a vector of length
# 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
torch 2.13.0
prelu(0), slope 1/4                reverse [0.25]       forward [1.0]
leaky_relu(0), slope 1/4           reverse [0.25]       forward [0.25]
maximum(1, 1)                      reverse [0.5, 0.5]   forward [0.5, 0.5]
maximum(nan, 1)                    reverse [1.0, 1.0]   forward [0.0, 1.0]
maximum(1, nan)                    reverse [1.0, 1.0]   forward [0.0, 1.0]
atan2(0, 0)                        reverse [0.0, 0.0]   forward [nan, nan]
EOF

"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'EOF'
import torch
from torch.func import jacfwd, jacrev
from torch.nn.functional import leaky_relu, prelu

print("torch", torch.__version__.split("+")[0])
slope = torch.tensor([0.25])
nan = float("nan")
POINTS = {
    "prelu(0), slope 1/4": (lambda x: prelu(x, slope).sum(), [0.0]),
    "leaky_relu(0), slope 1/4": (lambda x: leaky_relu(x, 0.25).sum(), [0.0]),
    "maximum(1, 1)": (lambda x: torch.maximum(x[0], x[1]), [1.0, 1.0]),
    "maximum(nan, 1)": (lambda x: torch.maximum(x[0], x[1]), [nan, 1.0]),
    "maximum(1, nan)": (lambda x: torch.maximum(x[0], x[1]), [1.0, nan]),
    "atan2(0, 0)": (lambda x: torch.atan2(x[0], x[1]), [0.0, 0.0]),
}
for text, (function, at) in POINTS.items():
    x = torch.tensor(at)
    reverse, forward = jacrev(function)(x).tolist(), jacfwd(function)(x).tolist()
    print(f"{text:<34} reverse {reverse!s:<12} forward {forward}")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
