"""What a run that was killed at its very end has left in a finished store: swept up, or gone on from, and never taken for damage."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from attractory import layout
from attractory.errors import StoreError
from attractory.store import check, finished_document, locked
from attractory.store.certificate import CERTIFIED, SystemCertificate, complete, waiting, write_certificates
from attractory.store.files import RUN_FOLDER
from attractory.store.finish import sweep


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def left(store, *parts):
    path = (store / RUN_FOLDER).joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left")


def test_what_a_run_left_is_swept_up(finished):
    """Rows and half-written files go; not while somebody holds the store."""
    whole = files(finished)
    left(finished, "rows", "Lorenz-0.json")
    with locked(finished):
        sweep(finished)
        assert (finished / RUN_FOLDER / "rows").is_dir()
    sweep(finished)
    assert files(finished) == whole
    assert not (finished / RUN_FOLDER).exists()


def test_what_certifying_left_is_not_swept_up(finished):
    """It goes on from there."""
    left(finished, CERTIFIED, "one.json")
    sweep(finished)
    assert (finished / RUN_FOLDER / CERTIFIED / "one.json").is_file()


def test_certificates_that_were_half_moved_are_moved(finished, tmp_path):
    """Killed between two renames: what is whole in its folder comes to its place, the root's document last."""
    plain, certified = tmp_path / "plain.zarr", tmp_path / "certified.zarr"
    for copy in (plain, certified):
        shutil.copytree(finished, copy)
    found = SystemCertificate(np.zeros(10), np.full(10, layout.Certificate.UNTIL, dtype=np.int8), {"units": "1"})
    (certified / RUN_FOLDER / "partial").mkdir(parents=True)
    write_certificates(certified, finished_document(certified), {"Lorenz": found})
    shutil.rmtree(certified / RUN_FOLDER)
    new = {path: content for path, content in files(certified).items() if files(plain).get(path) != content}
    for number, (path, content) in enumerate(sorted(new.items())):
        place = plain if number == 0 else waiting(plain)  # one is at its place already
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    complete(plain)
    assert check(plain) == ()
    shutil.rmtree(plain / RUN_FOLDER)
    assert files(plain) == files(certified)


def test_another_format_is_no_damage(finished):
    """A store of a later version says so, though this one cannot read its root's document."""
    root = json.loads((finished / "zarr.json").read_bytes())
    root["attributes"][layout.FORMAT] = 99
    (finished / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match="has format version 99"):
        check(finished)
