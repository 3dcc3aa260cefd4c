"""Variants of an entry: other parameters or other equations under a name, each a system of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import attractory
from attractory.catalog import SystemRecord, read_system
from attractory.errors import CatalogError
from attractory.stages.check import check

Write = Callable[..., Path]

ENTRY = """\
name: Mine
kind: flow
behaviour: periodic
parameters: {a: 1.5, b: 2*a}
equations:
  x: y
  y: -b*x
initial: {x: 1.0, y: 0.0}
conserved: {energy: (b*x**2 + y**2)/2}
timescale: {period: 3.6, definition: d}
variants:
  slow: {a: 0.5}
  damped:
    parameters: {c: 0.1}
    equations: {y: -b*x - c*y}
    timescale: {period: 3.7, definition: d}
    behaviour: fixed_point
    notes: Of another book.
published: [{quantity: q, value: 1, source: s}]
notes: Of one book.
"""


def test_a_bare_variant_changes_parameters_and_keeps_the_rest(write: Write) -> None:
    """Derived parameters follow, and nothing that was said of the entry's own values is said of the variant."""
    entry = read_system(write(ENTRY))
    slow = entry.variant("slow")
    assert (slow.parameters, slow.equations, slow.conserved) == ({"a": 0.5, "b": "2*a"}, entry.equations, entry.conserved)
    assert (slow.name, slow.behaviour, slow.published, slow.variants) == ("Mine", "unknown", (), {})
    assert slow.timescale == entry.timescale


def test_a_full_variant_changes_equations_and_says_what_it_is(write: Write) -> None:
    """Only what it writes is different; a conserved quantity of other equations is gone."""
    damped = read_system(write(ENTRY)).variant("damped")
    assert damped.equations == {"x": "y", "y": "-b*x - c*y"}
    assert damped.parameters == {"a": 1.5, "b": "2*a", "c": 0.1}
    assert (damped.behaviour, damped.conserved, damped.notes) == ("fixed_point", {}, "Of another book. Of one book.")
    assert damped.timescale is not None
    assert damped.timescale.period == 3.7


def test_a_variant_has_the_digest_of_the_system_that_it_is(write: Write) -> None:
    """The bytes of its trajectories are those of an entry that is written so in the first place."""
    entry = read_system(write(ENTRY))
    written = read_system(write(ENTRY.replace("{a: 1.5, b", "{a: 0.5, b")))
    assert entry.variant("slow").digest == written.digest != entry.digest


def test_both_forms_are_one_record(write: Write) -> None:
    """Bare values are short for `parameters`, and what a store keeps of them reads as the same entry."""
    entry = read_system(write(ENTRY))
    assert entry == read_system(write(ENTRY.replace("slow: {a: 0.5}", "slow: {parameters: {a: 0.5}}")))
    assert SystemRecord.from_mapping(entry.model_dump(mode="json")) == entry


def test_an_unknown_variant_names_the_nearest(write: Write) -> None:
    """A typing error is one sentence."""
    entry = read_system(write(ENTRY))
    with pytest.raises(CatalogError, match=r"^Mine has no variant 'slw'; it has slow, damped\. Did you mean 'slow'\?"):
        entry.variant("slw")


def test_a_variant_of_the_catalog_is_a_system() -> None:
    """The public door takes its name."""
    lorenz = attractory.system("Lorenz", variant="periodic_window")
    assert lorenz.parameters == {**attractory.system("Lorenz").parameters, "rho": 99.65}
    assert lorenz.lyapunov_time is None
    assert lorenz != attractory.system("Lorenz")


@pytest.mark.parametrize(
    ("written", "key", "message"),
    [
        ("slow: {a: 0.5}", "slow: {a: 0.5/}", r":12: parameters\.a"),
        ("-b*x - c*y}", "-b*x - d*y}", r":15: equations\.y"),
    ],
)
def test_a_variant_that_cannot_be_read_is_found_at_its_line(write: Write, written: str, key: str, message: str) -> None:
    """`attractory check` reads the variants too."""
    with pytest.raises(CatalogError, match=message):
        check([write(ENTRY.replace(written, key))])


def test_what_to_avoid_is_an_expression(write: Write) -> None:
    """`attractory check` reads it as it reads an equation."""
    with pytest.raises(CatalogError, match=r"avoid\.0 uses 'z'"):
        check([write(ENTRY + "avoid: [z]\n")])


def test_the_check_of_a_file_covers_its_variants(write: Write) -> None:
    """An entry whose variants can be read passes."""
    found: Any = check([write(ENTRY)])
    assert found.failures == ()
