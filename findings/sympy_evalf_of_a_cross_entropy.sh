#!/usr/bin/env bash
# SymPy: evalf() of the exact expression log(1 - sigmoid(400)) prints -288.349227112937; it is -400.
#
# What one would guess: evalf(15) of an exact expression gives 15 right digits, as its working precision is
# raised as far as a cancellation needs; that is why one takes SymPy as the reference. Where it gives up it
# would say so.
#
# What happens: the working precision is raised up to 100 digits (maxn=100) and then given up. For the
# difference itself the printed form says it, 0.e-125: no digit is right. But the noise is a number: float()
# gives 2.36e-125, and the logarithm of it comes out with 15 digits, all wrong, the same -288.349227112937 for
# every argument beyond about 290. evalf(maxn=1000) is right; evalf(strict=True) raises an error.
#
# Who meets it: who computes the reference values of a cross-entropy or of another logarithm of a small
# probability for large logits from its textbook formula. A test against it calls the stable implementation
# wrong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sympy==1.14.0 mpmath==1.3.0

cat > "$folder/expected" <<'EOF'
sympy 1.14.0
log(1 - sigmoid(200)): evalf() -200.000000000000, evalf(maxn=1000) -200.000000000000
log(1 - sigmoid(300)): evalf() -288.349227112937, evalf(maxn=1000) -300.000000000000
log(1 - sigmoid(400)): evalf() -288.349227112937, evalf(maxn=1000) -400.000000000000
log(1 - sigmoid(800)): evalf() -288.349227112937, evalf(maxn=1000) -800.000000000000
1 - sigmoid(400): evalf() 0.e-125, float() 2.36e-125, evalf(maxn=1000) 1.91516959671401e-174
log(1 - sigmoid(400)).evalf(strict=True): PrecisionExhausted
EOF

"$folder/venv/bin/python" - > "$folder/seen" <<'EOF'
import sympy
from sympy.core.evalf import PrecisionExhausted

print("sympy", sympy.__version__)
x = sympy.Symbol("x", real=True)
off = 1 - 1 / (1 + sympy.exp(-x))
for at in (200, 300, 400, 800):
    exact = sympy.log(off).subs(x, at)
    print(f"log(1 - sigmoid({at})): evalf() {exact.evalf()!s}, evalf(maxn=1000) {exact.evalf(maxn=1000)!s}")
exact = off.subs(x, 400)
print(
    f"1 - sigmoid(400): evalf() {exact.evalf()!s}, float() {float(exact):.3g}, "
    f"evalf(maxn=1000) {exact.evalf(maxn=1000)!s}"
)
try:
    print("log(1 - sigmoid(400)).evalf(strict=True):", sympy.log(exact).evalf(strict=True))
except PrecisionExhausted:
    print("log(1 - sigmoid(400)).evalf(strict=True): PrecisionExhausted")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
