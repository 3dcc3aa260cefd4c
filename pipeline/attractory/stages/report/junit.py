"""junit.xml: the verdicts as build servers read them, one suite a system, one case a check.

The form is the one that Ant and JUnit made common, in the order and with the attributes that its strictest schema (JUnit.xsd of Windy
Road) asks for; that of Jenkins (junit-10.xsd) takes the same file. A time is when the checks were run, as that schema demands.
"""

from __future__ import annotations

from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from attractory.stages.report.plain import plain
from attractory.stages.report.verdicts import Place, by_place
from attractory.stages.validate.report import Check, Report

_HOST = "localhost"  # what the schema has where no host is told: a report says nothing of the machine


def junit(report: Report, *, when: datetime) -> bytes:
    """The document; the suites in the order of the store, their cases in the order of the checks."""
    root = Element("testsuites")
    for number, (name, checks) in enumerate(by_place(report.checks).items()):
        root.append(_suite(Place(name, tuple(checks)), number, when))
    indent(root, " ")
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(place: Place, number: int, when: datetime) -> Element:
    counts = place.counts
    suite = Element(
        "testsuite",
        name=_token(place.name),
        package="attractory.validate",
        id=str(number),
        timestamp=when.strftime("%Y-%m-%dT%H:%M:%S"),
        hostname=_HOST,
        tests=str(len(place.checks)),
        failures=str(counts["fail"]),
        errors=str(counts["error"]),
        skipped=str(counts["not enough data"]),
        time="0",
    )
    SubElement(suite, "properties")
    for check in place.checks:
        suite.append(_case(check))
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")
    return suite


def _case(check: Check) -> Element:
    name = f"{check.name} [{check.granularity}]" if check.granularity else check.name
    place = "store" if check.system is None else check.system
    case = Element("testcase", name=_token(name), classname=_token(f"{check.group}.{place}"), time="0")
    message = plain(check.message, most=2000)
    if check.verdict == "not enough data":
        SubElement(case, "skipped", message=message + (f" Needed: {plain(check.needed)}." if check.needed else ""))
    elif check.failed:
        kind = "failure" if check.verdict == "fail" else "error"
        found = SubElement(case, kind, message=message, type=_token(f"{check.group}.{check.name}"))
        found.text = _text(check)
    return case


def _text(check: Check) -> str:
    """What the page says of a failed check, in lines."""
    said = [
        ("promise", plain(check.promise)),
        ("found", plain(check.message, most=2000)),
        ("measured", "" if check.measured is None else f"{check.measured:.6g}"),
        ("limit", "" if check.limit is None else f"{check.limit:.6g}"),
        ("p-value", "" if check.p_value is None else f"{check.p_value:.3g}"),
        ("what to do", plain(check.advice)),
    ]
    return "\n" + "".join(f"{name}: {value}\n" for name, value in said if value)


def _token(text: str) -> str:
    """Without spaces at the ends or two together, as a name there has to be; never empty."""
    return " ".join(plain(text, most=200).split()) or "unnamed"
