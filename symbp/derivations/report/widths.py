"""How wide LaTeX prints: Computer Modern's glyphs in em, rounded up, italic correction included.

The numbers are those of cmmi10, cmr10, cmsy10 and cmex10. What is not in a table counts as wide:
an estimate that errs on the wide side breaks a line too early, never too late.
"""

__all__ = [
    "BIG_OPERATORS", "COMMANDS", "DELIMITER", "NAMES", "SCALES", "SPACES", "letter_width",
    "text_width",
]  # fmt: skip

#: The size of scripts and of scripts of scripts: small letters are wider than the scale says.
SCALES = (1.0, 0.84, 0.76)
#: A delimiter that grows, at its widest.
DELIMITER = 0.8


def _table(text: str) -> dict[str, float]:
    return {entry[0]: int(entry[1:]) / 100 for entry in text.split()}


_ITALIC = _table(
    "a53 b43 c44 d53 e47 f60 g52 h58 i35 j47 k56 l32 m88 n61 o49 p51 q49 r48 s47 t37 u58 v53 w75 "
    "x58 y53 z51 A75 B81 C79 D86 E80 F79 G79 H92 I52 J66 K93 L69 M108 N92 O80 P79 Q80 R77 S68 T73 "
    "U80 V81 W109 X91 Y81 Z76"
)
_UPRIGHT = _table(
    "a50 b56 c45 d56 e45 f39 g52 h56 i28 j31 k53 l28 m84 n56 o50 p56 q53 r40 s40 t39 u56 v55 w74 "
    "x53 y55 z45 A75 B71 C73 D77 E69 F66 G79 H75 I37 J52 K78 L63 M92 N75 O78 P69 Q78 R74 S56 T73 "
    "U75 V77 W105 X75 Y78 Z62 (39 )39 [28 ]28 :28 ;28 ,28 .28 !28 ?48 /50 '28 -34"
)
_SIGNS = {"+": 0.78, "-": 0.78, "=": 0.78, "<": 0.78, ">": 0.78, "|": 0.28, "*": 0.5, "¬": 0.67}

_GREEK = (
    "alpha65 beta62 gamma58 delta49 epsilon41 zeta52 eta54 theta50 iota36 kappa58 lambda59 mu61 "
    "nu56 xi49 pi61 rho52 sigma61 tau56 upsilon58 phi60 chi63 psi69 omega66 varepsilon47 "
    "vartheta60 varpi86 varrho52 varsigma45 varphi66 Gamma63 Delta84 Theta78 Lambda70 Xi67 Pi75 "
    "Sigma73 Upsilon78 Phi73 Psi78 Omega73"
)
_SYMBOLS = (
    "partial59 nabla84 ell42 infty100 forall56 odot78 oslash78 cdot28 times78 le78 ge78 neq78 "
    "leq78 geq78 ne78 approx78 wedge67 vee67 neg67 to100 dots119 ldots119 cdots119 lVert50 "
    "rVert50 lvert28 rvert28 Vert50 lfloor45 rfloor45 lceil45 rceil45 langle39 rangle39 prime28"
)


def _by_command(text: str) -> dict[str, float]:
    entries = (entry.rstrip("0123456789") for entry in text.split())
    return {name: int(entry[len(name) :]) / 100 for name, entry in zip(
        entries, text.split(), strict=True
    )}  # fmt: skip


#: Commands that print one sign.
COMMANDS = {**_by_command(_GREEK), **_by_command(_SYMBOLS), "_": 0.5, "%": 0.84, "&": 0.78}
#: Commands that print their own name.
NAMES = frozenset({
    "exp", "ln", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "max", "min", "det", "arg",
    "sup", "inf", "lim", "gcd", "dim",
})  # fmt: skip
BIG_OPERATORS = {"sum": 1.45, "prod": 1.28, "max": 1.9, "min": 1.7, "int": 1.0}
#: Spaces, and what binary signs and relations add on both sides together.
SPACES = {",": 0.17, ":": 0.23, ";": 0.28, "!": 0.0, " ": 0.34, "quad": 1.0, "qquad": 2.0}


def letter_width(letter: str) -> float:
    """Return the width of a character of a formula."""
    if letter.isdigit() and letter.isascii():
        return 0.5
    return _SIGNS.get(letter) or _ITALIC.get(letter) or _UPRIGHT.get(letter) or 1.1


def text_width(text: str) -> float:
    """Return the width of upright text, with room for its kerns and for bold letters."""
    widths = {" ": 0.34, "_": 0.55, **dict.fromkeys("0123456789", 0.5)}
    return 1.18 * sum(widths.get(letter) or _UPRIGHT.get(letter) or 0.9 for letter in text)
