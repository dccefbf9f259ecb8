"""Several states of a structure."""

from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from .._checks import POSITIVE, check_fields, check_key, checked, must
from .._typing import as_float


class Ensemble(eqx.Module):
    """States of a structure, each with its share.

    Args:
        structures: a structure whose arrays have a leading axis of states, such as
            `Ensemble.from_structures` stacks them.
        weights: of each state, positive; they are normalised where they are used.

    Raises:
        ValueError: if an array hasn't as many states as there are weights, or a weight
            isn't positive.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> closed = vx.Gaussians([[4.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> opened = vx.Gaussians([[9.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> ensemble = vx.Ensemble.from_structures([closed, opened], [3.0, 1.0])
        >>> ensemble.probabilities.tolist()
        [0.75, 0.25]
        >>> ensemble.sample(jax.random.key(0)).positions.shape
        (1, 3)
    """

    structures: PyTree = eqx.field(metadata={"stacked": True})
    weights: Float[Array, " states"] = eqx.field(
        converter=as_float,
        metadata=must(POSITIVE, "leave out states that never occur"),
    )

    def __check_init__(self) -> None:
        for leaf in jax.tree.leaves(self.structures):
            if self.weights.ndim != 1 or leaf.shape[:1] != self.weights.shape:
                raise ValueError(
                    f"cannot make Ensemble because weights have shape "
                    f"{self.weights.shape} and an array of the structures "
                    f"{leaf.shape}; do stack the states along the first axis, as "
                    f"Ensemble.from_structures does"
                )
        check_fields(self)

    @classmethod
    def from_structures(
        cls,
        structures: Sequence[Any],
        weights: Float[Array, " states"] | Sequence[float] | None = None,
    ) -> Self:
        """Return the ensemble of some structures.

        Args:
            structures: alike but for their numbers: the same elements, the same shapes.
            weights: of each, equal by default.

        Raises:
            ValueError: if there is none, or they aren't alike.
        """
        kinds = {_kind(structure) for structure in structures}
        if len(kinds) != 1:
            raise ValueError(
                f"cannot make an Ensemble of {len(structures)} structures because "
                f"there are {len(kinds)} kinds of them; do give at least one, all with "
                f"the same elements and the same numbers of atoms or voxels"
            )
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *structures)
        return cls(stacked, jnp.ones(len(structures)) if weights is None else weights)

    def __len__(self) -> int:
        return self.weights.shape[0]

    @property
    def probabilities(self) -> Float[Array, " states"]:
        """The weights over their sum."""
        return self.weights / jnp.sum(self.weights)

    def state(self, index: int | Int[Array, ""]) -> Any:
        """Return one structure.

        Args:
            index: which; it may be traced.

        Raises:
            IndexError: if there is no such state, where the index is a Python integer.
        """
        ensemble = checked("Ensemble.state", ensemble=self)
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError(
                f"cannot take state {index} because there are {len(self)}; do give 0 "
                f"to {len(self) - 1}"
            )
        return jax.tree.map(lambda leaf: leaf[index], ensemble.structures)

    def sample(self, key: PRNGKeyArray) -> Any:
        """Return a structure drawn by the weights.

        Differentiable in the structures; a draw has no derivative in the weights.

        Raises:
            TypeError: if `key` isn't a random key.
        """
        check_key("Ensemble.sample", key)
        ensemble = checked("Ensemble.sample", ensemble=self)
        return ensemble.state(jr.categorical(key, jnp.log(ensemble.weights)))


def _kind(structure: Any) -> Any:
    """Return what two states must have in common."""
    leaves, kind = jax.tree.flatten(structure)
    return kind, tuple((leaf.shape, leaf.dtype.name) for leaf in leaves)
