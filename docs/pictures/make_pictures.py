"""Make the pictures of the documentation.

Run from anywhere: ``python docs/pictures/make_pictures.py``. The graphs need nothing else; the
picture of a derivation needs pdflatex and pdftoppm (poppler-utils), and is left out without them.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import symbp as bp

HERE = Path(__file__).parent
WIDTH = 1000  # pixels of what is printed, without its margin
MARGIN = 28

DOCUMENT = r"""
\documentclass[11pt]{article}
\usepackage{amsmath,amssymb}
\usepackage[paperwidth=40cm,paperheight=40cm,margin=2cm]{geometry}
\pagestyle{empty}
\setlength{\jot}{6pt}
\begin{document}
\noindent$\displaystyle
%s
$
\end{document}
"""


def graphs() -> dict[str, str]:
    """Return the SVG pictures of the tutorial by their file names."""
    values = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
    neuron = bp.trace("1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", values)
    graph = bp.trace("(x + y) * z", {"x": -2, "y": 5, "z": -4})
    network = bp.mlp(3, 3, 3, activation="sigmoid", loss="quadratic")
    return {
        "neuron.svg": neuron.graph().svg(),
        "graph.svg": graph.graph().svg(),
        "layers.svg": bp.draw(network, view="layers").svg(),
        "reverse.svg": bp.draw(network, view="reverse").svg(),
    }


def side_by_side(latex: str) -> str:
    """Return a derivation with its forward equations to the left of the others."""
    begin, end, gap = "\\begin{aligned}\n", "\n\\end{aligned}", " \\\\[1.2ex]\n"
    forward, *rest = latex.removeprefix(begin).removesuffix(end).split(gap)
    blocks = [begin.replace("\n", "[t]\n") + block + end for block in (forward, gap.join(rest))]
    return "\\quad".join(blocks)


def picture(latex: str, name: str) -> Path:
    """Typeset a formula and write it as a cropped PNG with a white margin."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "formula.tex").write_text(DOCUMENT % latex, encoding="utf-8")
        run = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "formula.tex"]
        subprocess.run(run, cwd=folder, check=True, capture_output=True)
        box = _ink(folder / "formula.pdf", 72)
        # Twice: once to know how wide it is, once at the resolution that makes it WIDTH wide.
        resolution = round(72 * WIDTH / (box[2] - box[0]))
        left, top, right, bottom = _ink(folder / "formula.pdf", resolution)
        target = HERE / name
        crop = {
            "-x": left - MARGIN,
            "-y": top - MARGIN,
            "-W": right - left + 2 * MARGIN,
            "-H": bottom - top + 2 * MARGIN,
        }
        options = [str(part) for pair in crop.items() for part in pair]
        command = ["pdftoppm", "-png", "-singlefile", "-r", str(resolution), *options]
        subprocess.run(
            [*command, "formula.pdf", str(target.with_suffix(""))], cwd=folder, check=True
        )
    return target


def _ink(pdf: Path, resolution: int) -> tuple[int, int, int, int]:
    """Return the box of all that is not white, in pixels."""
    command = ["pdftoppm", "-gray", "-singlefile", "-r", str(resolution), pdf.name, "page"]
    subprocess.run(command, cwd=pdf.parent, check=True)
    data = (pdf.parent / "page.pgm").read_bytes()
    _, size, _, pixels = data.split(b"\n", 3)
    width, height = map(int, size.split())
    rows = [pixels[y * width : (y + 1) * width] for y in range(height)]
    inked = [y for y, row in enumerate(rows) if row.strip(b"\xff")]
    lefts = [width - len(rows[y].lstrip(b"\xff")) for y in inked]
    rights = [len(rows[y].rstrip(b"\xff")) for y in inked]
    return min(lefts), inked[0], max(rights), inked[-1] + 1


if __name__ == "__main__":
    for file, svg in graphs().items():
        (HERE / file).write_text(svg, encoding="utf-8")
        print(HERE / file)
    if shutil.which("pdflatex") is None or shutil.which("pdftoppm") is None:
        raise SystemExit("pdflatex and pdftoppm are not installed: derivation.png is left as it is")
    net = bp.mlp(784, 30, 10, activation="sigmoid", loss="quadratic")
    print(picture(side_by_side(bp.derive(net).latex()), "derivation.png"))
