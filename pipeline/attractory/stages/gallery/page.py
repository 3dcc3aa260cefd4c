"""The page of one system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from attractory.catalog import Reference
from attractory.expressions import System
from attractory.expressions.export.equations import Equations, equations
from attractory.stages.gallery import tables
from attractory.stages.gallery.code import Code, bibtex, codes
from attractory.stages.gallery.markup import Child, Html, breakable, data_block, document, doi_address, element, link
from attractory.stages.gallery.series import series
from attractory.stages.gallery.trajectory import Drawing
from attractory.stages.show import line

SOURCE = "attractory-source"  # the meta element that says what a page was made from
WITHOUT = "attractory-without"  # and the one that says why it has no picture
WIDTH, HEIGHT = 720, 540  # of the picture that stands where there is no WebGL


@dataclass(frozen=True)
class Surroundings:
    """What a page has from outside its entry: its neighbours, what it was made from, and by which version."""

    previous: str
    following: str
    source: str
    version: str


def page(system: System, drawn: Drawing | str, around: Surroundings) -> bytes:
    """The page; `drawn` is why there is no picture where there is none."""
    written = equations(system.record) if tables.has_equations(system) else None
    head = [
        element("title", f"{system.name} · Attractory"),
        element("meta", name=SOURCE, content=around.source),
        element("meta", name=WITHOUT, content=drawn) if isinstance(drawn, str) else None,
        element("meta", name="description", content=system.description),
        element("link", rel="stylesheet", href="../site/katex/katex.min.css"),
        element("script", src="../site/katex/katex.min.js", defer=True),
        element("script", src="../site/attractor.js", defer=True),
        element("script", src="../site/system.js", defer=True),
    ]
    main = element("main", _title(system), _halves(system, drawn, written), _below(system), id="content")
    return document(head, ["\n", _navigation(around), "\n", main, "\n", footer(around.version)], depth=1)


def footer(version: str, *, root: str = "../") -> Html:
    return element(
        "footer",
        f"Made by Attractory {version} from its catalog, which is under CC BY 4.0. Formulas are set by KaTeX (",
        element("a", "MIT", href=f"{root}site/katex/LICENSE"),
        "; its fonts ",
        element("a", "OFL 1.1", href=f"{root}site/katex/fonts/OFL.txt"),
        ").",
    )


def theme_button() -> Html:
    return element("button", "◐", type="button", class_="theme", aria_label="light or dark", title="light or dark")


def _navigation(around: Surroundings) -> Html:
    return element(
        "header",
        element("a", "To the content", href="#content", class_="skip"),
        element("a", "Attractory", href="../index.html", class_="home"),
        element(
            "nav",
            element("a", element("span", "← ", aria_hidden="true"), around.previous, href=f"{around.previous}.html", rel="prev"),
            element("a", around.following, element("span", " →", aria_hidden="true"), href=f"{around.following}.html", rel="next"),
            aria_label="neighbours",
        ),
        theme_button(),
        class_="bar",
    )


def _title(system: System) -> Html:
    record = system.record
    facts = line(system)
    count = facts["dimension"]
    counted = "" if count is None else "1 variable" if count == 1 else f"{count} variables"
    words = [word for word in (system.kind, counted, system.behaviour.replace("_", " ")) if word and word != "unknown"]
    also = f"Also called {', '.join(record.aliases)}. " if record.aliases else ""
    return element(
        "div",
        element("h1", breakable(system.name)),
        element("p", [element("span", word, class_=f"mark {system.kind}" if place == 0 else "mark") for place, word in enumerate(words)]),
        element("p", f"{also}{system.description}", class_="lead"),
        class_="title",
    )


def _figure(system: System, drawn: Drawing | str) -> Html:
    if isinstance(drawn, str):
        return element("p", f"There is no picture: {drawn}", class_="without")
    names = ", ".join(drawn.names[place] for place in drawn.axes)
    address = f"../pictures/large/{system.name}.png"
    label = f"Trajectory of {system.name} in {names}"
    image = element("img", src=address, alt=label, width=WIDTH, height=HEIGHT, class_="ink")
    stage = element("div", element("noscript", image), class_=f"stage {system.kind}", data_picture=address, data_label=label)
    turns = element("div", class_="controls", hidden=True)
    figure = element("figure", stage, turns, series(drawn), data_kind=system.kind, id="attractor")
    return Html(figure + data_block("trajectory", drawn.document()))


def _halves(system: System, drawn: Drawing | str, written: Equations | None) -> Html:
    """Beside one another, or on a narrow page below one another: what is seen and where it comes from, and what is known in numbers."""
    record = system.record
    known = tables.invariants(system)
    left = [
        element("div", _figure(system, drawn), class_="first"),
        _section("Granularities", _granularities(system)),
        _section("Conserved", _formulas(record.conserved)),
        _section("Symmetries", _symmetries(system)),
        _section("Notes", element("p", record.notes) if record.notes else None),
        _section("Reference", _reference(system.name, record.reference) if record.reference else None),
    ]
    past = "Variables and past" if system.kind == "delay" else "Variables and initial conditions"
    right = [
        element("div", _section("Equations", _equations(system, written)), _facts(system), class_="second"),
        _section("Parameters", tables.parameters(system, written)),
        _section(past, tables.variables(system, written)),
        _section("Invariants", _invariants(system, *known) if known else None),
    ]
    return element("div", element("div", left), element("div", right), class_="halves")


def _below(system: System) -> list[Child]:
    """What is as wide as the page."""
    tags = [[" ", element("a", tag, href=f"../index.html#tag={quote(tag)}", class_="tag")] for tag in system.tags]
    return [
        _section("Variants", tables.variants(system)),
        _section("Code", _code(codes(system))),
        element("p", tags, class_="tags") if tags else None,
    ]


def _section(title: str, content: Child) -> Html | None:
    """Nothing where there is nothing to say."""
    return None if content is None else element("section", element("h2", title), content)


def _symmetries(system: System) -> Child:
    return [element("p", element("code", _image(image))) for image in system.symmetries] or None


def _equations(system: System, written: Equations | None) -> Child:
    """Typeset; of a kind that is not integrated yet, as the entry has them."""
    if written is None:
        return element("pre", "\n".join(f"{name}: {text}" for name, text in system.equations.items()), tabindex="0")
    latex = system.as_text("latex")
    return element(
        "div", element("div", latex, class_="tex display"), class_="equations scroll", tabindex="0", role="region", aria_label="equations"
    )


def _facts(system: System) -> Html:
    """The few numbers that a reader looks for first."""
    record = system.record
    unit = "iterates" if system.kind == "map" else "time units"
    found: list[tuple[Child, Child, Child]] = []
    if spectrum := record.invariants.get(tables.SPECTRUM):
        found.append(("leading exponent", tables.estimate(spectrum)[0], "per iterate" if unit == "iterates" else "per time unit"))
    if system.lyapunov_time is not None:
        found.append(("Lyapunov time", f"{system.lyapunov_time:.4g}", unit))
    if record.timescale is not None:
        found.append(("period", f"{record.timescale.period:g}", record.timescale.definition))
    if dimension := record.invariants.get("kaplan_yorke_dimension"):
        found.append(("Kaplan–Yorke dimension", tables.estimate(dimension)[0], ""))
    items = [element("div", element("dt", name), element("dd", value, element("small", note))) for name, value, note in found]
    return element("dl", items, class_="facts")


def _invariants(system: System, shown: Html, sources: Sequence[str]) -> list[Child]:
    notes = [element("li", source) for source in sources]
    methods = [[element("dt", name.replace("_", " ")), element("dd", found.method)] for name, found in system.record.invariants.items()]
    per = "iterate" if system.kind == "map" else "unit of the system's time"
    return [
        shown,
        element("p", f"In brackets the standard error of the last digits. Exponents and entropy are in nats per {per}.", class_="small"),
        element("ol", notes, class_="sources", aria_label="sources") if notes else None,
        element("details", element("summary", "How they were computed"), element("dl", methods)) if methods else None,
    ]


def _granularities(system: System) -> Child:
    shown = tables.granularities(system)
    if shown is None:
        return element("p", "The entry has no period: a recipe gives it granularities in ", element("code", "dt"), ".")
    if system.kind == "map":
        return [
            shown,
            element("p", "A recipe gives a map's every iterate, or each n-th with ", element("code", "every"), "."),
        ]
    return shown


def _formulas(texts: dict[str, str]) -> Child:
    return [element("p", f"{name} = ", element("code", text)) for name, text in texts.items()] or None


def _image(image: dict[str, str]) -> str:
    return "(" + ", ".join(image) + ") → (" + ", ".join(image.values()) + ")"


def _reference(name: str, reference: Reference) -> list[Child]:
    parts: list[Child] = [f"{reference.authors} ({reference.year}). ", element("cite", reference.title), ". "]
    parts += [f"{reference.journal}. "] if reference.journal else []
    parts += [f"ISBN {reference.isbn}. "] if reference.isbn else []
    parts += [link(f"doi:{reference.doi}", doi_address(reference.doi)), " "] if reference.doi else []
    parts += [link(reference.url, reference.url)] if reference.url else []
    cite = Code("BibTeX", bibtex(name, reference))
    return [element("p", parts), element("details", element("summary", "BibTeX"), _block(cite, 100))]


def _code(found: Sequence[Code]) -> Html:
    """Tabs of radio buttons, which the arrow keys change; all is there without a script."""
    return element("div", list(_tabs(found)), class_="tabs")


def _tabs(found: Sequence[Code]) -> Iterator[Html]:
    for place, code in enumerate(found):
        yield element("input", type="radio", name="code", id=f"code-{place}", checked=place == 0)
        yield element("label", code.title, for_=f"code-{place}")
    for place, code in enumerate(found):
        yield _block(code, place)


def _block(code: Code, place: int) -> Html:
    text = element("pre", element("code", code.text), tabindex="0", aria_label=code.title)
    copy = element("button", "Copy", type="button", class_="copy", aria_label=f"copy {code.title}", hidden=True)
    return element("div", text, copy, class_="code", data_place=place)
