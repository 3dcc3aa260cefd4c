"""The frame of the referee: what people add, tighten and leave out, what breaks, and that where it runs changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory.console import run as command
from attractory.errors import DamageError, RequestError, StoreError
from attractory.stages.cluster import Workers
from attractory.stages.validate import Asked, Check, Report, validate
from attractory.stages.validate.passes import look, pieces_of, united
from attractory.stages.validate.rule import Settings, sampled_trajectories
from attractory.stages.validate.stored import open_stored
from attractory.stages.validate.user_rules import RuleFile, rules_in
from attractory.store.template import ROOT

MINE = """
from attractory.stages.validate import Rule

def bounded(evidence):
    largest = abs(evidence.summary.highest).max()
    return evidence.measured(largest, evidence.limit, f"the largest value is {largest:.3g}")

RULES = [Rule("bounded", "numbers", "granularity", "No value is above 40.", "Look at what made it.", bounded, limit=40.0)]
"""
GATHERING = """
from attractory.stages.validate import Rule

def run(evidence):
    return evidence.measured(float(sum(evidence.shards)), 1e9, "samples seen")

def gather(shard):
    return shard.states.shape[0] * shard.states.shape[1]

RULES = [Rule("seen", "numbers", "granularity", "All are seen.", "", run, gather=gather)]
"""
BROKEN = MINE.replace("abs(evidence.summary.highest).max()", "1 / 0")
# What costs most, and is not the frame's.
SLOW = [
    "labels.leading_exponent",
    "truth.reintegration",
    "numbers.measure_range",
    "numbers.sampling",
    "truth.transient",
    "truth.error_growth",
]


def recipe_beside(store: Path, **validation: Any) -> Path:
    """A recipe of this store's name beside it, with demands."""
    file = store.parent / "recipe.yaml"
    asked = {"leave_out": SLOW} | validation
    least = "name: small\nsystems: [Lorenz]\ntrajectories: {train: 1}\ngranularities: {a: {dt: 1, samples: 2}}\n"
    file.write_text(f"{least}validation: {json.dumps(asked)}\n")
    return file


def named(report: Report, key: str) -> list[Check]:
    return [check for check in report.checks if check.key == key]


def test_a_rule_from_a_file_of_ten_lines_stands_in_the_report(copied: Path, tmp_path: Path) -> None:
    """Every granularity is asked; the largest z of the convection is above 40, so it fails there, with the file as its source."""
    (tmp_path / "mine.py").write_text(MINE)
    recipe_beside(copied)
    checks = named(validate(copied, asked=Asked(checks=[tmp_path / "mine.py"])), "numbers.bounded")
    assert {check.system for check in checks if check.failed} == {"Convection"}
    assert len(checks) == 5
    failed = next(check for check in checks if check.failed)
    assert (failed.source, failed.limit, failed.advice) == (str(tmp_path / "mine.py"), 40.0, "Look at what made it.")


def test_a_recipe_tightens_a_limit_and_the_report_says_so(copied: Path) -> None:
    """Rounding is some 1e-7 of the spread: no float32 keeps to 1e-9. A limit that is looser than the check's own changes nothing."""
    recipe_beside(copied, limits={"truth.one_step": 1e-9, "numbers.storage_noise": 0.5})
    report = validate(copied)
    tight = named(report, "truth.one_step")
    assert all(check.failed and check.limit == 1e-9 and check.limit_from == "recipe" for check in tight)
    assert "the recipe allows 1e-09" in tight[0].message
    assert all(check.passed and check.limit == 1e-3 and check.limit_from == "rule" for check in named(report, "numbers.storage_noise"))


def test_a_recipe_leaves_a_check_out_and_the_report_says_so(copied: Path) -> None:
    """What was not looked at is no pass."""
    recipe_beside(copied, leave_out=[*SLOW, "store.digests"])
    report = validate(copied)
    assert not named(report, "store.digests")
    assert "store.digests" in {left.name for left in report.left_out}


def test_a_file_that_only_the_recipe_names_is_never_run(copied: Path, tmp_path: Path) -> None:
    """A recipe may come from a stranger: its file would leave a trace."""
    (copied.parent / "theirs.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w').close()\n")
    recipe_beside(copied, checks=["theirs.py"])
    report = validate(copied)
    assert not (tmp_path / "trace").exists()
    (left,) = (left for left in report.left_out if left.name == "theirs.py")
    assert "--checks theirs.py" in left.reason


def test_a_check_that_does_not_exist_is_refused_with_the_nearest(copied: Path) -> None:
    """A limit with a typing mistake would guard nothing."""
    recipe_beside(copied, limits={"truth.on_step": 1e-9})
    with pytest.raises(RequestError, match=r"validation.limits: there is no check 'truth.on_step'. Did you mean 'truth.one_step'\?"):
        validate(copied)


def test_the_recipe_of_another_dataset_is_refused(copied: Path, tmp_path: Path) -> None:
    """Where it is named; one that merely lies beside the store is no business of it."""
    file = recipe_beside(copied)
    other = tmp_path / "other.yaml"
    other.write_text(file.read_text().replace("name: small", "name: large"))
    with pytest.raises(RequestError, match=r"is the recipe of 'large', and the store .* is of 'small'"):
        validate(copied, asked=Asked(recipe=other))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RULES = []", "has no list RULES of rules"),
        ("x = 1", "has no list RULES of rules"),
        ("\n\n1 / 0", r"mine.py:3: the file of rules does not run: ZeroDivisionError"),
        ("def (", r"mine.py:1: the file of rules does not run: SyntaxError"),
    ],
)
def test_a_file_that_is_none_of_rules_is_refused(text: str, said: str) -> None:
    """With its line where it has one."""
    with pytest.raises(RequestError, match=said):
        rules_in(RuleFile("mine.py", text))


def test_the_command_ends_with_2_where_a_persons_rule_breaks(copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report is whole but for that rule."""
    (tmp_path / "mine.py").write_text(BROKEN)
    recipe_beside(copied)
    assert command(["validate", str(copied), "--checks", str(tmp_path / "mine.py"), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "fail"
    assert document["counts"]["error"] == 5
    assert {check["name"] for check in document["checks"] if check["verdict"] == "error"} == {"bounded"}


def test_workers_give_the_same_report_to_the_byte(copied: Path, tmp_path: Path) -> None:
    """Also of a rule from a file, which gathers from every shard: its text goes to the workers."""
    (tmp_path / "mine.py").write_text(GATHERING)
    recipe_beside(copied)
    files = [tmp_path / "mine.py"]
    here = validate(copied, asked=Asked(checks=files))
    there = validate(copied, asked=Asked(checks=files, workers=Workers(1)))
    assert here.as_json() == there.as_json()
    assert {check.measured for check in named(here, "numbers.seen")} == {24 * 64.0, 24 * 256.0, 24 * 128.0}


def test_the_pass_gives_the_same_in_pieces_of_any_size(good_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards in parts of one trajectory, or whole."""
    stored = open_stored(good_store).systems[0]
    granularity = stored.granularities[0]
    whole = look(stored, granularity, list(pieces_of(granularity)), rules=(), settings=Settings()).summary
    monkeypatch.setattr("attractory.stages.validate.passes.PIECE_BYTES", 1)
    pieces = list(pieces_of(granularity))
    assert len(pieces) == 24
    parts = united([look(stored, granularity, [piece], rules=(), settings=Settings()) for piece in pieces]).summary
    np.testing.assert_array_equal(parts.mean, whole.mean)
    assert parts.head == whole.head


def test_a_sample_reads_so_many_trajectories_and_no_others(good_store: Path) -> None:
    """Four of 24: dealt to the splits in turn; what is not read is no damage."""
    stored = open_stored(good_store).systems[0]
    granularity = stored.granularities[0]
    settings = Settings(trajectories=4)
    summary = look(stored, granularity, list(pieces_of(granularity)), rules=(), settings=settings).summary
    chosen = sampled_trajectories(stored, seed=0, look=4)
    assert sorted(stored.split[chosen].tolist()) == [0, 0, 1, 2]
    assert np.flatnonzero(summary.seen).tolist() == chosen.tolist()
    assert np.isfinite(summary.mean[chosen]).all()
    assert summary.damage == ()


def test_a_number_of_trajectories_that_is_none_is_refused(good_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Zero looks at nothing."""
    assert command(["validate", str(good_store), "--trajectories", "0"]) == 2
    assert "--trajectories: found '0', expected a whole number above 0, or all" in capsys.readouterr().err


def test_what_is_no_finished_store_is_told_apart(copied: Path, tmp_path: Path) -> None:
    """Nothing, an empty folder, another version, a damaged root: each has its own sentence, and its own exit code."""
    (tmp_path / "empty").mkdir()
    root = json.loads((copied / ROOT).read_bytes())
    sentences = []
    for path in (tmp_path / "none", tmp_path / "empty"):
        with pytest.raises(StoreError) as refused:
            open_stored(path)
        sentences.append(str(refused.value).partition(": ")[2])
    (copied / ROOT).write_text(json.dumps(root | {"attributes": {**root["attributes"], "attractory_format": 99}}))
    with pytest.raises(StoreError) as refused:
        open_stored(copied)
    sentences.append(str(refused.value).partition(": ")[2])
    (copied / ROOT).write_text("{")
    with pytest.raises(DamageError) as damaged:
        open_stored(copied)
    sentences.append(str(damaged.value).partition(": ")[2])
    for sentence, words in zip(
        sentences, ("nothing lies there", "the folder is empty", "format version 99", "1 damaged file"), strict=True
    ):
        assert words in sentence
