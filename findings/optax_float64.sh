#!/usr/bin/env bash
# Optax with JAX's 64 bits: some of its numbers are float64, and some are float32 all the same.
#
# What one would guess: with jax_enable_x64 and parameters in float64, what Optax computes is float64: JAX
# makes float64 of a Python float then, and the moments of optax.adam have the dtype of the parameters.
#
# What happens: it depends on the function. cosine_decay_schedule gives float64; exponential_decay,
# linear_schedule and polynomial_schedule, for the same count, float32, so that a learning rate of 0.093 is off
# by 2e-8 of itself. MultiSteps, which averages the gradients of several batches, keeps them in float32 whatever the
# parameters are in: the mean of 0.1 and 0.2 is off by 5e-9 of itself, though the update that comes out says float64.
#
# Who meets it: who trains in float64 (physics-informed networks, comparisons of optimizers to the last digits,
# resumed runs) with a schedule or with gradients accumulated over batches.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optax==0.2.8 jax==0.10.2 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
optax 0.2.8 jax 0.10.2
cosine_decay_schedule    float64  off by 0e+00
exponential_decay        float32  off by 2e-08
linear_schedule          float32  off by 2e-08
polynomial_schedule      float32  off by 2e-08
adam, moments            float64
MultiSteps, mean so far  float32
update of MultiSteps     float64  off by 5e-09
EOF

"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'EOF'
import math

import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import optax

print("optax", optax.__version__, "jax", jax.__version__)
count = jnp.array(7, jnp.int32)
SCHEDULES = {
    "cosine_decay_schedule": (
        optax.cosine_decay_schedule(0.1, 100), 0.05 * (1 + math.cos(math.pi * 7 / 100)),
    ),
    "exponential_decay": (optax.exponential_decay(0.1, 100, 0.5), 0.1 * 0.5 ** (7 / 100)),
    "linear_schedule": (optax.linear_schedule(0.1, 0.0, 100), 0.1 * (1 - 7 / 100)),
    "polynomial_schedule": (optax.polynomial_schedule(0.1, 0.0, 1, 100), 0.1 * (1 - 7 / 100)),
}


def off(found, expected):
    error = abs(float(found) - expected) / abs(expected)
    return "0e+00" if error < 1e-15 else f"{error:.0e}"


for name, (schedule, expected) in SCHEDULES.items():
    rate = schedule(count)
    print(f"{name:<24} {rate.dtype}  off by {off(rate, expected)}")
weights = jnp.array([0.3])
moments = optax.adam(0.1).init(weights)[0].mu
print(f"adam, moments            {moments.dtype}")
steps = optax.MultiSteps(optax.sgd(1.0), 2)
state = steps.init(weights)
print(f"MultiSteps, mean so far  {state.acc_grads.dtype}")
for gradient in (0.1, 0.2):
    update, state = steps.update(jnp.array([gradient]), state, weights)
print(f"update of MultiSteps     {update.dtype}  off by {off(update[0], -0.15)}")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
