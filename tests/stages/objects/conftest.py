"""A loopback S3 server, started by the tests on a free port of 127.0.0.1, and a proxy before it that fails as a network does."""

from __future__ import annotations

import http.client
import random
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from attractory.store.objects import ObjectPath

_OWN = {"connection", "keep-alive", "transfer-encoding", "te", "expect", "content-length", "date", "server"}
_ACCOUNT = "123456789012"  # moto's, where a request names none that it knows
_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


@dataclass
class Faults:
    """What the proxy does to requests, and what it has seen: every fault is a function of the seed and of the order of requests.

    failing: how many of them, of one, are answered 503 without being passed on. cut: a pattern of `METHOD path`; the first request that it
    fits loses its connection in the middle of its body. ignored: headers that never reach the server, as if it did not know them.
    """

    failing: float = 0.0
    seed: int = 0
    cut: str | None = None
    ignored: tuple[str, ...] = ()
    requests: int = 0
    failed: int = 0
    cuts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._draws, self._turn = random.Random(self.seed), threading.Lock()

    def fails(self) -> bool:
        with self._turn:
            self.requests += 1
            failed = self._draws.random() < self.failing
            self.failed += failed
        return failed

    def is_cut(self, request: str) -> bool:
        with self._turn:
            if self.cut is None or not re.search(self.cut, request):
                return False
            self.cut = None
            self.cuts.append(request)
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _pass_on(self) -> None:
        faults = self.server.faults
        length, request = int(self.headers.get("Content-Length") or 0), f"{self.command} {self.path}"
        if self.command == "PUT" and faults.is_cut(request):
            self.rfile.read(length // 2)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if faults.fails():
            self._answer(503, [("Content-Type", "application/xml")], _SLOW_DOWN)
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in (*_OWN, *faults.ignored)}
        upstream.request(self.command, self.path, body=body, headers=headers)
        response = upstream.getresponse()
        content = response.read()
        half = self.command == "GET" and len(content) > 1 and faults.is_cut(request)
        size = response.headers.get("Content-Length", str(len(content)))
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in _OWN]
        self._answer(response.status, kept, content, size=size, until=len(content) // 2 if half else None)
        upstream.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes, *, size: str | None = None, until: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", size if size is not None else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:until])
        self.close_connection = until is not None

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: thousands of lines say nothing."""


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.faults = upstream, Faults()

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that was killed has left its connection."""


@pytest.fixture
def memory(tmp_path: Path) -> ObjectPath:
    """A place in an object store of this process, for what no network is needed to show."""
    return ObjectPath(f"memory://{tmp_path.name}/tiny.zarr", lease_seconds=1.0)


@pytest.fixture(scope="session")
def _upstream() -> Iterator[int]:
    """The port of a moto server."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield port
    server.stop()


@pytest.fixture(scope="session")
def _proxy(_upstream: int) -> Iterator[_Proxy]:
    proxy = _Proxy(_upstream)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


@dataclass(frozen=True)
class Bucket:
    """A bucket of its own behind the proxy."""

    url: str
    proxy: _Proxy

    def faults(self, **asked: object) -> Faults:
        """From now on, these; what they have done so far is in what comes back."""
        self.proxy.faults = Faults(**asked)
        return self.proxy.faults

    def objects(self, path: str = "") -> dict[str, bytes]:
        """Path below -> content of every object, as the server itself holds it."""
        from moto.s3.models import s3_backends

        keys = s3_backends[_ACCOUNT]["aws"].buckets[self.url.removeprefix("s3://")].keys
        below = f"{path}/" if path else ""
        return {name.removeprefix(below): key.value for name, key in keys.items() if name.startswith(below)}


@pytest.fixture(scope="session")
def _environment(_proxy: _Proxy) -> Iterator[None]:
    """What a user sets: keys, region, endpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "a-key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{_proxy.server_address[1]}")
        yield


@pytest.fixture(scope="session")
def _bucket_numbers() -> count[int]:
    return count()


@pytest.fixture
def bucket(_proxy: _Proxy, _environment: None, _bucket_numbers: count[int]) -> Iterator[Bucket]:
    """An empty bucket, and a network without faults."""
    name = f"bucket-{next(_bucket_numbers)}"
    connection = http.client.HTTPConnection("127.0.0.1", _proxy.upstream, timeout=30)
    connection.request("PUT", f"/{name}", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=a-key/20260101/us-east-1/s3/aws4_request"})
    assert connection.getresponse().read() is not None
    connection.close()
    yield Bucket(f"s3://{name}", _proxy)
    _proxy.faults = Faults()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> Iterator[Bucket]:
    """The bucket, and clients below s3fs that ask once; s3fs itself asks five times."""
    import s3fs

    from attractory.store import objects

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    objects._filesystem.cache_clear()
    yield bucket
    s3fs.S3FileSystem.clear_instance_cache()
    objects._filesystem.cache_clear()
