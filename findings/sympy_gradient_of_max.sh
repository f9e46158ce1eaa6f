#!/usr/bin/env bash
# SymPy: the gradient of Max(x1, …, xn) where all n are equal is (1/2, …, 1/2), which adds up to n/2.
#
# What one would guess: 1/n each, or all of it to one; whatever the convention, the entries add up to 1, since
# raising all arguments by h raises the maximum by h. For two arguments SymPy gives 1/2 and 1/2.
#
# What happens: each derivative is Heaviside(x - Max(the others)), and Heaviside(0) is 1/2 since SymPy 1.9.
# With three equal arguments the sum is 3/2. So along a line on which all stay equal the derivative of Max(t,
# g(t), h(t)) at t with t = g = h, all of slope 1, comes out as 3/2, where the function's slope is 1.
# Piecewise, which Max can be rewritten to, gives 1 to the first.
#
# Who meets it: who derives the gradient of a max pooling, a hinge over several margins or a robust (minimax)
# cost symbolically, or uses SymPy as the reference in a test; data with ties (zeros after a ReLU, quantised
# pixels) is where it shows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sympy==1.14.0 mpmath==1.3.0

cat > "$folder/expected" <<'EOF'
sympy 1.14.0
2 equal arguments: gradient [1/2, 1/2], sum 1
3 equal arguments: gradient [1/2, 1/2, 1/2], sum 3/2
6 equal arguments: gradient [1/2, 1/2, 1/2, 1/2, 1/2, 1/2], sum 3
Max(t, sin(t), tan(t)) at 0: 3/2
the same, rewritten as Piecewise: 1
EOF

"$folder/venv/bin/python" - > "$folder/seen" <<'EOF'
import sympy
from sympy import Max, Piecewise, sin, tan

print("sympy", sympy.__version__)
for n in (2, 3, 6):
    x = sympy.symbols(f"x:{n}", real=True)
    at = dict.fromkeys(x, 1)
    gradient = [Max(*x).diff(each).subs(at) for each in x]
    print(f"{n} equal arguments: gradient {gradient}, sum {sum(gradient)}")
t = sympy.Symbol("t", real=True)
largest = Max(t, sin(t), tan(t))
print("Max(t, sin(t), tan(t)) at 0:", largest.diff(t).subs(t, 0))
print("the same, rewritten as Piecewise:", largest.rewrite(Piecewise).diff(t).subs(t, 0))
EOF
cat "$folder/seen"
diff "$folder/expected" "$folder/seen"
echo "as expected"
