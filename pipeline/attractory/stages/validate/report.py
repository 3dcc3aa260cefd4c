"""What validation found: one record a verdict, the verdict over all, and `report.json`."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal

Group = Literal["numbers", "truth", "splits", "labels", "store"]
Verdict = Literal["pass", "fail", "not enough data", "error"]
LimitFrom = Literal["rule", "recipe"]

REPORT = "report.json"
OURS = "attractory"  # where a rule comes from that is none of a user's files

# Exit codes of `attractory validate`: a user's file that breaks is a wrong request, a rule of ours that breaks is a fault of ours.
FAILED, WRONG_REQUEST, INTERNAL = 1, 2, 70


@dataclass(frozen=True)
class Check:
    """One verdict. `measured` passes while it is at most `limit`; both are None where nothing is measured as a number.

    Attributes:
        promise: what a pass says, a sentence; advice: what to do about a failure.
        needed: of a verdict "not enough data", how much would be enough.
        p_value: of a statistical check, the chance of so large a difference in good data; margin: 1 - measured / limit.
        limit_from: "recipe" where a recipe has tightened the limit. source: the file of a user's rule, or "attractory".
    """

    name: str
    group: Group
    system: str | None
    granularity: str | None
    verdict: Verdict
    measured: float | None
    limit: float | None
    message: str
    promise: str = ""
    advice: str = ""
    needed: str | None = None
    p_value: float | None = None
    margin: float | None = None
    limit_from: LimitFrom = "rule"
    source: str = OURS

    @property
    def passed(self) -> bool:
        return self.verdict == "pass"

    @property
    def failed(self) -> bool:
        """Whether something is wrong, with the data or with the check: "not enough data" is neither passed nor failed."""
        return self.verdict in ("fail", "error")

    @property
    def key(self) -> str:
        """What a recipe calls it: `group.name`, without what follows a colon."""
        return f"{self.group}.{self.name.partition(':')[0]}"


@dataclass(frozen=True)
class Subject:
    """What a check is about: its name, its group, and where in the store it looks."""

    name: str
    group: Group
    system: str | None = None
    granularity: str | None = None

    def measured(self, value: float, limit: float, message: str, *, p_value: float | None = None) -> Check:
        """Passes where `value` is at most `limit`; a value that is no number fails."""
        verdict: Verdict = "pass" if value <= limit else "fail"
        measured, allowed = _number(value), _number(limit)
        margin = 1.0 - measured / allowed if allowed and measured is not None else None
        return self._check(verdict, message, measured=measured, limit=allowed, p_value=p_value, margin=margin)

    def tested(self, p_value: float, alarm: float, message: str) -> Check:
        """Passes where so large a difference has a chance of at least `alarm` in good data; measured is alarm / p_value: more is worse."""
        return self.measured(alarm / max(p_value, 1e-300), 1.0, message, p_value=float(p_value))

    def passed(self, message: str) -> Check:
        """A pass without a number: nothing was found, or there is nothing to look at, and the message says which."""
        return self._check("pass", message)

    def failed(self, message: str) -> Check:
        """A failure without a number."""
        return self._check("fail", message)

    def not_enough(self, message: str, needed: str) -> Check:
        """Neither passed nor failed; needed: how much would be enough, as in `4 trajectories in two splits`."""
        return self._check("not enough data", message, needed=needed)

    def broke(self, error: BaseException, source: str = OURS) -> Check:
        """The check itself came to no verdict, which is a fault of whoever wrote it and never a pass."""
        whose = "an error of ours" if source == OURS else f"an error of {source}"
        return self._check("error", f"the check itself broke, which is {whose}: {type(error).__name__}: {error}")

    def _check(  # noqa: PLR0913  # the fields of a Check that a verdict may have
        self,
        verdict: Verdict,
        message: str,
        *,
        measured: float | None = None,
        limit: float | None = None,
        needed: str | None = None,
        p_value: float | None = None,
        margin: float | None = None,
    ) -> Check:
        place = (self.name, self.group, self.system, self.granularity)
        return Check(*place, verdict, measured, limit, message, needed=needed, p_value=p_value, margin=margin)


@dataclass(frozen=True)
class LeftOut:
    """A rule, or a file of rules, that was not run, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Report:
    """Every check of one store, in the order of the store; `left_out` is what was not looked at, `looked_at` a sentence of what was."""

    store: str
    checks: tuple[Check, ...]
    left_out: tuple[LeftOut, ...] = ()
    looked_at: str = ""

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """Pass where something passed and nothing failed or broke."""
        return "pass" if any(check.passed for check in self.checks) and not self.failures else "fail"

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.failed)

    @property
    def exit_code(self) -> int:
        """0 passed, 1 the data failed, 2 a user's rule broke, 70 one of ours did: then the verdict over the data is not whole."""
        broken = {check.source == OURS for check in self.checks if check.verdict == "error"}
        if broken:
            return INTERNAL if True in broken else WRONG_REQUEST
        return 0 if self.verdict == "pass" else FAILED

    @property
    def counts(self) -> dict[str, int]:
        """How many checks have each verdict."""
        found = Counter(check.verdict for check in self.checks)
        return {"pass": found["pass"], "fail": found["fail"], "not enough data": found["not enough data"], "error": found["error"]}

    def as_json(self) -> str:
        """The text of `report.json`: verdict and checks, nothing that changes from run to run."""
        document = {
            "verdict": self.verdict,
            "counts": self.counts,
            "looked_at": self.looked_at,
            "left_out": [asdict(left) for left in self.left_out],
            "checks": [asdict(check) for check in self.checks],
        }
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        return text.encode("utf-8", "replace").decode()  # a stranger's store may hold half a surrogate pair


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
