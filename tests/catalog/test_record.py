"""The record of a system: what is accepted, what each mistake says, and what the digest covers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from attractory.catalog import SystemRecord, read_system
from attractory.errors import CatalogError

Write = Callable[..., Path]

ENTRY = """\
name: Mine
kind: flow
parameters: {a: 1.5}
equations:
  x: y
  y: -a*x
initial: {x: 1.0, y: 0.0}
"""

PARTS: dict[str, Any] = {
    "name": "Mine",
    "kind": "flow",
    "parameters": {"a": 1.5, "b": "2*a"},
    "equations": {"x": "y", "y": "-a*x"},
    "initial": {"x": 1.0, "y": 0},
}


def record(**changes: object) -> SystemRecord:
    return SystemRecord.from_mapping({**PARTS, **changes})


def problems(mapping: Mapping[str, object]) -> list[str]:
    with pytest.raises(CatalogError) as error:
        SystemRecord.from_mapping(mapping)
    return str(error.value).splitlines()


def test_a_small_entry_is_a_record(write: Write) -> None:
    """Name, kind, equations and initial are enough; the order of variables is the order of the equations."""
    read = read_system(write(ENTRY))
    assert (read.name, read.kind, read.state_variables, read.parameters, read.dimension) == ("Mine", "flow", ("x", "y"), {"a": 1.5}, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kindd": 1}, r"kindd: unknown key 'kindd', expected one of name, .*\. Did you mean 'kind'\?"),
        ({"kind": "flows"}, r"kind: found 'flows', expected one of flow, map, .*\. Did you mean 'flow'\?"),
        ({"behaviour": "chaos"}, r"behaviour: found 'chaos', expected one of chaotic, .*\. Did you mean 'chaotic'\?"),
        ({"equations": 3}, r"equations: found 3, expected a mapping"),
        ({"equations": {}}, r"equations: found none, expected one for each state variable"),
        ({"equations": {"x": ["y"], "y": "x"}}, r"equations\.x: found a list, expected text"),
        ({"equations": {"x": "", "y": "x"}}, r"equations\.x: found '', expected an expression"),
        ({"initial": {"x": 1.0}}, r"initial: has no value for y"),
        (
            {"initial": {"x": 1.0, "y": 1.0, "xx": 2.0}},
            r"initial\.xx: 'xx' is not a state variable \(those are x, y\)\. Did you mean 'x'\?",
        ),
        ({"parameters": {"a": True}}, r"parameters\.a: found True, expected a number or text or a list"),
        ({"parameters": {"a": None}}, r"parameters\.a: found nothing, expected a number or text or a list"),
        ({"parameters": {"a": float("inf")}}, r"parameters\.a: found inf, expected a finite number"),
        ({"parameters": {"sin": 1}}, r"parameters\.sin: 'sin' is a function of the expression language: expected another name"),
        ({"parameters": {"t": 1}}, r"parameters\.t: 't' is time: expected another name"),
        ({"parameters": {"lambda": 1}}, r"parameters\.lambda: 'lambda' is a reserved word"),
        ({"parameters": {"2a": 1}}, r"parameters\.2a: '2a' is not a name: expected a letter, then letters, digits and underscores"),
        ({"parameters": {"x": 1}}, r"equations\.x: 'x' is declared already, under parameters: expected another name"),
        ({"definitions": {"y": "x"}}, r"equations\.y: 'y' is declared already, under definitions"),
        ({"equations": {"x": "y", "y": "x", "t": "1"}, "initial": {"x": 1, "y": 1, "t": 1}}, r"equations\.t: 't' is time"),
        ({"name": "../../x"}, r"name: '\.\./\.\./x' is not a name"),
        ({"name": "a" * 65}, r"name: 'a+…' has 65 characters: expected at most 64"),
        ({"name": "All"}, r"name: 'All' means every system in a recipe"),
        ({"wrap": {"x": [0]}}, r"wrap\.x: found too few values, expected 2"),
        ({"wrap": {"x": [0, 1, 2]}}, r"wrap\.x: found 3 values, expected 2"),
        ({"wrap": {"z": [0, 1]}}, r"wrap\.z: 'z' is not a state variable"),
        ({"symmetries": [{"x": "-x", "w": "w"}]}, r"symmetries\.0\.w: 'w' is not a state variable"),
        ({"timescale": {"period": 0, "definition": "d"}}, r"timescale\.period: found 0, expected a number above 0"),
        ({"timescale": {"period": 1.0}}, r"timescale: the key 'definition' is missing"),
        ({"history": {"x": "1"}}, r"history: is for delay systems, and this is a flow: use initial"),
        ({"reference": {"authors": "A", "year": "1963", "title": "T"}}, r"reference\.year: found '1963', expected a whole number"),
        ({"reference": {"authors": "A", "B.": None, "year": 1963, "title": "T"}}, r"reference\.B\.: .*put quotes around text"),
        ({"published": [{"quantity": "q", "value": "v", "source": "s"}]}, r"published\.0\.value: found 'v', expected a number or a list"),
        ({"invariants": {"q": {"value": 1.0, "method": "m"}}}, r"invariants\.q: the key 'computed_with' is missing"),
        ({"parameters": {"a": 10**400}}, r"parameters\.a: found 10+…, expected a whole number of at most 2\*\*53 or a number or text"),
        ({"indices": {"i": 0}}, r"indices\.i: found 0, expected a number of at least 1"),
        ({"variables": {"z": {"meaning": "height"}}}, r"variables\.z: 'z' is not a state variable \(those are x, y\)"),
        ({"variables": {"x": {"unit": "m"}}}, r"variables\.x: the key 'meaning' is missing"),
        ({"variables": {"x": {"meaning": "m", "units": "s"}}}, r"variables\.x\.units: unknown key 'units', .* Did you mean 'unit'\?"),
        ({"ranges": {"c": [0, 1]}}, r"ranges\.c: 'c' is not a parameter \(those are a, b\)"),
        ({"ranges": {"a": [2, 1]}}, r"ranges\.a: found \[2, 1\], expected \[low, high\] with low below high"),
        ({"basin": {"z": [0, 1]}}, r"basin\.z: 'z' is not a state variable"),
        ({"basin": {"x": [1, 1]}}, r"basin\.x: found \[1, 1\], expected \[low, high\]"),
        ({"unbounded": ["z"]}, r"unbounded\.z: 'z' is not a state variable"),
        ({"avoid": "x"}, r"avoid: found 'x', expected a list"),
        ({"variants": {"low": {"aa": 1}}}, r"variants\.low\.aa: 'aa' is not a parameter \(those are a, b\)\. Did you mean 'a'\?"),
        ({"variants": {"low": {"a": {}}}}, r"variants\.low\.a: found a mapping, expected a number or text or a list"),
        ({"variants": {"low": 3}}, r"variants\.low: found 3, expected a mapping"),
        ({"variants": {"1st": {"a": 1}}}, r"variants\.1st: '1st' is not a name"),
        ({"variants": {"low": {"parameters": {"q": 1}}}}, r"variants\.low\.q: 'q' is not a parameter"),
        ({"variants": {"low": {"notes": "n", "eqations": {}}}}, r"variants\.low\.eqations: unknown key .* Did you mean 'equations'\?"),
        ({"variants": {"low": {"equations": {"z": "x"}}}}, r"variants\.low\.equations\.z: 'z' is not an equation of the entry"),
        ({"variants": {"low": {"initial": {"z": 1}}}}, r"variants\.low\.initial\.z: 'z' is not a state variable"),
        ({"equations": {"x[i]": "1"}, "initial": {"x": 0}}, r"equations\.x\[i\]: the index 'i' is not declared under indices"),
    ],
)
def test_each_mistake_says_where_what_and_what_was_expected(changes: dict[str, object], message: str) -> None:
    """One line, which begins with the system and the key."""
    assert len(found := problems({**PARTS, **changes})) == 1, found
    with pytest.raises(CatalogError, match=r"^System '.+': " + message):
        record(**changes)


def test_an_indexed_variable_may_not_meet_another_name() -> None:
    """x[i] stands for x0, x1, …, so a parameter x1 would be two things."""
    changes = {"indices": {"i": 3}, "equations": {"x[i]": "x1"}, "initial": {"x[i]": 0}, "parameters": {"x1": 1}}
    assert problems({**PARTS, **changes}) == [
        "System 'Mine': equations.x[i]: stands for x0, x1, …, and 'x1' is declared under parameters: rename one of them"
    ]


def test_all_mistakes_are_reported_together_in_the_order_of_the_file(write: Write) -> None:
    """Each line of the message is one problem with its own line of the file."""
    path = write(ENTRY.replace("kind: flow", "kind: flwo").replace("a: 1.5", "a: [1, {}]").replace("initial", "initally"))
    with pytest.raises(CatalogError) as error:
        read_system(path)
    assert [line.split(": ")[0].removeprefix(str(path)) for line in str(error.value).splitlines()] == [":2", ":3", ":7"]


def test_a_missing_key_is_named() -> None:
    """A mapping without the necessary keys says which."""
    assert problems({"kind": "flow"}) == ["System '?': the key 'name' is missing", "System '?': the key 'equations' is missing"]


@pytest.mark.parametrize(("text", "found"), [("", "nothing"), ("- a\n", "no mapping"), ("a\n", "no mapping")])
def test_a_file_that_holds_no_mapping_is_no_system(write: Write, text: str, found: str) -> None:
    """An empty file and a list are refused with what was expected."""
    with pytest.raises(CatalogError, match=rf":1: found {found}, expected a system: name, kind, equations, initial"):
        read_system(write(text))


def test_constants_may_be_shadowed() -> None:
    """A parameter named e or pi is the parameter."""
    assert record(parameters={"e": 1.0, "pi": 3}).parameters == {"e": 1.0, "pi": 3}


def test_numbers_are_expressions_too() -> None:
    """`y: 0` is an equation, and a parameter keeps the type it was written with."""
    changed = record(equations={"x": 0, "y": -1.5}, parameters={"N": 40, "a": [1, "2/3", 0.5]})
    assert changed.equations == {"x": "0", "y": "-1.5"}
    assert changed.parameters == {"N": 40, "a": (1, "2/3", 0.5)}
    assert isinstance(changed.parameters["N"], int)


def test_where_begins_with_file_and_line(write: Write) -> None:
    """A key that is not in the file takes the line of the nearest key above it."""
    path = write(ENTRY)
    read = read_system(path)
    assert read.where("equations.y") == f"{path}:6: equations.y"
    assert read.where("equations.z") == f"{path}:4: equations.z"
    assert record().where("equations.y") == "System 'Mine': equations.y"


def test_records_are_frozen_and_can_be_sent(write: Write) -> None:
    """A record travels to another process with its source, and nothing can change it."""
    read = read_system(write(ENTRY))
    sent = pickle.loads(pickle.dumps(read))
    assert (sent, sent.source, hash(sent)) == (read, read.source, hash(read))
    with pytest.raises(ValidationError):
        read.name = "Other"  # type: ignore[misc]


def test_where_a_record_came_from_is_no_part_of_it(write: Write) -> None:
    """The same entry in another file, or made in Python, is the same record."""
    parts = {**PARTS, "parameters": {"a": 1.5}}
    assert read_system(write(ENTRY)) == read_system(write(ENTRY, "other.yaml")) == SystemRecord.from_mapping(parts)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "map"},
        {"equations": {"x": "y", "y": "-a*x "}},
        {"equations": {"y": "-a*x", "x": "y"}},
        {"parameters": {"a": 1.25, "b": "2*a"}},
        {"parameters": {"b": "2*a", "a": 1.5}},
        {"initial": {"x": 1.0, "y": 1}},
        {"definitions": {"c": "x"}},
        {"wrap": {"x": [0, 1]}},
        {"timescale": {"period": 1.0, "definition": "d"}},
    ],
)
def test_the_digest_covers_what_decides_bytes(changes: dict[str, object]) -> None:
    """Equations, parameters, initial state, period and their order: any change is another digest."""
    assert record(**changes).digest != record().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Other"},
        {"description": "d"},
        {"tags": ["a"]},
        {"behaviour": "periodic"},
        {"notes": "n"},
        {"conserved": {"energy": "x"}},
        {"variables": {"x": {"meaning": "position", "unit": "m"}}},
        {"ranges": {"a": [1, 2]}},
        {"variants": {"low": {"a": 1}}},
        {"basin": {"x": [-1, 1]}},
        {"avoid": ["x - y"]},
        {"unbounded": ["x"]},
        {"published": [{"quantity": "q", "value": 1, "source": "s"}]},
        {"invariants": {"q": {"value": 1.0, "method": "m", "computed_with": "c"}}},
        {"initial": {"x": 1, "y": 0.0}},
    ],
)
def test_the_digest_covers_nothing_else(changes: dict[str, object]) -> None:
    """Annotating, describing and writing 1 for 1.0 change no data, so they change no digest."""
    assert record(**changes).digest == record().digest


def test_optional_keys_that_are_absent_are_not_stored() -> None:
    """A store's copy of an entry without them reads as it did before there were such keys."""
    keys = {"variables", "ranges", "basin", "avoid", "unbounded", "variants"}
    assert not keys & set(record().model_dump())
    assert set(record(unbounded=["x"]).model_dump()) & keys == {"unbounded"}


def test_the_digest_of_an_entry_is_this() -> None:
    """A pin: finished datasets name their entries by it, so it may change only together with the store's format number."""
    assert record().digest == "1dd95a08b3a7221743d86bb1a6245977a2ec0c788a169d1e58b5c22424c506bc"


def test_making_a_record_leaves_the_mapping_alone() -> None:
    """What the caller passes is read only."""
    before = copy.deepcopy(PARTS)
    record()
    assert before == PARTS


@pytest.mark.parametrize(
    ("size", "dimension"), [(5, 5), ("N", 7), ("2*N", None)], ids=["a number", "a parameter", "an expression: for the package expressions"]
)
def test_the_dimension_counts_indexed_variables(size: object, dimension: int | None) -> None:
    """It is known without reading expressions where the size is a number or a parameter's name."""
    parts = {"name": "Ring", "kind": "flow", "parameters": {"N": 7}, "equations": {"x[i]": "x[i+1]"}, "initial": {"x[i]": "i"}}
    assert SystemRecord.from_mapping({**parts, "indices": {"i": size}}).dimension == dimension
