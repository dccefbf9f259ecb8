"""Which options of `vitrax convert` are for which kind of file."""

from ..io import FileKind
from ._convert_recipe import ConvertRecipe
from ._exit import UsageError
from ._options import as_option


_OF_MAPS = ("angpix", "mode0", "nan_policy")
_OF_IMAGES = ("mode0", "nan_policy")
_OF_ALL = ("file", "out", "max_memory", "overwrite", "print_json", "quiet")


def refuse_misplaced(recipe: ConvertRecipe, kind: FileKind) -> None:
    """Raise for options that mean nothing for a kind of file.

    Args:
        recipe: the parameters.
        kind: of the file.

    Raises:
        UsageError: naming them.
    """
    given = sorted(recipe.model_fields_set - set(_OF_ALL))
    if kind is FileKind.MRC:
        refuse(recipe, [each for each in given if each not in _OF_MAPS], "a map")
    elif kind is FileKind.ATOMS:
        refuse(recipe, given, "atoms")
    elif not recipe.copy_images:
        asked = [each for each in given if each in _OF_IMAGES]
        refuse(recipe, asked, "particles whose images aren't copied (--copy-images)")


def refuse(recipe: ConvertRecipe, asked: list[str], what: str) -> None:
    """Raise if options were given that mean nothing.

    Args:
        recipe: the parameters.
        asked: the options, by their fields.
        what: the file is.

    Raises:
        UsageError: naming them.
    """
    if asked:
        raise UsageError(
            f"cannot use {', '.join(map(as_option, asked))} because {recipe.file} is "
            f"{what}; do leave {'it' if len(asked) == 1 else 'them'} out"
        )
