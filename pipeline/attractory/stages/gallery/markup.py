"""HTML that is built of elements: text is always escaped, so nothing that an entry says becomes markup."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_SCHEMES = frozenset({"http", "https"})
_DOI_SIGNS = "/.:()-_;"  # of a DOI, what need not be encoded in an address

Child = object  # an Html stands as it is, None and False are nothing, a list is its items, anything else is text


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, /, *children: Child, **attributes: Any) -> Html:
    """`<name attribute="value">children</name>`.

    An attribute's underscores are hyphens, but for one at the end (`class_`); True is the bare attribute, None and False leave it out.
    """
    written = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[Child], *, between: str = "") -> Html:
    """Markup of children one after the other."""
    return Html(between.join(_child(child) for child in children))


def breakable(name: str) -> Html:
    """A name that a line may be broken in, before a capital letter and after an underscore."""
    return joined(re.split(r"(?<=[a-z0-9])(?=[A-Z])|(?<=_)", name), between="<wbr>")


def link(text: Child, address: str, **attributes: Any) -> Html:
    """A link to an address of the web; the text alone where the address is of another kind, such as `javascript:`."""
    try:
        is_web = urlsplit(address).scheme in _SCHEMES
    except ValueError:
        is_web = False
    return element("a", text, href=address, rel="noopener", **attributes) if is_web else joined([text])


def doi_address(doi: str) -> str:
    return "https://doi.org/" + quote(doi, safe=_DOI_SIGNS)


def data_block(identity: str, value: Any) -> Html:
    """JSON for a script to read, in an element that is not run; `<` is written so that nothing inside can end it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    return Html(f'<script type="application/json" id="{escape(identity)}">{text}</script>')


def document(head: Iterable[Child], body: Iterable[Child], *, depth: int) -> bytes:
    """A whole page of a site.

    Args:
        depth: how many folders below the site's root it lies.
    """
    root = "../" * depth
    start = [
        element("link", rel="icon", href=f"{root}site/icon.svg"),
        element("link", rel="stylesheet", href=f"{root}site/base.css"),
        element("link", rel="stylesheet", href=f"{root}site/style.css"),
        element("script", src=f"{root}site/theme.js"),
    ]
    # Nothing but files of the site is loaded or run, whatever an entry holds.
    return _page("script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'", [*start, *head], body)


def alone(head: Iterable[Child], body: Iterable[Child], *, style: str, early: str, late: str) -> bytes:
    """A whole page that is one file, with its style sheet and its scripts in it.

    Args:
        style, early, late: ours, put in as they are; `early` runs before the page is drawn, `late` when all of it is there.
    """
    # What may style the page and run in it is known by its digest: nothing else does, whatever a stranger's text holds.
    scripts = " ".join(_source(text) for text in (early, late))
    policy = f"script-src {scripts}; style-src {_source(style)}; img-src data:"
    start = [element("style", Html(style)), element("script", Html(early))]
    return _page(policy, [*start, *head], [*body, element("script", Html(late))])


def _page(policy: str, head: Iterable[Child], body: Iterable[Child]) -> bytes:
    start = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=f"default-src 'none'; {policy}; base-uri 'none'; form-action 'none'"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        *(part for part in head if part is not None),
    ]
    html = element("html", "\n", element("head", joined(start, between="\n")), "\n", element("body", *body), "\n", lang="en")
    return f"<!doctype html>\n{html}\n".encode("utf-8", "replace")


def _source(text: str) -> str:
    """How a policy names an element by what it holds."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def _child(child: Child) -> str:
    if child is None or child is False:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, list | tuple):
        return joined(child)
    return escape(str(child), quote=False)
