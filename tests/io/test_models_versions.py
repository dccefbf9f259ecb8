"""Models written by other versions of a class: exactly its fields, in its order.

`model_fields.txt` holds the fields of each version of each class whose files may be
there. Its lines stay; to add those of a new class, or of a version that was raised in
`vitrax.io._model_registry.VERSIONS`: python tests/io/test_models_versions.py
"""

import json
import pathlib
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jaxtyping import Array, Float

import vitrax as vx
from test_architecture import is_abstract, module_classes
from vitrax.io import (
    InputError,
    InputWarning,
    read_model,
    register_model,
    write_model,
)
from vitrax.io._model_registry import _VALUES, VERSIONS, find_entry


SNAPSHOT = pathlib.Path(__file__).with_name("model_fields.txt")


def entries():
    """Return what the registry says of all classes of the library."""
    classes = [cls for cls in module_classes() if not is_abstract(cls)]
    names = {f"{cls.__module__.rsplit('.', 1)[0]}.{cls.__name__}" for cls in classes}
    return [find_entry(name) for name in sorted(names | set(_VALUES))]


def field_lines():
    """Return a line for each version of each class: name, version and fields."""
    return [
        " ".join([entry.name, str(version), *entry.fields_at(version)])
        for entry in entries()
        for version in range(1, entry.version + 1)
    ]


def complaints(snapshot, present):
    """Return what is wrong with the present fields, and whether lines are to be added.

    Args:
        snapshot: lines of files that are there.
        present: lines of the classes as they are.
    """
    now = {tuple(line.split()[:2]): line for line in present}
    found = []
    for line in snapshot:
        name, version, *_ = line.split()
        if now.get((name, version)) != line:
            found.append(
                f"files of {name} in version {version} can't be read any more: raise "
                f"its version in vitrax.io._model_registry.VERSIONS, and say there in "
                f"which one its new fields came\n  was {line}\n  is  "
                f"{now.get((name, version))}"
            )
    return found, sorted(set(present) - set(snapshot))


def test_files_of_all_versions_are_still_read():
    snapshot = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    wrong, new = complaints(snapshot, field_lines())
    assert not wrong, "\n".join(wrong)
    assert not new, "new versions: see the head of this file"
    assert snapshot == sorted(snapshot)


def test_a_field_without_a_new_version_is_noticed():
    was = ["vitrax.optics.Lens 1 defocus"]
    assert complaints(was, ["vitrax.optics.Lens 1 defocus tilt"])[0]
    assert complaints(was, ["vitrax.optics.Lens 1"])[0]
    assert complaints(was, [])[0]
    later = [*was, "vitrax.optics.Lens 2 defocus tilt"]
    assert complaints(was, later) == ([], later[1:])


def test_the_table_of_versions_is_of_classes_that_are_there():
    for name, (version, added) in VERSIONS.items():
        assert find_entry(name).version == version == max(added.values(), default=2)


def slot_of(version):
    """Return a class of users in one of its versions, as a new release brings it."""
    name = "mylab.Slot"
    if version == 1:

        class Slot(eqx.Module):
            width: Float[Array, ""]
            height: Float[Array, ""]

        return register_model(Slot, name=name)
    if version == 2:

        class Slot(eqx.Module):
            width: Float[Array, ""]
            tilt: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.5)
            height: Float[Array, ""] = eqx.field(default_factory=lambda: jnp.zeros(()))

        return register_model(Slot, name=name, version=2, added={"tilt": 2})

    class Slot(eqx.Module):
        width: Float[Array, ""]
        tilt: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.5)
        height: Float[Array, ""] = eqx.field(default_factory=lambda: jnp.zeros(()))
        label: str = eqx.field(static=True, default="new")

    return register_model(Slot, name=name, version=3, added={"tilt": 2, "label": 3})


def one():
    return jnp.asarray(1.0, jnp.float32)


def test_a_newer_class_reads_older_files(tmp_path):
    path = tmp_path / "slot.json"
    write_model(path, [slot_of(1)(one(), 2 * one())])
    assert json.loads(path.read_text())["classes"] == {"mylab.Slot": 1}
    for version, filled in (
        (2, "tilt = "),
        (3, r"tilt = .*, mylab\.Slot\.label = 'new'"),
    ):
        cls = slot_of(version)
        with pytest.warns(InputWarning, match=rf"slot\.json, written .*Slot\.{filled}"):
            (slot,) = read_model(path)
        assert type(slot) is cls
        assert (float(slot.width), float(slot.height), float(slot.tilt)) == (1, 2, 0.5)
        assert isinstance(slot.tilt, jax.Array)
    write_model(path, [slot])
    assert json.loads(path.read_text())["classes"] == {"mylab.Slot": 3}
    assert read_model(path)[0].label == "new"


def test_an_older_class_refuses_newer_files(tmp_path):
    path = tmp_path / "slot.json"
    write_model(path, {"slit": slot_of(2)(one())})
    slot_of(1)
    message = (
        r"slot\.json because model\[0\] is a mylab\.Slot of version 2, and here is "
        r"version 1; do upgrade what it is from"
    )
    with pytest.raises(InputError, match=message):
        read_model(path)
    write_model(tmp_path / "lens.json", vx.Lens(1e4))
    changed(tmp_path / "lens.json", lambda d: d["classes"].update({LENS: 7}))
    with pytest.raises(InputError, match=r"Lens of version 7, .* do upgrade vitrax"):
        read_model(tmp_path / "lens.json")


LENS = "vitrax.optics.Lens"


def changed(path, change):
    """Change the JSON of a file; the order of its keys counts."""
    document = json.loads(path.read_text())
    replaced = change(document)
    path.write_text(json.dumps(document if replaced is None else replaced))


def reordered(fields, first):
    """Put one field before all others."""
    others = {name: fields.pop(name) for name in list(fields) if name != first}
    fields.update(others)


def fields(document):
    return document["model"]["fields"]


REFUSED = {
    "reordered": (
        lambda d: reordered(fields(d), "tilt"),
        r"mylab\.Slot\.tilt \(model\.tilt\) is reordered: it stands where width "
        r"belongs; do put the fields in the order width, tilt, height, label$",
    ),
    "missing": (
        lambda d: fields(d).pop("height") and None,
        r"mylab\.Slot\.height \(model\.height\) is missing; do",
    ),
    "missing with a default": (
        lambda d: fields(d).pop("tilt") and None,
        r"mylab\.Slot\.tilt \(model\.tilt\) is missing; do",
    ),
    "unknown": (
        lambda d: fields(d).update(spin=1),
        r"model has the unknown field 'spin', which mylab\.Slot of version 3 hasn't",
    ),
    "of a later version": (
        lambda d: d["classes"].update({"mylab.Slot": 2}),
        r"the unknown field 'label', which mylab\.Slot of version 2 hasn't",
    ),
    "missing in an older version": (
        lambda d: [
            d["classes"].update({"mylab.Slot": 1}),
            [fields(d).pop(name) for name in ("tilt", "label", "height")],
            None,
        ][-1],
        r"mylab\.Slot\.height \(model\.height\) is missing",
    ),
    "reordered in an older version": (
        lambda d: [
            d["classes"].update({"mylab.Slot": 1}),
            [fields(d).pop(name) for name in ("tilt", "label")],
            reordered(fields(d), "height"),
        ][-1],
        r"is reordered: it stands where width belongs; do put .* order width, height$",
    ),
    "no version": (
        lambda d: d["classes"].clear(),
        r"model is a mylab\.Slot, of which the file's \"classes\" gives no version",
    ),
    "version of nothing": (
        lambda d: d["classes"].update({LENS: 1}),
        r"model has nothing of the class 'vitrax\.optics\.Lens', which \"classes\"",
    ),
    "version that is none": (
        lambda d: d["classes"].update({"mylab.Slot": True}),
        r"its classes are \{'mylab\.Slot': True\}, not names with a version each",
    ),
    "version below 1": (
        lambda d: d["classes"].update({"mylab.Slot": 0}),
        "not names with a version each",
    ),
    "classes that are none": (
        lambda d: d.update(classes=["mylab.Slot"]),
        r"its classes are \['mylab\.Slot'\]",
    ),
    "no classes": (lambda d: d.pop("classes") and None, "'classes' is missing in it"),
    "classes in version 1": (lambda d: d.update(version=1), "'classes' is missing in"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_isn_t_exact_is_refused_by_name(tmp_path, name):
    change, message = REFUSED[name]
    path = tmp_path / "slot.json"
    write_model(path, slot_of(3)(one()))
    changed(path, change)
    with pytest.raises(InputError, match=message) as caught:
        read_model(path)
    assert f"cannot read {path} because" in str(caught.value)


def test_files_of_the_first_format_have_first_versions(tmp_path):
    path = tmp_path / "slot.json"
    write_model(path, slot_of(1)(one(), one()))
    changed(path, lambda d: d.pop("classes") and d.update(version=1))
    assert float(read_model(path).width) == 1.0
    slot_of(2)
    with pytest.warns(InputWarning, match="tilt"):
        assert float(read_model(path).height) == 1.0
    write_model(path, vx.Lens(1e4))
    changed(path, lambda d: d.pop("classes") and d.update(version=1))
    assert float(read_model(path).defocus) == 1e4
    changed(path, lambda d: reordered(fields(d), "b_factor"))
    with pytest.raises(InputError, match=r"Lens\.b_factor .* is reordered"):
        read_model(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": 0}, "version is 0, not a whole number from 1"),
        ({"version": True}, "version is True"),
        ({"version": 2, "added": {"spin": 2}}, "no field 'spin', which is said"),
        ({"version": 2, "added": {"tilt": 3}}, "tilt is said to be added in version 3"),
        ({"version": 2, "added": {"tilt": 1}}, "tilt is said to be added in version 1"),
        ({"added": {"tilt": 2}}, "in version 2 of 1"),
        ({"version": 2, "added": {"width": 2}}, "width was added and has no default"),
    ],
)
def test_versions_that_can_t_be_are_not_registered(arguments, message):
    class Wedge(eqx.Module):
        width: float = eqx.field(static=True)
        tilt: float = eqx.field(static=True, default=0.0)

    with pytest.raises(ValueError, match=message):
        register_model(Wedge, name="mylab.Wedge", **arguments)
    with pytest.raises(ValueError, match="only classes with fields have versions"):
        register_model(one, version=2)


if __name__ == "__main__":
    lines = (
        SNAPSHOT.read_text(encoding="utf-8").splitlines() if SNAPSHOT.exists() else []
    )
    refused, more = complaints(lines, field_lines())
    if refused:
        sys.exit("\n".join(refused))
    SNAPSHOT.write_text("\n".join(sorted([*lines, *more])) + "\n", encoding="utf-8")
