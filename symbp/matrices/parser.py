"""Read a matrix formula, ``norm2(A*x - b)^2 + c*norm1(x)``, as a tree. Nothing is executed.

The language is that of matrixcalculus.org, mostly: ``'`` transposes, ``.* ./ .^`` work element by
element, ``' ^ .^`` bind tightest, then the sign, then ``* / .* ./``, then ``+ -``.
"""

import re
from collections.abc import Collection
from fractions import Fraction

from symbp.matrices.functions import FUNCTIONS
from symbp.matrices.tree import EYE, Tree, call, operation, symbol
from symbp.notation.errors import NotationError, suggest

__all__ = ["parse"]

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([^\W\d]\w*)|(\.\*|\./|\.\^|[-+*/^'(),]))", re.UNICODE)
NAME = re.compile(r"[^\W\d]\w*")
# Deeper nesting would end in Python's own recursion limit.
DEEPEST = 60


NUCLEAR = "the nuclear norm is not known, its derivative needs singular vectors"
# What other languages write, and what is written here.
INSTEAD = {
    "[": "block matrices cannot be said",
    "@": "a product is written *",
    "\\": "a linear system is written inv(A)*b",
    "=": "a formula is one side only",
    "trace": "the trace is tr",
    "transpose": "the transpose of X is X'",
    "ln": "the logarithm is log",
    "nuclear": NUCLEAR,
    "norm_nuc": NUCLEAR,
    "normnuc": NUCLEAR,
    "normnuclear": NUCLEAR,
    "nuclear_norm": NUCLEAR,
}


def parse(text: str, functions: Collection[str] = ()) -> Tree:
    """Return the tree of a formula.

    Parameters
    ----------
    text : str
        The formula.
    functions : collection of str, optional
        Names of undefined functions, applied element by element; ``f'`` is the derivative.

    Returns
    -------
    Tree

    Raises
    ------
    NotationError
        The text is no formula; the message says where.
    """
    return _Reader(text, frozenset(functions)).formula()


class _Reader:
    """A recursive descent: a method a level of precedence."""

    def __init__(self, text: str, functions: frozenset[str]) -> None:
        self.text, self.functions = text.strip(), functions
        self.tokens: list[str] = []
        at = 0
        while at < len(self.text):
            found = TOKEN.match(self.text, at)
            if found is None:
                rest = self.text[at:].strip()
                hint = INSTEAD.get(rest[:1], "")
                raise self.wrong(f"cannot read {rest[:20]!r}{hint and '; ' + hint}")
            self.tokens.append(found[1] or found[2] or found[3])
            at = found.end()
        self.tokens.append("")
        self.place = self.depth = 0

    def wrong(self, what: str) -> NotationError:
        return NotationError(f"formula {self.text!r}: {what}")

    @property
    def next(self) -> str:
        return self.tokens[self.place]

    def take(self, wanted: str | None = None) -> str:
        token = self.next
        if wanted is not None and token != wanted:
            raise self.wrong(f"expected {wanted!r}, got {token or 'the end'!r}")
        self.place += 1
        return token

    def formula(self) -> Tree:
        if not self.next:
            raise self.wrong("expected a formula, got nothing")
        tree = self.total()
        if self.next:
            raise self.wrong(f"expected an operator, got {self.next!r}")
        return tree

    def total(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"expected at most {DEEPEST} parentheses in one another")
        left = self.product()
        while self.next in ("+", "-"):
            operator = self.take()
            left = operation(operator, left, self.product())
        self.depth -= 1
        return left

    def product(self) -> Tree:
        left = self.unary()
        while self.next in ("*", "/", ".*", "./"):
            operator = self.take()
            left = operation(operator, left, self.unary())
        return left

    def unary(self) -> Tree:
        signs = 0
        while self.next == "-":
            self.take()
            signs += 1
        tree = self.postfix()
        for _ in range(signs):
            tree = Tree("neg", (tree,))
        return tree

    def postfix(self) -> Tree:
        left = self.atom()
        while self.next in ("'", "^", ".^"):
            operator = self.take()
            if operator == "'":
                left = Tree("'", (left,))
            elif operator == "^" and self.next == "T":
                raise self.wrong("the transpose of X is written X', not X^T")
            elif self.next == "-":
                self.take()
                left = operation(operator, left, Tree("neg", (self.atom(),)))
            else:
                left = operation(operator, left, self.atom())
        return left

    def atom(self) -> Tree:
        token = self.take()
        if token == "(":
            inside = self.total()
            self.take(")")
            return inside
        if token[:1].isdigit():
            return Tree("number", value=Fraction(token))
        if not NAME.fullmatch(token):
            hint = "; a power is written ^ or .^" if token == "*" else ""
            raise self.wrong(f"expected a number, a name or '(', got {token or 'the end'!r}{hint}")
        primes = 0
        if token in self.functions:
            while self.next == "'":
                self.take()
                primes += 1
        if self.next == "(":
            return self.called(token, primes)
        if token in self.functions:
            raise self.wrong(f"the function {token} needs an argument, as in {token}(x)")
        return EYE if token == "eye" else symbol(token)

    def called(self, name: str, primes: int) -> Tree:
        wanted = 1 if name in self.functions else FUNCTIONS.get(name)
        if wanted is None and name.lower() in INSTEAD:
            raise self.wrong(f"no function {name!r}; {INSTEAD[name.lower()]}")
        if wanted is None:
            raise self.wrong(
                f"no function {name!r}, {suggest(name, FUNCTIONS)}; a function of your own is "
                f"declared with functions=[{name!r}], a product is written with *"
            )
        self.take("(")
        args = [self.total()]
        while self.next == ",":
            self.take()
            args.append(self.total())
        self.take(")")
        if len(args) != wanted:
            raise self.wrong(f"{name} takes {wanted} argument{'s' * (wanted > 1)}, got {len(args)}")
        return call(name + "'" * primes, *args)
