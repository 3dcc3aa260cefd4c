"""The root's document from its second witness: the manifest and the other documents, and certificates only where something proves them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from attractory import layout
from attractory.store import finished_document
from attractory.store.certificate import SystemCertificate, write_certificates
from attractory.store.files import RUN_FOLDER
from attractory.store.manifest import manifest_bytes, read_manifest
from attractory.store.second_root import second_root


def unplanned(attributes, documents):
    """The documents that could be made anew: none."""
    return {}


@pytest.fixture
def certified(finished):
    """The store with a certificate, and its root's bytes before and after that."""
    plain = (finished / "zarr.json").read_bytes()
    (finished / RUN_FOLDER / "partial").mkdir(parents=True)
    found = SystemCertificate(np.zeros(10), np.full(10, layout.Certificate.UNTIL, dtype=np.int8), {"units": "1"})
    write_certificates(finished, finished_document(finished), {"Lorenz": found})
    return finished, plain, (finished / "zarr.json").read_bytes()


def test_the_digest_of_a_document_says_which_of_its_copies_is_sound(finished):
    """One is lost as a file and taken from the root's copy; with the root lost too it would have to be made anew."""
    whole = (finished / "zarr.json").read_bytes()
    (finished / "Lorenz/zarr.json").unlink()
    (finished / "zarr.json").write_bytes(whole.replace(b"CF-1.11", b"CF-1.10"))
    assert second_root(finished, planned=unplanned).content == whole
    (finished / "zarr.json").unlink()
    assert second_root(finished, planned=unplanned) is None


def test_certificates_are_taken_over_where_their_digests_are_left(certified):
    """A changed version in the root's document: every byte comes back, certificates too."""
    store, _, whole = certified
    (store / "zarr.json").write_bytes(whole.replace(b"CF-1.11", b"CF-1.10"))
    made = second_root(store, planned=unplanned)
    assert (made.content, made.unproven) == (whole, ())


def test_certificates_that_nothing_proves_are_left_out(certified):
    """The root is lost, or a certificate is changed as well: the document is that of before certifying, and what is left out is named."""
    store, plain, whole = certified
    expected = tuple(f"Lorenz/{array}/zarr.json" for array in layout.CERTIFICATE_ARRAYS)
    (store / f"Lorenz/{layout.CERTIFICATE}/c/0").write_bytes(bytes(10))
    (store / "zarr.json").write_bytes(whole.replace(b"CF-1.11", b"CF-1.10"))
    made = second_root(store, planned=unplanned)
    assert (made.content, made.unproven) == (plain, expected)
    (store / "zarr.json").unlink()
    made = second_root(store, planned=unplanned)
    assert (made.content, made.unproven) == (plain, expected)


def test_a_manifest_of_an_older_form_has_none(finished):
    """It says nothing of the root, and is no damage."""
    rows, files = read_manifest((finished / layout.MANIFEST).read_bytes())
    (finished / layout.MANIFEST).write_bytes(manifest_bytes(rows, files=files))
    assert second_root(finished, planned=unplanned) is None
    (finished / layout.MANIFEST).write_bytes(json.dumps({}).encode())
    assert second_root(finished, planned=unplanned) is None
