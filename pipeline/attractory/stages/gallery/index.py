"""The first page: every system as a card, and what a reader chooses them by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attractory.expressions import System
from attractory.stages.gallery.markup import Child, Html, breakable, document, element
from attractory.stages.gallery.page import footer, theme_button
from attractory.stages.gallery.tables import SPECTRUM, estimate, flat
from attractory.stages.show import line

WIDTH, HEIGHT = 320, 240  # of a thumbnail
KINDS = {"flow": "flows", "map": "maps", "delay": "delay systems", "stochastic": "stochastic", "field": "fields", "network": "networks"}
BEHAVIOURS = (
    "chaotic",
    "hyperchaotic",
    "conservative_chaotic",
    "transient_chaotic",
    "quasiperiodic",
    "periodic",
    "fixed_point",
    "unknown",
)
# The last of a group is open.
DIMENSIONS = {"1": "1", "2": "2", "3": "3", "4": "4", "5-9": "5 – 9", "10-": "10 +"}


@dataclass(frozen=True)
class Card:
    """A system on the first page."""

    system: System
    has_picture: bool


def index(cards: Sequence[Card], *, version: str) -> bytes:
    """The page; the cards in the order given."""
    head = [
        element("title", "Attractory: the catalog"),
        element("meta", name="description", content=_counted(cards)),
        element("script", src="site/index.js", defer=True),
    ]
    bar = element(
        "header",
        element("a", "To the systems", href="#systems", class_="skip"),
        element("span", "Attractory", class_="home"),
        element("span", _counted(cards), class_="counted"),
        theme_button(),
        class_="bar",
    )
    main = element(
        "main",
        element("h1", "The catalog", class_="hidden"),
        _filters(cards),
        element("p", f"{len(cards)} systems", id="found", role="status"),
        element("ul", [_card(card) for card in cards], id="systems", class_="cards", tabindex="-1"),
        class_="index",
    )
    return document(head, ["\n", bar, "\n", main, "\n", footer(version, root="")], depth=0)


def _counted(cards: Sequence[Card]) -> str:
    counts = Counter(card.system.kind for card in cards)
    parts = [f"{counts[kind]} {name}" for kind, name in KINDS.items() if counts[kind]]
    return f"{len(cards)} dynamical systems: {', '.join(parts)}"


def _filters(cards: Sequence[Card]) -> Html:
    systems = [card.system for card in cards]
    tags = Counter(tag for system in systems for tag in system.tags)
    behaviours = {name: name.replace("_", " ") for name in BEHAVIOURS}
    search = element(
        "input",
        type="search",
        id="search",
        placeholder="Search names, words, authors",
        autocomplete="off",
        spellcheck="false",
        aria_label="search",
        aria_keyshortcuts="/",
    )
    tag = element(
        "select",
        element("option", "any", value=""),
        [element("option", f"{name.replace('_', ' ')} ({count})", value=name) for name, count in sorted(tags.items())],
        id="tag",
    )
    sorts = {"name": "name", "exponent": "exponent, largest first", "dimension": "dimension", "year": "year of publication"}
    sort = element("select", [element("option", text, value=key) for key, text in sorts.items()], id="sort")
    return element(
        "form",
        search,
        _group("kind", KINDS, (system.kind for system in systems)),
        _group("behaviour", behaviours, (system.behaviour for system in systems)),
        _group("dimension", DIMENSIONS, (_band(line(system)["dimension"]) for system in systems)),
        element(
            "fieldset",
            element("legend", "exponent"),
            element("input", type="number", id="from", step="any", placeholder="from", aria_label="leading exponent from"),
            element("input", type="number", id="to", step="any", placeholder="to", aria_label="leading exponent to"),
        ),
        element("label", element("span", "tag"), tag),
        element("label", element("span", "order"), sort),
        element("button", "Clear", type="reset"),
        id="filters",
        class_="filters",
        role="search",
    )


def _group(name: str, names: dict[str, str], found: Iterable[str]) -> Html:
    counts = Counter(found)
    boxes = [
        element(
            "label",
            element("input", type="checkbox", name=name, value=value),
            element("span", text, " ", element("small", counts[value])),
        )
        for value, text in names.items()
        if counts[value]
    ]
    return element("fieldset", element("legend", name), boxes)


def _band(dimension: int | None) -> str:
    if dimension is None:
        return ""
    return str(dimension) if dimension < 5 else "5-9" if dimension < 10 else "10-"


def _card(card: Card) -> Html:
    system, facts = card.system, line(card.system)
    spectrum = system.record.invariants.get(SPECTRUM)
    exponent = flat(spectrum.value)[0] if spectrum else None
    picture: Child = element("span", class_="ink none")
    if card.has_picture:
        picture = element(
            "img", src=f"pictures/{system.name}.png", alt="", width=WIDTH, height=HEIGHT, loading="lazy", decoding="async", class_="ink"
        )
    shown = [element("i", "λ"), " ", estimate(spectrum)[0]] if spectrum else ""
    reference = system.reference
    count = facts["dimension"]
    return element(
        "li",
        element(
            "a",
            picture,
            element("b", breakable(system.name)),
            element("span", system.description, class_="what"),
            element(
                "span",
                element("span", system.kind, class_=f"mark {system.kind}"),
                element("span", "" if count is None else f"{count}-d", title=f"{count} variables"),
                element("span", system.behaviour.replace("_", " ")),
                element("span", shown, class_="exponent"),
                class_="line",
            ),
            href=f"systems/{system.name}.html",
        ),
        data_kind=system.kind,
        data_dimension=_band(count),
        data_count=count,
        data_behaviour=system.behaviour,
        data_exponent=exponent,
        data_year=reference.year if reference else None,
        data_tags="|".join(system.tags),
        data_words=" ".join([*system.record.aliases, *system.tags, reference.authors if reference else ""]),
    )
