"""Build site/: write the API's pages, run zensical, turn formulas into MathML.

The API's pages list what each stage exports. MathML needs no script from elsewhere.
"""

import ast
import html
import pathlib
import re
import subprocess
import sys

import latex2mathml.converter


DOCS = pathlib.Path(__file__).parent
SOURCE = DOCS.parent / "src" / "vitrax"
STAGES = (
    "physics",
    "grid",
    "pose",
    "structure",
    "potential",
    "wave",
    "optics",
    "detector",
    "image",
    "io",
    "datasets",
    "plot",
)
TOP = {"_batching": ("batch_axes", "map_batched"), "_checks": ("maybe_error_if",)}
FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\s*\\([(\[])(.*?)\\[)\]]\s*</\1>', re.DOTALL
)


def main() -> None:
    """Build the site; exit with 1 where a link leads nowhere."""
    write_api()
    command = [pathlib.Path(sys.executable).with_name("zensical"), "build", "--clean"]
    build = subprocess.run(
        command, cwd=DOCS.parent, capture_output=True, text=True, check=False
    )
    print(build.stdout + build.stderr, end="")
    for page in (DOCS.parent / "site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(FORMULA.sub(as_mathml, text), encoding="utf-8")
    if build.returncode or "Warning" in build.stdout + build.stderr:
        sys.exit(1)


def write_api() -> None:
    """Write docs/api/, one page for each stage and one for the package."""
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    for stage in STAGES:
        path = SOURCE / stage / "__init__.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        summary = ast.get_docstring(tree) or ""
        text = f"# vitrax.{stage}\n\n{summary}\n\n"
        text += "".join(directive(f"vitrax.{stage}", name) for name in exported(tree))
        (folder / f"{stage}.md").write_text(text, encoding="utf-8")
    text = "# vitrax\n\nThe names that most programs need are `vitrax.NAME`; they stand"
    text += " on the pages of their stages. These belong to none:\n\n"
    for module, names in TOP.items():
        text += "".join(directive(f"vitrax.{module}", name) for name in names)
    text += "## Units\n\n```python notest\n"
    text += (SOURCE / "units.py").read_text(encoding="utf-8") + "```\n"
    (folder / "vitrax.md").write_text(text, encoding="utf-8")


def directive(module: str, name: str) -> str:
    """Return what mkdocstrings replaces by the documentation of a name."""
    return f"::: {module}.{name}\n    options:\n      show_root_heading: true\n\n"


def exported(tree: ast.Module) -> list[str]:
    """Return the names that a stage exports, in its order."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [alias.asname for node in imports for alias in node.names if alias.asname]


def as_mathml(match: re.Match[str]) -> str:
    """Return the MathML of a formula, or the formula where it is beyond us."""
    _, kind, formula = match.groups()
    display = "inline" if kind == "(" else "block"
    try:
        return latex2mathml.converter.convert(html.unescape(formula), display=display)
    except Exception:
        return match.group()


if __name__ == "__main__":
    main()
