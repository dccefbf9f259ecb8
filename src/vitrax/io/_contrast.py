"""Whether protein is white or dark in the images of a file."""

# The sign that turns a stack's images into physical ones, protein dark.
CONTRASTS = {"white": -1, "dark": 1, "relion": -1}


def contrast_sign(contrast: str) -> int:
    """Return the factor between files of some contrast and physical images.

    Args:
        contrast: "white" (or "relion") or "dark".

    Raises:
        ValueError: if it is something else.
    """
    if contrast not in CONTRASTS:
        raise ValueError(
            f"cannot use contrast={contrast!r} because protein is either white or "
            'dark; do pass "white" (as RELION makes stacks), or "dark"'
        )
    return CONTRASTS[contrast]
