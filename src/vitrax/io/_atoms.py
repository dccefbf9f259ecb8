"""Atomic models from PDB and mmCIF files."""

import os
import warnings

from .._files import InputError, InputWarning
from ..structure import Atoms, Ensemble
from ._atom_choice import AtomChoice
from ._atom_files import AtomFile, parse_atoms
from ._biological_assembly import assembly_of, built
from ._contents import Path, read_whole
from ._model_union import united
from ._sites import Sites, keys_of, read_sites


def read_atoms(
    path: Path,
    *,
    model: int | None = None,
    assembly: str | None = None,
    hydrogens: bool = True,
    waters: bool = True,
    altloc: str = "all",
    select: str | None = None,
    unknown: str = "error",
    max_unpacked: int | None = None,
) -> Atoms:
    """Return the atoms of a PDB or mmCIF file.

    Coordinates are as in the file; `vitrax.structure.centred` moves atoms to the
    origin. B-factors are the isotropic ones of the file; one that isn't given, isn't a
    number or is negative becomes 0, with a warning. An occupancy that isn't given is
    1. Elements that aren't given are those that the names mean, with a warning.
    Deuterium is hydrogen. Ions are neutral atoms: the charge isn't read. Of several
    models one is read: the first, with a warning, unless `model` says which.

    Args:
        path: the file; its content decides its format. It may be packed with gzip or
            bzip2.
        model: which model of an NMR structure, counted from 1; by default the first.
            `read_ensemble` reads all.
        assembly: name of the biological assembly to build, mostly "1"; by default the
            atoms are taken as they stand.
        hydrogens: whether to keep hydrogen atoms.
        waters: whether to keep water molecules; by default the deposited ones stay.
        altloc: which alternate conformers: "all", each weighted by its occupancy; or
            one in each residue, which stands for all with the sum of their
            occupancies: that of the "highest" occupancy, the "first" of the file, or
            one by its letter, such as "A" (the first where a residue has no such).
        select: which atoms, as gemmi writes it: "//A/10-50" is chain A from 10 to 50,
            "//A,B//CA[C]" alpha carbons of two chains, "[!H]" all but hydrogens.
        unknown: what becomes of atoms of unknown element: an "error" that lists them;
            "skip" leaves them out, "carbon" takes them for carbon, with a warning.
        max_unpacked: bytes that the content of a packed file may have, by default
            512 MiB.

    Returns:
        The atoms.

    Raises:
        InputError: if the file is empty or isn't an atomic model, has no such model,
            assembly or conformer, an unknown element, or a coordinate that isn't a
            number, or if no atoms are left.
        ValueError: if an option can't be understood.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "water.pdb")
        >>> line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00 20.00"
        >>> _ = path.write_text(line + "           O\\nEND\\n")
        >>> atoms = vx.io.read_atoms(path)
        >>> len(atoms), atoms.positions.tolist()
        (1, [[1.0, 2.0, 3.0]])
    """
    choice = AtomChoice(assembly, hydrogens, waters, altloc, select, unknown)
    file = parse_atoms(os.fspath(path), read_whole(path, max_unpacked))
    number, count = 1 if model is None else model, len(file.structure)
    if not 1 <= number <= count:
        raise InputError(
            f"cannot read model {number} of {file.source} because it has {count}; do "
            "choose one of them"
        )
    sites, _, notes = read_sites(file.structure[number - 1], choice, file.source)
    if model is None and count > 1:
        notes = [*notes, f"model 1 of {count} is read; the others are left out"]
    _tell(file, notes)
    return _assembled(sites, file, choice).as_atoms()


def read_ensemble(
    path: Path,
    *,
    assembly: str | None = None,
    hydrogens: bool = True,
    waters: bool = True,
    altloc: str = "all",
    select: str | None = None,
    unknown: str = "error",
    max_unpacked: int | None = None,
) -> Ensemble:
    """Return all models of a PDB or mmCIF file, each as likely as the others.

    The states of an `Ensemble` have the same atoms. Where models differ, each has the
    atoms of all: one that it lacks has occupancy 0 there, and doesn't scatter.

    Args:
        path: the file, as `read_atoms` takes it.
        assembly: name of the biological assembly to build of each model.
        hydrogens: whether to keep hydrogen atoms.
        waters: whether to keep water molecules.
        altloc: which alternate conformers, as `read_atoms` takes it.
        select: which atoms, as `read_atoms` takes it.
        unknown: what becomes of atoms of unknown element, as `read_atoms` takes it.
        max_unpacked: as `read_atoms` takes it.

    Returns:
        An ensemble of `Atoms`.

    Raises:
        InputError: if a model can't be read, as `read_atoms` says.
        ValueError: if an option can't be understood.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "ions.pdb")
        >>> line = "HETATM    1 ZN    ZN A   1    {:8.3f}   2.000   3.000  1.00 20.00"
        >>> model = "MODEL     {}\\n" + line + "          ZN\\nENDMDL\\n"
        >>> _ = path.write_text(model.format(1, 1.0) + model.format(2, 2.0))
        >>> ensemble = vx.io.read_ensemble(path)
        >>> len(ensemble), ensemble.state(1).positions.tolist()
        (2, [[2.0, 2.0, 3.0]])
    """
    choice = AtomChoice(assembly, hydrogens, waters, altloc, select, unknown)
    file = parse_atoms(os.fspath(path), read_whole(path, max_unpacked))
    models, keys, notes = [], [], []
    for model in file.structure:
        sites, chosen, said = read_sites(model, choice, file.source)
        models.append(sites)
        keys.append(keys_of(chosen))
        notes += said
    _tell(file, notes)
    alike = united(models, keys, file.source)
    return Ensemble.from_structures(
        [_assembled(sites, file, choice).as_atoms() for sites in alike]
    )


def _assembled(sites: Sites, file: AtomFile, choice: AtomChoice) -> Sites:
    if choice.assembly is None:
        return sites
    generators = assembly_of(file, choice.assembly)
    return built(sites, generators, choice.assembly, file.source)


def _tell(file: AtomFile, notes: list[str]) -> None:
    """Warn of what was assumed."""
    for note in dict.fromkeys([*file.faults.assumptions(), *notes]):
        warnings.warn(f"{file.source}: {note}", InputWarning, stacklevel=3)
