#!/usr/bin/env bash
# JAX: the derivative of x**0.0 at x = 0 is NaN, that of x**0 is 0.
#
# What one would guess: both are the constant 1 (JAX's own 0.0**0.0 is 1), so the derivative is 0, as in
# PyTorch, where both give 0; whether an exponent is written 0 or 0.0 changes types, not gradients.
#
# What happens: the kind of the exponent decides. An integer exponent takes another rule than a floating-point
# one, whose y*x**(y - 1) is 0*inf. So x**jnp.arange(3) has the right gradient at 0 and x**jnp.arange(3.0)
# NaN. In the library's own functions it is the same: jnp.vander, which raises to integers of x's type, has a
# NaN gradient where jnp.polyval, the same polynomial, is right.
#
# Who meets it: who writes polynomial features, a basis of monomials or a Taylor layer with exponents in a
# float array (from NumPy's linspace or arange, from a file, or as hyperparameters), and feeds it a zero:
# padding, a ReLU's output, a one-hot column.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2

cat > "$folder/expected" <<'EOF'
jax 0.10.2
0.0**0.0 = 1.0
derivative at 0 of x**0                               0.0
derivative at 0 of x**0.0                             nan
derivative at 0 of jnp.power(x, 0)                    0.0
derivative at 0 of jnp.float_power(x, 0)              nan
derivative at 0 of jnp.sum(x**jnp.arange(3))          1.0
derivative at 0 of jnp.sum(x**jnp.arange(3.0))        nan
derivative at 0 of jnp.polyval(jnp.ones(3), x)        1.0
derivative at 0 of jnp.sum(jnp.vander(x[None], 3))    nan
EOF

JAX_PLATFORMS=cpu "$folder/venv/bin/python" - > "$folder/seen" <<'EOF'
import jax
import jax.numpy as jnp

print("jax", jax.__version__)
print("0.0**0.0 =", jnp.zeros(()) ** jnp.zeros(()))
FORMULAS = {
    "x**0": lambda x: x**0,
    "x**0.0": lambda x: x**0.0,
    "jnp.power(x, 0)": lambda x: jnp.power(x, 0),
    "jnp.float_power(x, 0)": lambda x: jnp.float_power(x, 0),
    "jnp.sum(x**jnp.arange(3))": lambda x: jnp.sum(x ** jnp.arange(3)),
    "jnp.sum(x**jnp.arange(3.0))": lambda x: jnp.sum(x ** jnp.arange(3.0)),
    "jnp.polyval(jnp.ones(3), x)": lambda x: jnp.polyval(jnp.ones(3), x),
    "jnp.sum(jnp.vander(x[None], 3))": lambda x: jnp.sum(jnp.vander(x[None], 3)),
}
for text, formula in FORMULAS.items():
    print(f"derivative at 0 of {text:<34} {jax.grad(formula)(jnp.zeros(()))}")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
