"""Catalog files that a stranger, a slip of the hand or an attacker might write: file k of a seed is the same everywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from attractory.catalog.reading import parse_yaml

# One entry with every key, and with lists, indices, sums, conditions and delays, which few of the catalog have.
FULL = """\
name: Full
kind: flow
description: All keys of an entry.
reference: {authors: 'A, B.', year: 1999, title: Title, journal: 'Journal 1, 2', doi: 10.1/x, isbn: '1', url: 'https://example.org'}
tags: [one, two]
behaviour: chaotic
variables: {a: {meaning: an angle, unit: rad}}
parameters: {N: 4, k: 8/3, w: [1, 2, 3, 4], m: [[1, 2], [3, 4]], z: 2*k}
ranges: {k: [1, 3]}
definitions: {d: k*a, s: 'sum(w[i]*x[i], i)'}
indices: {i: N, j: 2}
equations:
  a: z*d + m[0][1]*s
  x[i]: 'x[i+1] - x[i-1] + where(x[i] > 0 and t < 3, sin(x[i]), -x[i]**3) + sum(m[j][0], j)'
initial: {a: 0.1, x: [1, 2, 3, 4]}
basin: {a: [-1, 1]}
avoid: [a - 1]
wrap: {a: [0, 2*pi]}
unbounded: [x]
symmetries: [{a: -a}]
conserved: {energy: a**2 + s}
timescale: {period: 1.5, definition: a turn}
variants: {other: {k: 2}, more: {parameters: {k: 1}, equations: {a: -d}, notes: other}}
published:
  - {quantity: lyapunov_spectrum, value: [0.9, 0, -14.5], source: A book}
notes: >-
  Several
  lines.
invariants:
  lyapunov_spectrum: {value: [1.0, 0.0], standard_error: [0.1, 0.1], method: m, settings: {a: 1}, computed_with: c}
"""
DELAYED = """\
name: Delayed
kind: delay
parameters: {b: 0.2, tau: 17, n: 10}
equations:
  x: b*x(t - tau)/(1 + x(t - tau)**n) - 0.1*x
history: {x: 0.8 + 0.1*sin(t)}
timescale: {period: 28.0, definition: mean time}
"""

START = {"initial": {"x": 1}}
DECAY = {"equations": {"x": "-x"}, **START}
Draw = random.Random
_SIGNS = "\0\t\r\n :{}[],&*!|>'\"%@`#?-=~\\\x7f\x85\xa0\u2028\ufeff\u202e\U0001f300éß٣\ud7ff()+*/^.0189eEnNxyt_"
_NUMBERS = [
    "0", "-0", "1e308", "1e309", "-1e999999", "1e-999999", "9" * 400, "0x10", "0o17", "1_000", "1:30", ".5", "5.", "+1", "1e5", ".inf",
    "-.inf", ".nan", "2147483648", "9007199254740993", "10**10**10", "2**1e9", "1/0", "0/0", "1e300*1e300", "-1", "10001", "1000000000",
    "0.5",
]  # fmt: skip
_VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "x", "y", "no", "t", "sin", "e", "pi", [], {}, [[]], [{}], {"": ""}, {"x": None},
    [None], "ü", "x" * 200, "../../etc", "a\0b", "\u2028", {"a": {"b": {"c": {"d": 1}}}}, [[[[1]]]], list(range(300)), {"x": [1, 2]},
    "__class__",
]  # fmt: skip


def mutated(seed: int, number: int, entries: list[str]) -> bytes:
    """File `number` of a seed."""
    draw = random.Random(f"{seed}/{number}")
    text = draw.choice([*entries, FULL, FULL, DELAYED])
    kind = draw.choice((_characters, _lines, _tree, _tree, _expressions, _expressions, _syntax, _sizes))
    changed = kind(text, draw)
    if draw.random() < 0.1:
        changed = _characters(changed, draw)
    return _encoded(changed, draw)


def catalogue(folder: Path) -> list[str]:
    """The texts of the catalog's entries, without what was computed: it is the longest part, and all alike."""
    return [path.read_text().split("\ninvariants:")[0] + "\n" for path in sorted(folder.glob("*/*.yaml"))]


def _encoded(text: str, draw: Draw) -> bytes:
    content = text.encode("utf-8", "surrogatepass")
    match draw.randrange(40):
        case 0:
            return text.encode("utf-16")
        case 1:
            place = draw.randrange(len(content) + 1)
            return content[:place] + draw.randbytes(draw.randrange(1, 8)) + content[place:]
        case 2:
            return b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
        case 3:
            return content[: draw.randrange(len(content) + 1)]
    return content


def _characters(text: str, draw: Draw) -> str:
    """A few letters lost, doubled, exchanged or put in."""
    for _ in range(draw.choice((1, 1, 2, 3, 10))):
        place = draw.randrange(len(text) + 1)
        match draw.randrange(4):
            case 0:
                text = text[:place] + text[place + draw.randrange(1, 4) :]
            case 1:
                text = text[:place] + draw.choice(_SIGNS) * draw.choice((1, 1, 2, 50)) + text[place:]
            case 2:
                text = text[:place] + draw.choice(_SIGNS) + text[place + 1 :]
            case 3:
                text = text[:place] + text[place : place + 9] + text[place:]
    return text


def _lines(text: str, draw: Draw) -> str:
    """Lines lost, doubled (and with them keys), moved, or indented otherwise."""
    lines = text.split("\n")
    for _ in range(draw.choice((1, 1, 2, 5))):
        place, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        match draw.randrange(5):
            case 0:
                del lines[place : place + draw.choice((1, 1, 3))]
                lines = lines or [""]
            case 1:
                lines.insert(other, lines[place])
            case 2:
                lines[place], lines[other] = lines[other], lines[place]
            case 3:
                lines[place] = draw.choice((" ", "  ", "\t", "- ", "# ", "? ", "--- ", "", "<<: ")) + lines[place]
            case 4:
                lines[place] = lines[place].replace(*draw.choice(((":", " :"), (": ", ":"), ("{", "["), ("'", ""), (",", ""), (" ", ""))))
    return "\n".join(lines)


def _tree(text: str, draw: Draw) -> str:
    """Keys renamed, dropped or added, values of other types and sizes; written as JSON, which is YAML."""
    tree, _ = parse_yaml(text, "base")
    for _ in range(draw.choice((1, 1, 2, 4))):
        _change(tree, draw)
    written = json.dumps(tree, ensure_ascii=draw.random() < 0.5, indent=draw.choice((None, 1)))
    if draw.random() < 0.2:  # a number as YAML may have it, in place of a value
        words = written.split(": ")
        place = draw.randrange(1, len(words)) if len(words) > 1 else 0
        words[place] = draw.choice(_NUMBERS) + ", " + words[place].partition(", ")[2]
        written = ": ".join(words)
    return written


def _change(tree: Any, draw: Draw) -> None:
    place = draw.choice([place for place in _collections(tree) if place] or [{"x": 1}])
    value = deepcopy(draw.choice((*_VALUES, draw.choice(_NUMBERS), _nested(draw.choice((3, 20, 200))))))
    if isinstance(place, list):
        place[draw.randrange(len(place))] = value
        return
    key = draw.choice(list(place))
    match draw.randrange(5):
        case 0:
            place[key[:-1] if draw.random() < 0.5 else key + draw.choice(_SIGNS)] = place.pop(key)
        case 1:
            del place[key]
        case 2:
            place[str(draw.choice((value, *_NUMBERS)))[:3000]] = place[key]
        case _:
            place[key] = value


def _collections(tree: Any) -> list[Any]:
    items = list(tree.values()) if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [*([tree] if isinstance(tree, dict | list) else []), *(found for item in items for found in _collections(item))]


def _nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def expression(draw: Draw) -> str:
    """An expression that is long, deep, huge or none."""
    many = draw.choice((2, 10, 60, 300, 2_000, 9_000))
    name = draw.choice(("x", "y", "k", "a", "x[i]", "t", "1", "x(t - 1)"))
    power = draw.choice(("64", "65", "-64", "0.5", "1e308", "-1e308", "10**10", "1000000", "x", "t", "(1/3)"))
    number = draw.choice(_NUMBERS)
    function = draw.choice(("sin", "exp", "log", "abs", "floor", "tan", "sqrt", "acos", "heaviside"))
    return draw.choice((
        "(" * many + name + ")" * many, f"{name}**{power}", "**".join([name] * min(many, 300)), "-" * min(many, 300) + name,
        f"{function}(" * min(many, 70) + name + ")" * min(many, 70), f"{name}" + f" + {name}" * min(many, 5_000),
        f"1/({name}" + f"*{name}" * (many // 2) + ")", f"{name}[{number}]", f"x[{'i+' * min(many, 500)}1]", f"x[i % {number}]",
        f"x[i // {number}]", f"x[-{'9' * min(many, 400)}]", f"sum({name}, i)", "sum(sum(x[i]*x[j], i), j)",
        "sum(sum(sum(x[i], i), j), i)", f"sum(w[i]*{name}, j)", f"min({', '.join([name] * min(many, 999))})",
        f"max({name}, " * min(many, 62) + "1" + ")" * min(many, 62),
        f"where({name} > 0, " * min(many, 62) + "1" + ", 0)" * min(many, 62),
        f"where({' and '.join([name + ' > 0'] * min(many, 999))}, 1, 0)", f"mod({name}, 0)", f"mod({name}, {number})", f"{name} % 2",
        f"{name} // 2", f"{number}*{name}", f"{name}/{number}", number, f"x(t - {number})", f"x(t + {name})", "x(t)", "x(t - x)",
        "x(t - 1)(t - 1)", "__import__('os').system('true')", "lambda: 1", "x if x else y", "[x for x in y]", "x.real", "f'{x}'",
        "x := 1", "(x, y)", "...", "x = 1", "x; y", "x\ny", "await x", "yield", "1j", "0x1f", "1_0", "'a'*10**9",
        f"{name}" + "\u00a0+ 1", "ｘ + 1", "α", "sin", "sin()", "sin(x, y)", "atan2(x)", "t(t)", "(" * many, ")" * many,
        f"({name} + " * min(many, 64) + "1" + ")" * min(many, 64), "9" * many, f"0.{'1' * many}", f"1e{'9' * min(many, 400)}",
        f"{name}(" * min(many, 60) + "1" + ")" * min(many, 60), f"(({name} + 1)**64 + 1)**64",
        "*".join(f"(x - {k})" for k in range(min(many, 900))), "x" + "[0]" * min(many, 500), "not " * min(many, 20) + "x > 1",
        "x < y < z", "x == y", f"{name} @ {name}", "~x", "x!", "5 x", "x y", "",
    ))  # fmt: skip


def _expressions(text: str, draw: Draw) -> str:
    """An odd expression in one of the places that hold them."""
    tree: Any = parse_yaml(text, "base")[0]
    for _ in range(draw.choice((1, 1, 3))):
        section = draw.choice((
            "equations", "equations", "equations", "definitions", "parameters", "initial", "conserved", "history", "symmetries", "avoid",
            "wrap", "indices", "variants",
        ))  # fmt: skip
        found = expression(draw)
        names = [*tree["equations"]]
        key = draw.choice((*names, "q", *tree.get("parameters", {}), *tree.get("indices", {})))
        match section:
            case "symmetries":
                tree[section] = [{key: found}]
            case "avoid":
                tree[section] = [found]
            case "wrap":
                tree[section] = {key: draw.choice(([0, found], [found, 1], found))}
            case "variants":
                tree[section] = {"odd": {"equations": {draw.choice(names): found}}, "other": {key: found}}
            case "definitions" if draw.random() < 0.3:  # each twice the one before
                tree[section] = {f"d{k}": f"d{k - 1}*d{k - 1} + d{k - 1}" if k else found for k in range(draw.choice((5, 60, 500)))}
            case _:
                tree.setdefault(section, {})[key] = found
    return json.dumps(tree, indent=1)


def _syntax(text: str, draw: Draw) -> str:
    """What YAML has and an entry must not: anchors, aliases, tags, directives, merges, documents, nested without end."""
    many = draw.choice((3, 20, 200, 3_000, 20_000, 60_000, 120_000))
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]\n" for k in range(1, min(many, 60)))
    return draw.choice((
        bomb + text, text + "invariants: &x {y: *x}\n", text + "<<: {kind: map}\n", text + "--- \n" + text, "%YAML 1.1\n---\n" + text,
        "%TAG ! tag:a,2000:\n---\n" + text, text + "notes2: !!python/object/apply:os.system ['true']\n", "!!map " + text,
        text + "? [a, b]\n: c\n", text + "? {a: b}\n", text + "x: " + "[" * many + "]" * many + "\n",
        text + "x: " + "{a: " * many + "}" * many + "\n", text + "".join(" " * k + f"k{k}:\n" for k in range(min(many, 600))),
        text + "- " * many + "a\n", text + "".join(" " * k + "-\n" for k in range(min(many, 600))),
        text + "".join(" " * k + "? a\n" for k in range(min(many, 300))), "[" * many, "{" * many, "[\n" * many, "? " * many, "- " * many,
        ": " * many, "'" * many, '"' * many, '"' + "\\" * many + '"', '"' + "\\x41" * many + '"', '"\\UFFFFFFFF"', '"\\ud800"',
        "&a " * many, "*a " * many, "!" * many, "%" * many, "#" * many, "|\n" + " " * many, ">\n" + "\n" * many, "|9\n a", "--- " * many,
        "---\n" * many, "...\n" * many, "a:\n" * many, "a: b: c\n", "a: [b\n", "a: 'b\n", "a: |\n" + "  b\n" * many, "a: " + "b " * many,
        "a: " + "b\n  " * many, "a: " + "'b'\n  " * min(many, 3_000), "\t" * many + text, " " * many + text, "\n" * many + text,
        "{" + ", ".join(f"k{k}: {k}" for k in range(min(many, 9_000))) + "}", "[" + ",".join(["a"] * many) + "]",
        "a" * many + ": 1\n" + text, "? " + "a" * many + "\n: 1\n" + text, "\0" * many, "\ufeff" * min(many, 200) + text,
        "x: \u2028y\n" + text, text.replace("\n", "\x85"), text.replace(" ", "\u00a0"), "{a: [" * min(many, 3_000),
        "[{a: " * min(many, 3_000), "a: {" * min(many, 3_000), "- - - a\n" * min(many, 5_000), "? a\n" * many,
        "- ? a\n" * min(many, 5_000),
    ))  # fmt: skip


def _sizes(text: str, draw: Draw) -> str:
    """Entries that are right but for how much there is of something."""
    many = draw.choice((10, 100, 1_000, 2_900, 5_000, 20_000))
    kinds: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: {"equations": {f"x{k}": f"-x{k}" for k in range(many)}, "initial": {f"x{k}": 1 for k in range(many)}},
        lambda: {"equations": {f"x{k}": "-x0" for k in range(many)}},
        lambda: {"indices": {"i": many}, "equations": {"x[i]": "x[i+1]*x[i-1] - x[i]"}, **START},
        lambda: {"indices": {"i": many}, "equations": {"x[i]": "sum(x[i], i)"}, **START},
        lambda: {"indices": {"i": many, "j": many}, "equations": {"x[i]": "sum(sin(x[j] - x[i]), j)"}, **START},
        lambda: {"indices": {"i": many, "j": 100}, "equations": {"x[i]": "sum(x[j]*x[i]**3, j)"}, "initial": {"x[i]": "1 + 0.1*i"}},
        lambda: {"indices": {"i": 100, "j": 100, "k": many}, "equations": {"x[i]": "sum(sum(x[j]*k, j), k)"}, **START},
        lambda: {"indices": {"i": str(draw.choice(_NUMBERS))}, "equations": {"x[i]": "-x[i]"}, **START},
        lambda: {"indices": {f"i{k}": 3 for k in range(many)}, "equations": {f"x{k}[i{k}]": "1" for k in range(min(many, 500))}},
        lambda: {"parameters": {f"p{k}": f"p{k - 1} + 1" if k else 1 for k in range(many)}, **DECAY},
        lambda: {"parameters": {f"p{k}": f"p{k + 1}" for k in range(many)}, **DECAY},
        lambda: {"parameters": {"w": [1] * many}, "equations": {"x": "w[0]*x"}, **START},
        lambda: {"parameters": {"w": [[1] * 50] * (many // 50)}, "indices": {"i": 50}, "equations": {"x": "sum(w[0][i]*x, i)"}, **START},
        lambda: {"definitions": {f"d{k}": f"d{k - 1}*d{k - 1}" if k else "x" for k in range(many)}, "equations": {"x": "d1"}, **START},
        lambda: {"definitions": {f"d{k}": f"sin(d{k - 1})" if k else "x" for k in range(many)}, "equations": {"x": "d9"}, **START},
        lambda: {"conserved": {f"c{k}": "x**2" for k in range(many)}, **DECAY},
        lambda: {"symmetries": [{"x": "-x"}] * many, **DECAY},
        lambda: {"variants": {f"v{k}": {"a": k} for k in range(many)}, "parameters": {"a": 1}, "equations": {"x": "-a*x"}, **START},
        lambda: {"equations": {f"x{k}": "1" for k in range(many // 2)}, "initial": {f"z{k}": 1 for k in range(many // 2)}},
        lambda: {"equations": {f"x{k}": f"q{k}" for k in range(many)}, "initial": {f"x{k}": 1 for k in range(many)}},
        lambda: {"parameters": {"m": [[1] * 75] * 75},
                 "indices": {"i": 75, "j": 9}, "equations": {"x[i]": "sum(m[i][j]*x[j], j)"}, **START},
        lambda: {"variants": {f"v{k}": {"equations": {"x": f"x + {k}"}} for k in range(many // 3)}, **DECAY},
        lambda: {"equations": {name: "x*y - z + 1.5*sin(x) + " * 830 + "x" for name in "xyzab"}, "initial": dict.fromkeys("xyzab", 1)},
        lambda: {
            "parameters": {f"p{k}": f"p{k - 1} + 1" if k else 1 for k in range(many)}, "indices": {"i": 144, "j": 144},
            "equations": {"x[i]": "sum(sin(x[j] - x[i]), j)"}, **START,
        },
        lambda: {"equations": {"x": "x"}, "conserved": {f"c{k}": "x*x + " * 3_300 + "x" for k in range(12)}, **START},
        lambda: {"variants": {f"v{k}": {"equations": {"x": "x*x + " * 3_300 + "x"}} for k in range(12)}, **DECAY},
        lambda: {"tags": ["a"] * many, **DECAY},
        lambda: {"published": [{"quantity": "q", "value": [1.0] * many, "source": "s"}], **DECAY},
        lambda: {f"key{k}": k for k in range(many)},
        lambda: {"parameters": {f"{'long' * 10}{k}": "x y" for k in range(many)}, **DECAY},
        lambda: {"parameters": {f"k {k}": k for k in range(many)}, "equations": {f"é{k}": "1" for k in range(many)}},
        lambda: {"initial": {f"z{k}": k for k in range(many)}, "equations": {"x": "-x"}},
        lambda: {"unbounded": [f"z{k}" for k in range(many)], **DECAY},
        lambda: {"ranges": {f"z{k}": [k, 1] for k in range(many)}, **DECAY},
        lambda: {"description": "word " * many * 10, "notes": "x" * many * 10, **DECAY},
        lambda: {"invariants": {f"q{k}": {"value": "x", "odd": 1} for k in range(many)}, **DECAY},
        lambda: {"wrap": {f"x{k}": [0, "2*pi"] for k in range(many)}, "equations": {f"x{k}": "1" for k in range(many)}, **START},
        lambda: {"kind": "delay", "equations": {"x": " + ".join(f"x(t - {k + 1})" for k in range(min(many, 800)))}, "history": {"x": "1"}},
    )  # fmt: skip
    entry = {"name": "Sized", "kind": "flow", **draw.choice(kinds)()}
    if draw.random() < 0.3:
        entry["kind"] = draw.choice(("map", "delay", "flow", "stochastic"))
    return json.dumps(entry, ensure_ascii=False, indent=draw.choice((None, 1)))
