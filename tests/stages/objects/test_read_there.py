"""Stores at URLs are validated, described, published and verified where they are; what must write says what to do."""

from __future__ import annotations

import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import attractory
from attractory import layout
from attractory.console import run
from attractory.errors import DamageError, RequestError, UnreachableError
from attractory.stages.build import build
from attractory.stages.certify import certify
from attractory.stages.generate import planned_job
from attractory.stages.info import info
from attractory.stages.task import run_block
from attractory.stages.validate import validate
from attractory.stages.validate.stored import open_stored
from attractory.stages.verify import verify
from attractory.store import create, locked
from attractory.store.files import place_of

WINDOWS = {"granularity": "fine", "split": "train", "context": 16, "horizon": 4, "batch_size": 64, "systems": ["Spiral"]}


def put(folder, place):
    """The store of a folder as objects."""
    for path in folder.rglob("*"):
        if path.is_file():
            (place / str(path.relative_to(folder))).put(path.read_bytes())
    return place


class _Plain(SimpleHTTPRequestHandler):
    """Python's own, which knows no ranges."""

    def log_message(self, format, *args):
        """Nothing."""


class _Web(_Plain):
    """With ranges, as web servers have them."""

    def do_GET(self):
        wanted, file = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "")), Path(self.translate_path(self.path))
        if wanted is None or not file.is_file():
            super().do_GET()
            return
        content, (first, last) = file.read_bytes(), wanted.groups()
        start = int(first) if first else len(content) - int(last)
        part = content[start : int(last) + 1 if first and last else None]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


@pytest.fixture(params=[_Web, _Plain], ids=["ranges", "plain"])
def web(made, request):
    """The URL of a web server of this machine that serves the dataset's folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(request.param, directory=str(made.folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_recipe_is_built_at_a_url(made, dataset, memory, cluster):
    """Generated, validated, the report beside the store, and published with it from there."""
    published = memory.with_name("published")
    built = build(dataset.recipe, out=memory, workers=cluster, to=str(published))
    report = json.loads(memory.with_name("report/report.json").read_bytes())
    assert (report["verdict"], len(report["checks"])) == ("pass", len(built.report.checks))
    assert "report.json" in (published / built.published.version).names()


def test_a_damaged_store_at_a_url_fails(made, memory):
    """A bit of a shard, and a document that is gone: named, and nothing passes."""
    put(made.store, memory)
    shard = memory / layout.shard_path("Spiral", "fine", 1)
    shard.put(shard.read_bytes()[:-1] + b"?")
    (memory / "Quadratic/fine/state/zarr.json").unlink()
    stored = open_stored(memory)
    assert set(stored.unreadable) == {"Quadratic"}
    with pytest.raises(DamageError, match=r"Spiral/fine/state: trajectories .* cannot be decoded"):
        stored.systems[0].granularities[1].read(slice(3, 6))


def test_a_store_at_a_url_is_opened_by_few_requests(made, bucket):
    """All small files at once, and then a shard for each that is read: not one request after the other for each group."""
    faults = bucket.faults()
    put(made.store, place_of(f"{bucket.url}/tiny.zarr"))
    written = faults.requests
    stored = open_stored(f"{bucket.url}/tiny.zarr")
    files = sum(1 for path in made.store.rglob("*") if path.is_file())
    assert faults.requests - written <= files
    opened = faults.requests
    states = stored.systems[1].granularities[1].read(slice(3, 6))
    assert faults.requests - opened == 1
    np.testing.assert_array_equal(states, open_stored(made.store).systems[1].granularities[1].read(slice(3, 6)))


def test_a_server_that_fails_is_no_verdict_on_the_store(made, impatient):
    """Exit code 3 and the URL, in place of a report that says `fail`."""
    place = put(made.store, place_of(f"{impatient.url}/tiny.zarr"))
    stored = open_stored(place)
    impatient.faults(failing=1.0)
    with pytest.raises(UnreachableError, match=r"s3://.*: the object store did not do what it was asked"):
        stored.systems[0].granularities[0].read(slice(0, 3))
    with pytest.raises(UnreachableError):
        validate(place)


def test_info_of_a_url_is_that_of_a_folder(made, dataset, memory):
    """Of a finished store by a few requests and no listing; of an unfinished one how far it is."""
    expected = {**info(made.store), "store": None}
    assert {**info(put(made.store, memory)), "store": None} == expected
    other = memory.with_name("other.zarr")
    job = planned_job(dataset.located(), other)
    create(other, job.plan)
    run_block(job.task(next(job.plan.blocks())))
    found = info(other)
    assert (found["finished"], found["blocks_done"], set(found["systems"])) == (False, 1, {"Spiral", "Quadratic"})


def test_a_web_server_is_read(made, web):
    """`verify`, `info`, and what `validate` reads, over http://, also from a server that sends whole files whatever is asked for."""
    store, whole = f"{web}/tiny.zarr", info(made.store)
    assert verify(store).files == sum(1 for path in made.store.rglob("*") if path.is_file())
    assert info(store) == {**whole, "store": store}
    for here, there in zip(open_stored(made.store).systems, open_stored(store).systems, strict=True):
        np.testing.assert_array_equal(here.granularities[1].read(slice(2, 5)), there.granularities[1].read(slice(2, 5)))


@pytest.mark.parametrize("web", [_Web], indirect=True)
def test_a_web_server_is_never_written_to(made, dataset, web, capsys):
    """Windows come from there as from a folder; what would write is refused before anything is done."""
    store = f"{web}/tiny.zarr"
    for here, there in zip(attractory.open(made.store).windows(**WINDOWS), attractory.open(store).windows(**WINDOWS), strict=True):
        np.testing.assert_array_equal(here.state, there.state)
    for arguments in (("generate", str(dataset.recipe), "--out"), ("generate", str(dataset.recipe), "--array", "1/2", "--out")):
        assert run([*arguments, f"{web}/new.zarr"]) == 2
        assert "http:// can be read, not written to" in capsys.readouterr().err
    with pytest.raises(RequestError, match=r"can be read, not written to"):
        validate(store, report=f"{web}/report")
    assert run(["verify", store, "--repair"]) == 0
    with pytest.raises(RequestError, match=r"can be read, not written to"), locked(place_of(store)):
        pytest.fail("it is held")


def test_what_must_write_says_what_to_do():
    """`certify` adds arrays: in a folder, which is then published."""
    pytest.importorskip("heyoka")
    with pytest.raises(RequestError, match=r"s3://b/tiny.zarr: certifying adds arrays .* aws s3 cp --recursive s3://b/tiny.zarr tiny.zarr"):
        certify("s3://b/tiny.zarr")
