"""Point groups: axioms, and the operators that RELION 3.1.3 prints."""

import numpy as np
import pytest

from vitrax.pose import point_group


ORDERS = {
    "C1": 1, "C2": 2, "C7": 7, "C12": 12, "D1": 2, "D2": 4, "D7": 14, "T": 12, "O": 24,
    "I": 60, "I1": 60, "I2": 60, "I3": 60, "I4": 60,
}  # fmt: skip

# `relion_refine --sym NAME --o x --print_symmetry_ops` of RELION 3.1.3: for each group
# two operators that generate it, with the five digits that it prints. All operators of
# C1 to C7, C12, D1 to D7, T, O, I and I1 to I4 were compared: each has its own partner,
# and the greatest difference is 5.2e-6.
RELION = {
    "C5": [[[0.309017, 0.95105654, 0], [-0.95105654, 0.309017, 0], [0, 0, 1]]],
    "D3": [
        [[-0.5, 0.86602539, 0], [-0.86602539, -0.5, 0], [0, 0, 1]],
        [[-0.5, 0.86603, 0], [0.86603, 0.5, 0], [0, 0, -1]],
    ],
    "T": [
        [[-0.5, 0.86602539, 0], [-0.86602539, -0.5, 0], [0, 0, 1]],
        [[-1, 0, 0], [0, 0.33333, 0.94281], [0, 0.94281, -0.33333]],
    ],
    "O": [
        [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
    ],
    "I1": [
        [[0.80902, -0.5, -0.30902], [0.5, 0.30902, 0.80902], [-0.30902, -0.80902, 0.5]],
        [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
    ],
    "I2": [
        [[0.5, 0.80902, 0.30902], [-0.80902, 0.30902, 0.5], [0.30902, -0.5, 0.80902]],
        [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
    ],
    "I3": [
        [[0.309017, 0.95105654, 0], [-0.95105654, 0.309017, 0], [0, 0, 1]],
        [[-0.44721, 0, -0.89443], [0, -1, 0], [-0.89443, 0, 0.44721]],
    ],
    "I4": [
        [
            [0.8618, 0.42533, 0.27639],
            [-0.42533, 0.30902, 0.85065],
            [0.27639, -0.85065, 0.44721],
        ],
        [[-0.44721, 0, 0.89443], [0, -1, 0], [0.89443, 0, 0.44721]],
    ],
}
RELION["I"] = RELION["I2"]


def distance(operators, matrix):
    """Return the greatest difference in an entry to the nearest operator."""
    return np.abs(np.asarray(operators) - np.asarray(matrix)).max(axis=(1, 2)).min()


@pytest.mark.parametrize("name", ORDERS)
def test_group_axioms(name):
    group = np.asarray(point_group(name), np.float64)
    assert group.shape == (ORDERS[name], 3, 3)
    np.testing.assert_allclose(group[0], np.eye(3), atol=1e-15)
    np.testing.assert_allclose(np.linalg.det(group), 1, atol=1e-5)
    between = np.abs(group[:, None] - group[None]).max(axis=(2, 3))
    assert (between + np.eye(len(group))).min() > 0.1
    products = np.einsum("aij,bjk->abik", group, group).reshape(-1, 3, 3)
    assert max(distance(group, product) for product in products) < 1e-6
    assert max(distance(group, operator.T) for operator in group) < 1e-6


@pytest.mark.parametrize("name", RELION)
def test_operators_are_relions(name):
    group = point_group(name)
    assert all(distance(group, operator) < 6e-6 for operator in RELION[name])


@pytest.mark.parametrize(
    ("name", "other"), [("I1", "I2"), ("I3", "I4"), ("I2", "I3"), ("I1", "I4")]
)
def test_orientations_of_the_icosahedron_differ(name, other):
    assert (
        max(distance(point_group(name), operator) for operator in RELION[other]) > 0.1
    )


def test_octahedral_operators_are_exact():
    assert set(np.unique(point_group("O"))) == {-1.0, 0.0, 1.0}


def test_last_operator_is_as_exact_as_the_first():
    group = np.asarray(point_group("C97"), np.float64)
    expected = np.linalg.matrix_power(group[1], 96)
    np.testing.assert_allclose(group[96], expected, atol=1e-4)
    np.testing.assert_allclose(group[96], group[1].T, atol=2e-7)


def test_names_are_taken_in_either_case():
    np.testing.assert_array_equal(point_group(" d3 "), point_group("D3"))


@pytest.mark.parametrize("name", ["C0", "C", "X", "I5", "", "D-1", "P1"])
def test_unknown_name_is_named(name):
    with pytest.raises(ValueError, match=f"point group '{name}' because there is none"):
        point_group(name)


@pytest.mark.parametrize("name", ["OH", "Td", "Ih", "C2v", "D3h", "Cs", "Ci"])
def test_mirror_groups_are_refused_with_the_reason(name):
    with pytest.raises(ValueError, match="mirrors and biological molecules are chiral"):
        point_group(name)
