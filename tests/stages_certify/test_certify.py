"""The stage: what it finds in a good store and in a spoilt one, and what it does to the store."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray
import zarr

import attractory
from attractory import console, layout
from attractory.errors import DamageError, InterruptedRunError, MissingExtraError, RequestError
from attractory.layout import Certificate
from attractory.stages.certify import certify, flow_reference
from attractory.stages.certify import run as stage
from attractory.stages.certify.judgement import Samples, judge
from attractory.stages.certify.map_reference import MapReference
from attractory.stages.certify.reference import Problem
from attractory.stages.info import info
from attractory.stages.publish import Asked, publish
from attractory.stages.validate import validate
from attractory.stages.validate.stored import open_stored
from attractory.stages.verify import verify
from attractory.store import certificate
from attractory.store.files import RUN_FOLDER

UNTIL = "Lorenz/accurate_until/c/0"


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def column(store, system="Lorenz", array=layout.ACCURATE_UNTIL):
    return np.asarray(zarr.open_array(store / system / array, mode="r")[:])


@pytest.fixture
def store(plain, tmp_path):
    """A copy of the store, to be certified or spoilt."""
    return shutil.copytree(plain, tmp_path / "tiny.zarr")


@pytest.fixture(scope="module")
def whole(plain, tmp_path_factory):
    """The store with every trajectory certified, and what was found; not to be changed."""
    store = shutil.copytree(plain, tmp_path_factory.mktemp("whole") / "tiny.zarr")
    return store, certify(store, trajectories=None, workers=2)


def spoil(store, row, sample, *, system="Lorenz", granularity="coarse", by=1e-4):
    """Moves one stored trajectory from a sample on; the digests are left as they are."""
    array = zarr.open_array(store / system / granularity / layout.STATE, mode="r+")
    states = array[row]
    states[sample:] *= 1 + by
    array[row] = states


def test_accurate_times_are_those_of_a_doubles_rounding(whole):
    """ln(1e-6 / rounding) / lambda: the median of a flow and of a map within 30 %, as rounding errors of 1e-16 grow by the exponent."""
    _, found = whole
    for system in found.systems:
        numbers = system.numbers
        assert (numbers["certified"], numbers["spoilt"]) == (5, 0)
        assert numbers["median_lyapunov_times"] == pytest.approx(numbers["expected_lyapunov_times"], rel=0.3)
        assert 0 < numbers["shortest"] <= numbers["median"]
        assert numbers["median_lyapunov_times"] == numbers["median"] / attractory.system(system.system).lyapunov_time
    assert not found.failed


def test_a_spoilt_trajectory_is_found(store, whole):
    """One of ten, from one sample on off by 1e-4, in one of its granularities: it alone fails, at that sample."""
    spoil(store, 3, 40)
    found = certify(store, trajectories=None)
    (lorenz,) = (system for system in found.systems if system.system == "Lorenz")
    assert (found.failed, lorenz.spoilt) == (True, [3])
    last_right = max(time for time in np.concatenate([coarse_times(store)[:40], fine_times(store)]) if time < coarse_times(store)[40])
    assert column(store)[3] == last_right
    others = np.arange(5) != 3
    np.testing.assert_array_equal(column(store)[others], column(whole[0])[others])


def coarse_times(store):
    return np.asarray(zarr.open_array(store / "Lorenz/coarse/time", mode="r")[:])


def fine_times(store):
    return np.asarray(zarr.open_array(store / "Lorenz/fine/time", mode="r")[:])


@pytest.mark.parametrize(("sample", "by"), [(0, 1e-5), (1, np.nan), (100, np.inf)])
def test_every_kind_of_spoiling_is_found(store, sample, by):
    """A wrong first sample, one that is no number, one that is infinite: before sample 0 nothing is right, and the time is NaN."""
    spoil(store, 4, sample, system="Henon", by=by)
    (henon,) = (system for system in certify(store, trajectories=None).systems if system.system == "Henon")
    if sample == 100:  # chaos has long taken over there
        assert henon.spoilt == []
    else:
        assert henon.spoilt == [4]
        np.testing.assert_equal(column(store, "Henon")[4], np.nan if sample == 0 else 0.0)


def test_a_store_of_the_wrong_parameters_is_spoilt(store):
    """Trajectories that solve other equations leave the true ones at once, all of them."""
    path = store / "Henon/parameters/c/0/0"
    path.write_bytes((np.frombuffer(path.read_bytes()) * (1 + 1e-5)).tobytes())
    found = {system.system: system for system in certify(store, trajectories=4).systems}
    assert (len(found["Henon"].spoilt), found["Lorenz"].spoilt) == (4, [])


def test_the_answer_does_not_depend_on_the_sample_or_on_threads(store, whole):
    """A trajectory's number is its own: 2 of seed 7 with one thread, then 3 of seed 0, agree with all of them together."""
    certify(store, trajectories=2, seed=7, workers=1)
    few = column(store)
    assert np.isfinite(few).sum() == 2
    certify(store, trajectories=3, workers=2)
    both, all_of_them = column(store), column(whole[0])
    again = certify(store, trajectories=1).systems[0]
    assert (again.asked, again.looked_at, again.numbers["certified"]) == (1, np.isfinite(column(store, "Henon")).sum(), again.looked_at)
    known = np.isfinite(both)
    assert 3 <= known.sum() < 5
    np.testing.assert_array_equal(both[np.isfinite(few)], few[np.isfinite(few)])
    np.testing.assert_array_equal(both[known], all_of_them[known])
    attributes = zarr.open_array(store / "Lorenz/accurate_until", mode="r").attrs
    assert attributes["samples"] == [{"seed": 0, "trajectories": 3}, {"seed": 7, "trajectories": 2}]


def test_a_larger_sample_holds_the_smaller(plain):
    """The order of a seed is one permutation, so asking for more looks at no fewer."""
    stored = open_stored(plain).systems[0]
    few, more, other = (set(stage.sampled(stored, trajectories=n, seed=s).tolist()) for n, s in ((2, 0), (3, 0), (3, 1)))
    assert few < more
    assert more != other


def test_nothing_of_the_finished_store_is_touched(store, plain, whole):
    """New arrays and the root's document: every other byte is as it was, and the same request gives the same bytes again."""
    certify(store, trajectories=None)
    before, after = files(plain), files(store)
    assert {path for path in before if before[path] != after[path]} == {"zarr.json"}
    added = {
        f"{system}/{array}/{name}" for system in ("Henon", "Lorenz") for array in layout.CERTIFICATE_ARRAYS for name in ("c/0", "zarr.json")
    }
    assert set(after) - set(before) == added
    assert after == files(whole[0])
    certify(store, trajectories=None)
    assert files(store) == after


def test_an_interrupted_run_goes_on(store, whole):
    """Stopped after three trajectories, it keeps what it found, leaves a store as sound as before, and ends with the same bytes."""

    def stop(done, total, note):
        if done == 3:
            message = "stopped"
            raise InterruptedRunError(message)

    with pytest.raises(InterruptedRunError):
        certify(store, trajectories=None, progress=stop)
    assert 3 <= len(list((store / RUN_FOLDER / "certified").iterdir())) < 10
    verify(store)
    certify(store, trajectories=None)
    assert files(store) == files(whole[0])


@pytest.mark.parametrize("moved", [0, 5, 8])
def test_a_kill_while_the_files_move_is_made_good(store, whole, monkeypatch, moved):
    """With none, some or all of the eight new files in place and the root to come: the next run moves the rest and loses no answer."""
    certify(store, trajectories=1)
    certify_but_move(store, moved, monkeypatch)
    certify(store, trajectories=2)
    expected = shutil.copytree(whole[0], store.with_name("expected.zarr"))
    np.testing.assert_array_equal(column(store), column(expected))
    assert not (store / RUN_FOLDER).exists()
    verify(store)


def certify_but_move(store, moved, monkeypatch):
    """Certifies all, and is killed after `moved` of the new files have been put in their places."""

    def killed(_):
        message = "killed"
        raise InterruptedRunError(message)

    with monkeypatch.context() as patch:
        patch.setattr(certificate, "complete", killed)
        with pytest.raises(InterruptedRunError):
            certify(store, trajectories=None)
    waiting = store / RUN_FOLDER / "certificates"
    new = sorted(path for path in waiting.rglob("*") if path.is_file() and path != waiting / "zarr.json")
    assert len(new) == 8
    for path in [*new, waiting / "zarr.json"][:moved]:
        path.replace(store / path.relative_to(waiting))


def test_every_reader_opens_a_certified_store(whole, recwarn):
    """xarray without a warning, the loader, info: the column is there, and nothing else has changed."""
    store, _ = whole
    tree = xarray.open_datatree(store, engine="zarr")
    assert tree["Lorenz/accurate_until"].dims == ("trajectory",)
    assert tree["Lorenz/certificate"].attrs["flag_meanings"].split()[1] == "until"
    assert not recwarn.list
    lorenz = attractory.open(store).systems["Lorenz"]
    np.testing.assert_array_equal(lorenz.accurate_until, column(store))
    assert lorenz.certificate["median_lyapunov_times"] == pytest.approx(22.9, rel=0.3)
    shown = info(store)["systems"]["Lorenz"]
    assert (list(shown["granularities"]), shown["accurate_until"]["certified"]) == (["coarse", "fine"], 5)


def test_a_store_without_certificates_has_nothing_to_read(plain):
    """The loader says that nothing is known, by NaN and an empty mapping."""
    lorenz = attractory.open(plain).systems["Lorenz"]
    assert np.isnan(lorenz.accurate_until).all()
    assert (lorenz.certificate, "accurate_until" in info(plain)["systems"]["Lorenz"]) == ({}, False)


def test_a_certified_store_is_validated_and_published_as_another_version(store, whole, tmp_path):
    """All checks still pass; the version of the plain store stays what it was, the certified one gets its own with the column in it."""
    first = publish(store, to=tmp_path / "to", asked=Asked(unvalidated=True))
    certify(store, trajectories=None)
    assert validate(store, report=tmp_path / "report").verdict == "pass"
    second = publish(store, to=tmp_path / "to", asked=Asked(unvalidated=True))
    assert (second.unchanged, second.version != first.version) == (False, True)
    published = tmp_path / "to" / second.version / "tiny.zarr"
    np.testing.assert_array_equal(column(published), column(whole[0]))
    assert verify(published).files == verify(store).files
    table = pq.read_table(published.parent / "parquet" / "Lorenz" / "fine" / "train.parquet")
    np.testing.assert_array_equal(table["accurate_until"].to_numpy(), column(store)[:4])
    assert set(table["certificate"].to_pylist()) == {layout.Certificate.UNTIL}
    croissant = json.loads((published.parent / "croissant.json").read_text())
    assert "Lorenz/fine/train/accurate_until" in {column["@id"] for records in croissant["recordSet"] for column in records["field"]}
    card = (tmp_path / "to" / second.version / "README.md").read_text()
    assert "## How far the trajectories are true" in card
    assert "## How far" not in (tmp_path / "to" / first.version / "README.md").read_text()


def test_what_is_not_known_is_null_in_a_table(store, tmp_path):
    """One trajectory of five was looked at: the other rows have no number, and say that nobody asked."""
    certify(store, trajectories=1, seed=3)
    made = publish(store, to=tmp_path / "to", asked=Asked(unvalidated=True))
    tables = [pq.read_table(path) for path in sorted((tmp_path / "to" / made.version / "parquet" / "Henon" / "coarse").glob("*.parquet"))]
    times = [value for table in tables for value in table["accurate_until"].to_pylist()]
    codes = [value for table in tables for value in table["certificate"].to_pylist()]
    assert (len(times), times.count(None), codes.count(layout.Certificate.NOT_ASKED)) == (5, 4, 4)


def test_damage_of_a_certificate_is_found_and_undone_by_certifying(whole, tmp_path):
    """verify names the file; repair mends its metadata and says what makes the column; certify makes it, to the byte."""
    damaged = shutil.copytree(whole[0], tmp_path / "tiny.zarr")
    (damaged / UNTIL).write_bytes(b"damaged")
    (damaged / "Lorenz/certificate/zarr.json").unlink()
    with pytest.raises(DamageError, match=r"2 damaged files\n.*Lorenz/accurate_until/c/0: is changed"):
        verify(damaged)
    with pytest.raises(DamageError, match=r"Lorenz/accurate_until/c/0: a certificate is not made from the recipe.*attractory certify"):
        verify(damaged, repair=True)
    assert (damaged / "Lorenz/certificate/zarr.json").is_file()
    certify(damaged, trajectories=None)
    assert files(damaged) == files(whole[0])


def test_damage_of_the_manifest_leaves_certificates_checked(whole, tmp_path):
    """Without a manifest the root still answers for the certificates, and repair brings every byte back."""
    damaged = shutil.copytree(whole[0], tmp_path / "tiny.zarr")
    (damaged / layout.MANIFEST).write_bytes(b"damaged")
    verify(damaged, repair=True)
    assert files(damaged) == files(whole[0])


def test_what_doubles_hold_exactly_is_followed_with_more_digits():
    """x -> 2 x mod 1 doubles errors for 300 iterates, far beyond the reference's first 160 bits, and loses no bit of a dyadic number."""
    system = attractory.System(name="Doubling", kind="map", equations={"x": "mod(2*x, 1)"}, initial={"x": 0.7})
    orbit = [0.7]
    for _ in range(300):
        orbit.append(2 * orbit[-1] % 1)
    one = Problem(np.array([0.7]), np.zeros(0), 0.0, np.arange(301.0), np.ones(1), np.full(1, np.inf))
    used = []

    def reference(bits):
        used.append(bits)
        return MapReference(system.definition, bits)

    found = judge(one, Samples(np.arange(301), np.array(orbit)[:, None]), reference, tolerance=1e-14)
    assert (found.certificate, found.accurate_until, used) == (Certificate.WHOLE, 300.0, [160, 320, 640])


def test_what_outlives_the_reference_is_a_lower_bound(monkeypatch):
    """With no more digits to take, the answer is the time until which the reference is sure, and is marked as such."""
    monkeypatch.setattr("attractory.stages.certify.judgement.BITS", (160,))
    system = attractory.System(name="Doubling", kind="map", equations={"x": "mod(2*x, 1)"}, initial={"x": 0.7})
    orbit = [0.7]
    for _ in range(300):
        orbit.append(2 * orbit[-1] % 1)
    one = Problem(np.array([0.7]), np.zeros(0), 0.0, np.arange(301.0), np.ones(1), np.full(1, np.inf))
    found = judge(
        one, Samples(np.arange(301), np.array(orbit)[:, None]), lambda bits: MapReference(system.definition, bits), tolerance=1e-14
    )
    assert found.certificate is Certificate.AT_LEAST
    # 2^-110 grows to 1e-7 = 2^-23.3 in 86 iterates.
    assert found.accurate_until == 86.0


def test_what_takes_too_many_steps_is_not_certified(store, monkeypatch):
    """NaN, a reason, and a failure: not all that was asked is done. The other system is certified all the same."""
    monkeypatch.setattr(flow_reference, "MOST_STEPS", 50)
    found = certify(store, trajectories=2)
    systems = {system.system: system for system in found.systems}
    assert (found.failed, systems["Henon"].failed) == (True, False)
    assert systems["Lorenz"].reasons == {"it would take more than 50 steps of an explicit method, as a stiff flow does": 2}
    assert np.isnan(column(store)).all()
    assert (column(store, array=layout.CERTIFICATE) == Certificate.NO_REFERENCE).sum() == 2
    assert any("not certified: it would take more than 50 steps" in str(line) for line in found.page())


def test_a_kind_without_a_reference_is_said_in_one_sentence(plain):
    """What this version cannot follow is named, never guessed."""
    stored = open_stored(plain).systems[0]
    delayed = replace(stored, record=stored.record.model_copy(update={"kind": "delay"}))
    assert stage._refusal(delayed, 4) == "kind delay"
    assert stage._refusal(stored, 0) == "no trajectory reached its last sample"
    irregular = replace(stored.granularities[0], time=np.zeros((8, 4)))
    assert "no granularity has the same times" in stage._refusal(replace(stored, granularities=(irregular,)), 4)


def test_one_run_at_a_time(store):
    """A store that another run holds is refused, not waited for."""
    with stage.locked(store), pytest.raises(RequestError, match="another run is writing"):
        certify(store)


@pytest.mark.parametrize("package", ["heyoka", "mpmath"])
def test_a_missing_extra_is_named(store, monkeypatch, package):
    """Before anything is written, with the command that mends it."""
    monkeypatch.setitem(sys.modules, package, None)
    before = files(store)
    with pytest.raises(MissingExtraError, match=rf"needs the package '{package}'.*pip install 'attractory\[certify\]'"):
        certify(store)
    assert files(store) == before


def test_the_command_line_shows_a_table_and_exits_by_what_was_found(store, capsys):
    """0 and a table where all is good; 1 and the trajectory's number where one is spoilt; one JSON document when asked for."""
    assert console.run(["certify", str(store), "--trajectories", "2", "--seed", "1"]) == 0
    out, err = capsys.readouterr()
    assert "Lorenz" in out
    assert "median / expected" in out
    assert "certify: 4 of 4 (100 %)" in err
    spoil(store, 1, 10)
    assert console.run(["certify", str(store), "--all", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["systems"]["Lorenz"]["spoilt_trajectories"]) == ("fail", [1])
    assert console.run(["certify", str(store), "--all"]) == 1
    assert "trajectories 1 at t = " in capsys.readouterr().out
