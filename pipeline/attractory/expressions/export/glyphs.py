"""How declared names are set: Greek letters by their names, digits and what follows an underscore as subscripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

_WORDS = """
alpha beta gamma delta epsilon eps zeta eta theta iota kappa lamb mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega
Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_SIGNS = "α β γ δ ε ε ζ η θ ι κ λ μ ν ξ ο π ρ σ τ υ φ χ ψ ω Γ Δ Θ Λ Ξ Π Σ Υ Φ Ψ Ω"
GREEK = dict(zip(_WORDS.split(), _SIGNS.split(), strict=True))
_PARTS = re.compile(r"([A-Za-z]+?)(?:_([A-Za-z0-9_]+?)_*|([0-9]+))?\Z")


class Glyph(NamedTuple):
    """What carries the dot of a time derivative, and what stands below it."""

    stem: str
    subscript: str = ""


def glyph(name: str) -> Glyph:
    """`rho1` as (rho, 1), `k_on` as (k, on); a name of another form is its own stem."""
    parts = _PARTS.match(name)
    return Glyph(parts[1], parts[2] or parts[3] or "") if parts else Glyph(name)


def glyphs(names: Iterable[str], shown: Callable[[Glyph], str], *, lists: Collection[str] = ()) -> dict[str, Glyph]:
    """The glyph of each name; where two would look alike, or one like an element of a list, the later one stays as it is written."""
    found: dict[str, Glyph] = {"t": Glyph("t")}
    seen = {shown(found["t"])}
    for name in names:
        made = glyph(name)
        alike = shown(made) in seen or (made.stem in lists and made.subscript != "")
        found[name] = Glyph(name) if alike else made
        seen.add(shown(found[name]))
    return found
