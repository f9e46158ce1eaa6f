#!/usr/bin/env bash
# PyTorch: NAdam of parameters in float64 is right to 8 digits only; Adam, RAdam and Adamax to 16.
#
# What one would guess: an optimizer computes in the dtype of its parameters. The moments are float64, and
# state that is one number (the step count) is a whole number, exact in any dtype.
#
# What happens: NAdam also keeps the product of its momentum coefficients, which is no whole number, in the
# default dtype: float32 unless torch.set_default_dtype says otherwise. After 20 steps a weight in float64
# differs from the published formula by 1e-8 of itself. With the default dtype set to float64, by rounding.
#
# Who meets it: who trains in float64, compares optimizers or checkpoints to more than 7 digits, or takes
# PyTorch as the reference of an implementation of their own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
torch 2.13.0
default dtype torch.float32: mu_product torch.float32, exp_avg torch.float64, off by 9e-09
default dtype torch.float64: mu_product torch.float64, exp_avg torch.float64, off by rounding
EOF

"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'EOF'
import math

import torch

print("torch", torch.__version__.split("+")[0])


def by_torch(steps):
    weight = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.NAdam([weight], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
    return weight.item(), optimizer.state[weight]


def by_formula(steps):
    w, m, v, product = 0.3, 0.0, 0.0, 1.0
    for t in range(1, steps + 1):
        g = 2 * w
        now, later = (0.9 * (1 - 0.5 * 0.96 ** (s * 0.004)) for s in (t, t + 1))
        product *= now
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        mean = later * m / (1 - product * later) + (1 - now) * g / (1 - product)
        w -= 0.1 * mean / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


expected = by_formula(20)
for dtype in (torch.float32, torch.float64):
    torch.set_default_dtype(dtype)
    found, state = by_torch(20)
    error = abs(found - expected) / abs(expected)
    kept = f"mu_product {state['mu_product'].dtype}, exp_avg {state['exp_avg'].dtype}"
    print(f"default dtype {dtype}: {kept}, off by {'rounding' if error < 1e-14 else f'{error:.0e}'}")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
