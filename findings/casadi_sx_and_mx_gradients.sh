#!/usr/bin/env bash
# CasADi: the same formula has another gradient when its variables are MX instead of SX.
#
# What one would guess: SX and MX are two representations of one expression; a formula means the same in both,
# and one changes from one to the other for speed. MX may differ by rounding.
#
# What happens: vector functions are single nodes in MX and are spelled out in SX (Function.expand() does it,
# too), and each has its own derivative where one is a matter of convention. The gradient of the maximum
# (mmax) of three equal entries is (1/3, 1/3, 1/3) in MX and (1/4, 1/4, 1/2) in SX. Powers with a vector of
# exponents keep the exponent 0 in MX, whose derivative at 0 is 0*inf = NaN, where SX replaces x**0 by 1. And
# in both, x**-1 has the slope -inf at 0 while x**-2 has NaN.
#
# Who meets it: who calls Function.expand() (MX to SX) for speed, or writes a polynomial basis x**DM([0, 1,
# 2]) in an optimal control problem that starts at 0, or a minimax cost whose terms start equal: the gradient
# changes, or is NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet casadi==3.8.2 numpy==2.4.6

cat > "$folder/expected" <<'EOF'
casadi 3.8.2
mmax of (1, 1, 1)
  MX           value 1, gradient 0.333333 0.333333 0.333333
  MX, expanded value 1, gradient 0.25 0.25 0.5
  SX           value 1, gradient 0.25 0.25 0.5
sum1(x**DM([0, 1, 2])) at 0
  MX           value 1, gradient nan
  MX, expanded value 1, gradient 1
  SX           value 1, gradient 1
x**-2 at 0
  MX           value inf, gradient nan
  MX, expanded value inf, gradient nan
  SX           value inf, gradient nan
x**-1 at 0
  MX           value inf, gradient -inf
  MX, expanded value inf, gradient -inf
  SX           value inf, gradient -inf
EOF

"$folder/venv/bin/python" - > "$folder/seen" <<'EOF'
import casadi
from casadi import DM, MX, SX, Function, mmax, sum1

print("casadi", casadi.__version__)
POINTS = {
    "mmax of (1, 1, 1)": (mmax, [1, 1, 1]),
    "sum1(x**DM([0, 1, 2])) at 0": (lambda x: sum1(x ** DM([0, 1, 2])), [0]),
    "x**-2 at 0": (lambda x: x**-2, [0]),
    "x**-1 at 0": (lambda x: x**-1, [0]),
}
for text, (formula, at) in POINTS.items():
    print(text)
    functions = {}
    for name, kind in (("MX", MX), ("SX", SX)):
        x = kind.sym("x", len(at))
        y = formula(x)
        functions[name] = Function("f", [x], [y])
        if kind is MX:
            functions["MX, expanded"] = functions["MX"].expand()
    for name in ("MX", "MX, expanded", "SX"):
        f = functions[name]
        value = float(f(at))
        gradient = [float(each) for each in f.jacobian()(at, value).elements()]
        numbers = " ".join("nan" if each != each else f"{each:g}" for each in gradient)
        print(f"  {name:<12} value {value:g}, gradient {numbers}")
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
