"""The packaged specimen; particles in batches."""

from ._apoferritin import (
    apoferritin as apoferritin,
    apoferritin_chain as apoferritin_chain,
    apoferritin_operators as apoferritin_operators,
)
from ._batches import Batch as Batch, batches as batches
