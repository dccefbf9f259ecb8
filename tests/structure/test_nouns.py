"""What structures refuse."""

import numpy as np
import pytest

import vitrax as vx


@pytest.mark.parametrize("variance", [0.0, -2.0, np.nan])
def test_variances_are_positive(variance):
    message = rf"cannot make Gaussians because variances\[1, 0\] is {variance}, not pos"
    with pytest.raises(ValueError, match=message):
        vx.Gaussians(np.zeros((2, 3)), np.ones((2, 1)), [[1.0], [variance]])


@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_gaussians_are_at_least_one(shape):
    with pytest.raises(ValueError, match="because there would be none; do give at l"):
        vx.Gaussians(np.zeros((shape[0], 3)), np.zeros(shape), np.zeros(shape))


def test_shapes_that_don_t_fit_are_told():
    for positions in (0.0, np.zeros((2, 2))):
        with pytest.raises(ValueError, match=r"don't fit; do give shapes \(n, 3\)"):
            vx.Gaussians(positions, np.ones((2, 1)), np.ones((2, 1)))


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("positions", np.full((1, 3), np.inf), "give .x, y, z. in Å"),
        ("b_factors", [-1.0], "raise it to 0 Å²"),
        ("b_factors", [np.nan], "raise it to 0 Å²"),
        ("occupancies", [-0.5], "give 0 to 1"),
    ],
)
def test_atoms_have_places_spreads_and_weights(field, value, advice):
    fields = {"positions": np.zeros((1, 3)), "elements": [6], "b_factors": [0.0]}
    fields |= {"occupancies": [1.5], field: value}
    message = rf"cannot make Atoms because {field}\[0.* is .*; do {advice}"
    with pytest.raises(ValueError, match=message):
        vx.Atoms(**fields)


@pytest.mark.parametrize("voxel_size", [0.0, -1.0, np.nan])
def test_voxels_have_a_size(voxel_size):
    message = f"cannot make VoxelMap because voxel_size is {voxel_size}, not positive"
    with pytest.raises(ValueError, match=message):
        vx.VoxelMap(np.ones((2, 2, 2)), voxel_size)


def test_values_of_a_map_are_real_and_precise_enough():
    with pytest.raises(
        TypeError, match=r"are float16, .*; do values.astype\('float32'"
    ):
        vx.VoxelMap(np.ones((2, 2, 2), np.float16), 1.0)
    with pytest.raises(TypeError, match=r"cannot use a complex value .* do pass .real"):
        vx.VoxelMap(np.ones((2, 2, 2), complex), 1.0)
    assert vx.VoxelMap(np.ones((2, 2, 2), np.int8), 1.0).values.dtype.kind == "f"
    with pytest.raises(
        ValueError, match=r"shape \(2, 0, 2\), without a voxel; do give"
    ):
        vx.VoxelMap(np.ones((2, 0, 2)), 1.0)


def test_a_map_that_is_sliced_is_a_cube():
    with pytest.raises(ValueError, match=r"do vitrax.grid.pad its values to \(8, 8, 8"):
        vx.FourierMap.from_map(vx.VoxelMap(np.ones((4, 6, 8)), 1.0))
