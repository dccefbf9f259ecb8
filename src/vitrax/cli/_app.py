"""The commands and their options. Nothing here imports jax before a command runs."""

import os
import pathlib
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

from cyclopts import App, CycloptsError, Parameter
from cyclopts.exceptions import MissingArgumentError

from .. import __version__
from ._config import expand
from ._convert_recipe import ConvertRecipe
from ._exit import (
    BROKEN_PIPE,
    INTERRUPTED,
    TERMINATED,
    USAGE,
    Terminated,
    explain,
    one_line,
)
from ._micrograph_recipe import MicrographRecipe
from ._project_recipe import ProjectRecipe
from ._reading import Mode0, NanPolicy, reading
from ._recipe import Recipe
from ._volume_recipe import VolumeRecipe


app = App(
    name="vitrax",
    help="Cryo-electron microscopy in JAX. Lengths in Å, angles in degrees, kV, mm.",
    version=__version__,
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 is success, 1 an unexpected error, 2 wrong usage, 3 a bad input file, 4 a
    numerical failure, 5 a lack of disk or memory, 130 Ctrl-C, 141 an output that
    nobody reads any more, 143 a kill.

    Args:
        arguments: without the program's name; by default those of this process.

    Example:
        >>> from vitrax.cli import main
        >>> main(["--version"])
        0.1.0
        0
    """
    if arguments is not None:
        return _run(list(arguments))
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does; the interpreter's own last
        # flush mustn't complain of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = BROKEN_PIPE
    if code in (INTERRUPTED, TERMINATED):
        # The interpreter's end would take away what jax's threads still compute with.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _raise_terminated(*_: Any) -> NoReturn:
    """Make a scheduler's kill clean up as Ctrl-C does."""
    raise Terminated


def _run(tokens: list[str]) -> int:
    """Run a command line and return its exit code; print one line where it fails."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return _run_with_warnings(tokens)


def _show_warning(message: Warning | str, *_: Any) -> None:
    """Print a warning without the line of source code that Python shows."""
    print(f"warning: {one_line(str(message))}", file=sys.stderr)


def _run_with_warnings(tokens: list[str]) -> int:
    try:
        app(
            expand(tokens),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        code, message = USAGE, _usage_message(error)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt, Terminated) as error:
        code, message = explain(error)
    else:
        return 0
    print(f"vitrax: {message}", file=sys.stderr)
    return code


@app.command(sort_key=1)
def simulate(recipe: Annotated[Recipe, Parameter(name="*")]) -> None:
    """Make a particle stack that RELION reads, from atoms or a map.

    Writes particles.mrcs, particles.star, the map that was used (map.mrc), report.html
    and run.json into --out. Protein is white, as in RELION's stacks. Any option may
    also stand in a YAML file given with --config FILE; the command line goes first.
    """
    from ._simulate import simulate as run

    run(recipe)


@app.command(sort_key=2)
def simulate_micrograph(
    recipe: Annotated[MicrographRecipe, Parameter(name="*")],
) -> None:
    """Make a micrograph: particles in ice, as a counting camera records them.

    Writes micrograph.mrc (electrons, protein dark), truth.star (where each particle is,
    how it lies, its defocus and its species), report.html and run.json into --out. Any
    option may also stand in a YAML file given with --config FILE; the command line goes
    first.
    """
    from ._micrograph import simulate_micrograph as run

    run(recipe)


@app.command(sort_key=3)
def volume(recipe: Annotated[VolumeRecipe, Parameter(name="*")]) -> None:
    """Make a map in volts from atoms, or put a map on another grid.

    Writes the map to --out and the record of the run beside it, .json. The map lies
    over the atoms in programs that heed an MRC file's origin. Any option may also stand
    in a YAML file given with --config FILE; the command line goes first.
    """
    from ._volume import volume as run

    run(recipe)


@app.command(sort_key=4)
def project(recipe: Annotated[ProjectRecipe, Parameter(name="*")]) -> None:
    """Project atoms or a map without noise, as relion_project does.

    Writes projections.mrcs, projections.star and run.json into --out. Pixels are sums
    of voxels, protein white, with and without --ctf. Any option may also stand in a
    YAML file given with --config FILE; the command line goes first.
    """
    from ._project import project as run

    run(recipe)


@app.command(sort_key=5)
def demo(
    folder: pathlib.Path = pathlib.Path("vitrax-demo"),
    *,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False,
) -> None:
    """Simulate apoferritin, which comes with vitrax, and write a report.

    Args:
        folder: to make.
        overwrite: replace the files of an earlier run.
        quiet: no progress.
    """
    from ._demo import demo as run

    run(folder, overwrite=overwrite, quiet=quiet)


@app.command(sort_key=6)
def info(
    *files: pathlib.Path,
    project: pathlib.Path | None = None,
    path_map: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    mode0: Mode0 | None = None,
    max_memory: str | None = None,
    print_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Say what is in files, and what is odd about them.

    Args:
        files: MRC, TIFF, EER, STAR, .cs, Leopard-EM's CSV, EMAN2's HDF5 and .lst, PDB,
            mmCIF, .npz or a model of vitrax; decided by content.
        project: folder to which names of stacks are relative, where it is neither the
            current one nor that of the file.
        path_map: OLD=NEW, a beginning of names of stacks and what to put in its place;
            may be given again.
        mode0: what the bytes of maps of mode 0 are [default: as their headers say].
        max_memory: what the content of a packed file may take, such as 8GB
            [default: 8GiB of maps and stacks, 512MiB of other files].
        print_json: print JSON instead of text.
    """
    from ._info import info as run

    how = reading(mode0, max_memory=max_memory)
    places = {"project": project, "path_map": path_map}
    run(files, reading=how, **places, print_json=print_json)


@app.command(sort_key=7)
def check(
    *files: pathlib.Path,
    fix: pathlib.Path | None = None,
    project: pathlib.Path | None = None,
    path_map: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    angpix: float | None = None,
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy | None = None,
    max_memory: str | None = None,
    print_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Say what is wrong with files, and mend what can be; exit code 3 if anything is.

    Args:
        files: of any kind that vitrax reads; decided by content.
        fix: file to write mended to; of several files, a new folder.
        project: folder to which names of stacks are relative, where it is neither the
            current one nor that of the file.
        path_map: OLD=NEW, a beginning of names of stacks and what to put in its place;
            may be given again.
        angpix: voxel size that MRC files should say, Å; --fix writes it.
        mode0: what the bytes of maps of mode 0 are [default: as their headers say].
        nan_policy: what --fix makes of values of maps that are NaN or infinite: zero,
            or mask, the mean of the others in the section; by default an error.
        max_memory: what the content of a packed file may take, such as 8GB
            [default: 8GiB of maps and stacks, 512MiB of other files].
        print_json: print JSON instead of text.
    """
    from ._check import check as run, checking_of

    how = reading(mode0, nan_policy, max_memory)
    checking = checking_of(how, angpix, project, path_map)
    run(files, checking=checking, fix=fix, print_json=print_json)


@app.command(sort_key=8)
def convert(recipe: Annotated[ConvertRecipe, Parameter(name="*")]) -> None:
    """Write particles, a map or atoms in another program's format.

    Particles of RELION (3.0 to 5), cisTEM, CryoSPARC, Leopard-EM and EMAN2 become each
    other, aberrations and unknown columns included. Any option may also stand in a YAML
    file given with --config FILE; the command line goes first.
    """
    from ._convert import convert as run

    run(recipe)


@app.command(sort_key=9)
def doctor(
    *, print_json: Annotated[bool, Parameter(name="--json", negative=())] = False
) -> None:
    """Say what vitrax runs on, and check that it computes what it should.

    Args:
        print_json: print JSON instead of text.
    """
    from ._doctor import doctor as run

    run(print_json=print_json)


def _usage_message(error: CycloptsError) -> str:
    """Return one line about a command line that can't be understood."""
    command = " ".join(["vitrax", *(error.command_chain or ())])
    reasons = _pydantic_reasons(error.__cause__, command)
    if reasons and not isinstance(error, MissingArgumentError):
        return one_line(" ".join(reasons))
    reason = one_line(str(error)).removesuffix(".")
    return (
        f"cannot run {command} because the call isn't understood ({reason}); do see "
        f"{command} --help"
    )


def _pydantic_reasons(cause: Any, command: str) -> list[str]:
    """Return what pydantic refused, in words."""
    from pydantic import ValidationError

    if not isinstance(cause, ValidationError):
        return []
    reasons = []
    for each in cause.errors():
        message = each["msg"].removeprefix("Value error, ")
        if message.startswith("cannot "):
            reasons.append(message)
            continue
        option = "--" + "-".join(str(part) for part in each["loc"]).replace("_", "-")
        reasons.append(
            f"cannot use {each['input']!r} for {option} because of this: "
            f"{message[:1].lower()}{message[1:]}; do see {command} --help."
        )
    return reasons
