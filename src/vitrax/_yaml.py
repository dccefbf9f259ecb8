"""YAML files, read strictly: plain data, plain numbers, no key twice."""

import re
from collections.abc import Hashable
from typing import Any

from ._files import InputError


# Bytes of a configuration, so that a wrong file ends soon.
LARGEST_YAML = 2**24
# Numbers as YAML 1.2 has them: 1e-3 is one, 1:30 isn't.
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")


def parse_yaml(content: bytes, source: str) -> Any:
    """Return what the text of a YAML file says.

    Args:
        content: of the file, UTF-8.
        source: the file, for messages.

    Raises:
        InputError: if it isn't plain YAML, repeats a key, or is larger than 16 MiB.
    """
    import yaml

    if len(content) > LARGEST_YAML:
        raise InputError(
            f"cannot read {source} because it has {len(content)} bytes, too many for a "
            "configuration; do check the path"
        )
    try:
        return yaml.load(content.decode("utf-8-sig"), Loader=_strict_loader())
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(
            f"cannot read {source} because it isn't plain YAML ({error}); do write one "
            "'option: value' per line"
        ) from error


def _strict_loader() -> type:
    """Return PyYAML's safe loader, made to refuse repeated keys and odd numbers."""
    import yaml

    class StrictLoader(yaml.SafeLoader):
        pass

    numbers = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    StrictLoader.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if tag not in numbers]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    starts = list("-+.0123456789")
    whole = {rule: re.compile(f"^(?:{rule.pattern})$") for rule in (_INTEGER, _FLOAT)}
    StrictLoader.add_implicit_resolver(numbers[0], whole[_INTEGER], starts)
    StrictLoader.add_implicit_resolver(numbers[1], whole[_FLOAT], starts)
    StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
    return StrictLoader


def _mapping(loader: Any, node: Any) -> dict[Hashable, Any]:
    """Return a mapping, unless a key stands in it twice."""
    import yaml

    keys: list[Any] = []
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable) or key in keys:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {key!r} stands twice or isn't a plain one",
                problem_mark=key_node.start_mark,
            )
        keys.append(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)
