"""Biological assemblies: which copies a file describes of which chains."""

import dataclasses
import itertools
import math
import re

import gemmi
import numpy as np

from .._files import InputError
from ._atom_files import AtomFile
from ._sites import Sites


# The largest assembly that is built, in atoms: a virus has some millions.
MAX_ATOMS = 20_000_000
_MAX_OPERATORS = 100_000


@dataclasses.dataclass(frozen=True)
class Generator:
    """Copies of some chains.

    Args:
        chains: that are copied.
        of_subchains: whether these are mmCIF's names.
        rotations: (n, 3, 3), acting on (x, y, z).
        translations: (n, 3), Å.
    """

    chains: frozenset[str]
    of_subchains: bool
    rotations: np.ndarray
    translations: np.ndarray

    def rows_of(self, sites: Sites) -> np.ndarray:
        """Return the indices of the atoms that are copied."""
        names = sites.subchains if self.of_subchains else sites.chains
        return np.flatnonzero(np.isin(names, list(self.chains)))


def assembly_of(file: AtomFile, name: str) -> list[Generator]:
    """Return the copies that make up a biological assembly.

    Args:
        file: that describes it.
        name: of the assembly, mostly "1".

    Raises:
        InputError: if there is no such assembly, or its description isn't sound.
    """
    found = _from_mmcif(file, name) if file.block else _from_pdb(file, name)
    if not found:
        raise InputError(
            f"cannot build assembly {name} of {file.source} because it describes "
            f"{', '.join(_names(file)) or 'none'}; do choose one of these, or leave "
            f"the assembly out"
        )
    for each in found:
        if not _are_rotations(each.rotations):
            raise InputError(
                f"cannot build assembly {name} of {file.source} because an operator "
                f"of it isn't a rotation; do correct its matrices"
            )
    return found


def built(sites: Sites, generators: list[Generator], name: str, source: str) -> Sites:
    """Return all copies of the atoms.

    Args:
        sites: of one model.
        generators: of the assembly.
        name: of the assembly, for messages.
        source: name of the file, for messages.

    Raises:
        InputError: if there would be too many, or none.
    """
    rows = [each.rows_of(sites) for each in generators]
    count = sum(
        len(some) * len(each.rotations)
        for some, each in zip(rows, generators, strict=True)
    )
    if count > MAX_ATOMS:
        raise InputError(
            f"cannot build assembly {name} of {source} because it would have {count} "
            f"atoms (at most {MAX_ATOMS}); do build a part of it with select="
        )
    if not count:
        raise InputError(
            f"cannot build assembly {name} of {source} because none of its chains has "
            f"atoms here; do check select=, or leave the assembly out"
        )
    taken, places = [], []
    for some, each in zip(rows, generators, strict=True):
        for turn, step in zip(each.rotations, each.translations, strict=True):
            taken.append(some)
            places.append(sites.positions[some] @ turn.T + step)
    copies = sites.rows(np.concatenate(taken))
    return dataclasses.replace(copies, positions=np.concatenate(places))


def _names(file: AtomFile) -> list[str]:
    if file.block is None:
        return [each.name for each in file.structure.assemblies]
    return list(dict.fromkeys(row[0] for row in file.generators))


def _from_pdb(file: AtomFile, name: str) -> list[Generator]:
    found = []
    for assembly in file.structure.assemblies:
        if assembly.name != name:
            continue
        for each in assembly.generators:
            transforms = [operator.transform for operator in each.operators]
            if not transforms or not each.chains:
                continue
            found.append(
                Generator(
                    frozenset(each.chains),
                    False,
                    np.array([one.mat.tolist() for one in transforms]),
                    np.array([one.vec.tolist() for one in transforms]),
                )
            )
    return found


def _from_mmcif(file: AtomFile, name: str) -> list[Generator]:
    rows = [row for row in file.generators if row[0] == name]
    assert file.block is not None
    operators = _operators(file.block) if rows else {}
    found = []
    for _, expression, chains in rows:
        try:
            steps = [_product(each, operators) for each in _expanded(expression)]
        except ValueError as error:
            raise InputError(
                f"cannot build assembly {name} of {file.source} because its operators "
                f"({expression[:60]}) can't be used: {error}; do correct the file, or "
                f"leave the assembly out"
            ) from error
        rotations, translations = zip(*steps, strict=True)
        names = frozenset(part.strip() for part in chains.split(","))
        found.append(
            Generator(names, True, np.array(rotations), np.array(translations))
        )
    return found


def _operators(block: gemmi.cif.Block) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the matrix and vector of each operator that a file lists."""
    tags = [f"matrix[{i}][{j}]" for i in (1, 2, 3) for j in (1, 2, 3)]
    tags += [f"vector[{i}]" for i in (1, 2, 3)]
    found = {}
    for row in block.find("_pdbx_struct_oper_list.", ["id", *tags]):
        values = [gemmi.cif.as_number(row[i]) for i in range(1, 13)]
        found[row.str(0)] = np.array(values[:9]).reshape(3, 3), np.array(values[9:])
    return found


def _expanded(expression: str) -> list[tuple[str, ...]]:
    """Return the products of operators in an expression such as (1,2)(3-60).

    Raises:
        ValueError: if it can't be read, or names too many.
    """
    text = expression.replace(" ", "")
    if not re.fullmatch(r"(\([^()]+\)|[^()]+)+", text):
        raise ValueError("the brackets don't match")
    groups = [
        _listed(group.strip("()")) for group in re.findall(r"\([^()]+\)|[^()]+", text)
    ]
    if math.prod(map(len, groups)) > _MAX_OPERATORS:
        raise ValueError(f"they are more than {_MAX_OPERATORS}")
    return list(itertools.product(*groups))


def _listed(group: str) -> list[str]:
    """Return the operators in a list such as 1,5-7,P."""
    found: list[str] = []
    for item in group.split(","):
        ends = re.fullmatch(r"(\d{1,9})-(\d{1,9})", item)
        if ends is None:
            found.append(item)
            continue
        first, last = int(ends[1]), int(ends[2])
        if not 0 <= last - first < _MAX_OPERATORS:
            raise ValueError(f"the range {item} is empty or too long")
        found += [str(number) for number in range(first, last + 1)]
    return found


def _product(
    names: tuple[str, ...], operators: dict[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return operators one after the other; the last is applied first."""
    turn, step = np.eye(3), np.zeros(3)
    for name in names:
        if name not in operators:
            raise ValueError(f"there is no operator {name[:20]!r} in the file")
        next_turn, next_step = operators[name]
        step = turn @ next_step + step
        turn = turn @ next_turn
    return turn, step


def _are_rotations(matrices: np.ndarray) -> bool:
    """Return whether matrices are orthogonal and no mirrors, as far as files write."""
    if not np.isfinite(matrices).all() or np.abs(matrices).max() > 2:
        return False
    off = np.abs(matrices @ np.swapaxes(matrices, 1, 2) - np.eye(3)).max()
    return bool(off < 1e-2 and (np.linalg.det(matrices) > 0).all())
