"""junit.xml, by the rules of the schemas that build servers have: JUnit.xsd of Windy Road (Ant's form) is the strictest of them."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest

# What that schema asks for: attributes that must be there, and the children of an element in their order.
SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "time"}
CASE = {"name", "classname", "time"}
OUTCOMES = {"skipped": {"message"}, "error": {"message", "type"}, "failure": {"message", "type"}}


@pytest.fixture
def root(folder):
    return ElementTree.parse(folder / "junit.xml").getroot()


def test_suites_are_as_the_schema_has_them(root):
    """Every attribute that it asks for, of the type it asks for; properties first, then cases, then the two outputs."""
    assert root.tag == "testsuites"
    assert [suite.get("id") for suite in root] == ["0", "1", "2"]
    for suite in root:
        assert set(suite.keys()) == SUITE | {"skipped"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))
        assert Decimal(suite.get("time")) >= 0
        tags = [child.tag for child in suite]
        assert tags == ["properties", *["testcase"] * (len(tags) - 3), "system-out", "system-err"]
        assert all(is_token(suite.get(name)) for name in ("name", "package", "hostname"))


def test_cases_are_as_the_schema_has_them(root):
    """A name, a class, a time, and at most one outcome with its message and type."""
    for case in root.iter("testcase"):
        assert set(case.keys()) == CASE
        assert is_token(case.get("name"))
        assert is_token(case.get("classname"))
        assert len(case) <= 1
        for outcome in case:
            assert set(outcome.keys()) == OUTCOMES[outcome.tag]


def test_counts_are_those_of_the_cases(root):
    """In every suite; not enough data is skipped, a check that broke is an error."""
    found = {suite.get("name"): suite for suite in root}
    for suite in root:
        outcomes = [child.tag for case in suite.iter("testcase") for child in case]
        counted = [int(suite.get(name)) for name in ("failures", "errors", "skipped")]
        assert counted == [outcomes.count(tag) for tag in ("failure", "error", "skipped")]
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
    assert [found["Oscillator"].get(name) for name in ("failures", "errors", "skipped")] == ["1", "1", "1"]


def test_a_failure_says_what_was_measured_and_what_to_do(root):
    """In its text, line by line."""
    (failure,) = [case[0] for case in root.iter("testcase") if case.get("classname") == "truth.Fourfold" and len(case)]
    lines = failure.text.strip().splitlines()
    assert "measured: 0.003" in lines
    assert "limit: 1e-06" in lines
    assert "what to do: Make the store again." in lines


def is_token(text: str) -> bool:
    """As XML Schema has it: not empty, no spaces at the ends, no two together."""
    return bool(text) and text == " ".join(text.split())
