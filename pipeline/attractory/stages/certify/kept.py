"""What an interrupted run has found: one small file for each trajectory, believed only for the very same numbers and reference."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np

from attractory.layout import Certificate
from attractory.stages.certify.judgement import Judgement, Samples
from attractory.stages.certify.reference import Problem
from attractory.store.certificate import CERTIFIED
from attractory.store.files import RUN_FOLDER, canonical_json, partial_folder, write_whole


def key_of(problem: Problem, samples: Samples, *, digest: str, method: str) -> str:
    """SHA-256 of all that decides a judgement: system, reference, and the numbers as stored."""
    found = hashlib.sha256(f"{digest} {method}".encode())
    arrays = (problem.initial, problem.parameters, problem.start_time, problem.times, problem.widths, samples.places, samples.states)
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def keep(store: Path, key: str, judgement: Judgement) -> None:
    until = None if math.isnan(judgement.accurate_until) else judgement.accurate_until
    content = {"certificate": int(judgement.certificate), "accurate_until": until, "reason": judgement.reason}
    write_whole(_path(store, key), canonical_json(content), partial=partial_folder(store))


def kept(store: Path, key: str) -> Judgement | None:
    path = _path(store, key)
    if not path.is_file():
        return None
    found = json.loads(path.read_bytes())
    until = math.nan if found["accurate_until"] is None else float(found["accurate_until"])
    return Judgement(Certificate(found["certificate"]), until, found["reason"])


def _path(store: Path, key: str) -> Path:
    return store / RUN_FOLDER / CERTIFIED / f"{key}.json"
