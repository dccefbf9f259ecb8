"""The packaged specimen."""

from ._apoferritin import (
    apoferritin as apoferritin,
    apoferritin_chain as apoferritin_chain,
    apoferritin_operators as apoferritin_operators,
)
