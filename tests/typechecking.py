"""The checker of annotations at run time, which jaxtyping applies to the package."""

from typing import Annotated, Self

from beartype import BeartypeConf, FrozenDict, beartype
from beartype.vale import Is


# beartype refuses `Self` on a method that is decorated alone, as jaxtyping decorates
# them, and mishandles `Any` in its place inside a union. An int is a float (PEP 484).
Anything = Annotated[object, Is[lambda _: True]]

check = beartype(
    conf=BeartypeConf(hint_overrides=FrozenDict({Self: Anything}), is_pep484_tower=True)
)
