"""Text is text, wherever in a page it stands."""

from __future__ import annotations

import json

import pytest

from attractory.stages.gallery.markup import Html, breakable, data_block, document, doi_address, element, joined, link

WICKED = '</p><script>alert("1")</script>&\''


def test_children_and_attributes_are_escaped():
    """Whatever an entry says is shown, not run."""
    made = element("p", WICKED, title=WICKED)
    assert "<script" not in made
    assert made.count("<") == 2
    assert made[: made.index(">")].count('"') == 2


def test_markup_in_markup_stands_as_it_is():
    """An element in an element is escaped once only; nothing and False leave no trace."""
    assert element("p", element("b", "a < b"), None, False, ["c", 1]) == "<p><b>a &lt; b</b>c1</p>"
    assert joined(["a", Html("<br>"), "b"], between=" ") == "a <br> b"


def test_attributes_are_named_as_in_html():
    """Underscores are hyphens, one at the end keeps Python's words free, True stands alone."""
    made = element("input", type="checkbox", aria_label="x", class_="y", checked=True, hidden=False, id=None)
    assert made == '<input type="checkbox" aria-label="x" class="y" checked>'


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//elsewhere", "http://[", "file:///etc"]
)
def test_only_addresses_of_the_web_are_links(address):
    """Another one is left out, and its text stays."""
    assert link("here", address) == "here"


def test_a_doi_with_angle_brackets_is_an_address():
    """As the American Meteorological Society made them."""
    address = doi_address("10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2")
    assert address == "https://doi.org/10.1175/1520-0469(1963)020%3C0130:DNF%3E2.0.CO;2"
    assert link("x", address).startswith('<a href="https://doi.org/')


def test_data_for_a_script_cannot_end_its_element():
    """And reads back as it was."""
    made = data_block("d", {"a": "</script><script>", "b": [1, 2.5]})
    assert made.count("<") == 2
    assert json.loads(made[made.index(">") + 1 : made.rindex("<")]) == {"a": "</script><script>", "b": [1, 2.5]}


def test_a_page_allows_nothing_from_elsewhere():
    """Its policy names no source but the site, and half a surrogate pair in an entry does not stop it."""
    text = document([element("title", "\ud800")], ["x"], depth=1).decode()
    assert "default-src &#x27;none&#x27;" in text
    assert "http" not in text.replace("http-equiv", "")
    assert 'href="../site/style.css"' in text


def test_a_long_name_may_be_broken_where_a_word_begins():
    """And stays the same text."""
    assert breakable("ArnoldBeltrami96Map") == "Arnold<wbr>Beltrami96<wbr>Map"
    assert breakable("repeated_samples") == "repeated_<wbr>samples"
    assert breakable("<b>") == "&lt;b&gt;"
