"""What may have made a file different: the versions it was made with, those here, and this machine's processor."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

from attractory.stages.plan import versions

WRITERS = ("numcodecs", "pyarrow")  # may change a file's bytes, never the values in it


def processor() -> str:
    """The name of this machine's processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()


def other_versions(published: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Package -> (its version when the dataset was made, its version here), of those that differ."""
    here = versions()
    return {name: (made, here.get(name, "none")) for name, made in sorted(published.items()) if here.get(name) != made}


def reasons(published: Mapping[str, str], *, values_equal: bool) -> list[str]:
    """Sentences that say what differs, most telling first."""
    others = other_versions(published)
    told = [f"{name}: made with {made}, here {here}" for name, (made, here) in others.items()]
    said = ["its values are equal, only how they are packed differs"] if values_equal else []
    said += [f"other versions ({'; '.join(told)})"] if told else ["the versions are the same"]
    if not values_equal and not told:
        said.append(f"so either what was published is not what this recipe makes, or this processor ({processor()}) calculates otherwise")
    return said
