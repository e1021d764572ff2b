"""Photos in a bucket: the real SDK over a real socket, against the five S3 calls it makes."""

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from app.core.settings import MinioSettings
from app.photos.storage import MinioStorage, PhotoMissing, StorageUnavailable

KEY = "avatars/7/photo"
BUCKET = "photos"


class Shelf(ThreadingHTTPServer):
    """One bucket that may not exist yet, its objects, and every call in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Calls)
        self.bucket_exists = False
        self.objects: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.cut_short = False


class Calls(BaseHTTPRequestHandler):
    server: Shelf

    def do_HEAD(self) -> None:
        self._note()
        self._answer(200 if self.server.bucket_exists else 404)

    def do_GET(self) -> None:
        path = self._note()
        if path == f"/{BUCKET}":
            return self._answer(200, b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>')
        if path not in self.server.objects:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        return self._answer(200, self.server.objects[path], cut_short=self.server.cut_short)

    def do_PUT(self) -> None:
        path = self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == f"/{BUCKET}":
            self.server.bucket_exists = True
        else:
            self.server.objects[path] = body
        self._answer(200, headers={"ETag": '"0"'})

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._note(), None)
        self._answer(204)

    def _note(self) -> str:
        path = urlsplit(self.path).path
        self.server.calls.append(f"{self.command} {path}")
        return path

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, cut_short: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        if body.startswith(b"<"):
            self.send_header("Content-Type", "application/xml")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut_short else body)

    def log_message(self, *_: object) -> None:
        """The test's output stays its own."""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def storage(shelf: Shelf) -> MinioStorage:
    return MinioStorage(
        MinioSettings(
            endpoint=f"127.0.0.1:{shelf.server_port}",
            access_key=SecretStr("access"),
            secret_key=SecretStr("secret-key"),
            bucket=BUCKET,
            secure=False,
        )
    )


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(os.urandom(7_000_000))
    return path


async def test_a_photo_comes_back_as_it_was(storage: MinioStorage, photo: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    await storage.put(KEY, photo)
    await storage.get(KEY, copy)
    assert copy.read_bytes() == photo.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600


async def test_the_bucket_is_created_once_and_a_photo_is_one_request(
    storage: MinioStorage, shelf: Shelf, photo: Path
) -> None:
    await storage.put(KEY, photo)
    await storage.put("avatars/7/other", photo)
    changes = [call for call in shelf.calls if call.startswith("PUT")]
    assert changes == ["PUT /photos", "PUT /photos/avatars/7/photo", "PUT /photos/avatars/7/other"]
    assert shelf.calls.count("HEAD /photos") == 1


async def test_a_bucket_that_exists_is_left_alone(storage: MinioStorage, shelf: Shelf, photo: Path) -> None:
    shelf.bucket_exists = True
    await storage.put(KEY, photo)
    assert "PUT /photos" not in shelf.calls


async def test_a_missing_photo_is_named_so(storage: MinioStorage, tmp_path: Path) -> None:
    with pytest.raises(PhotoMissing):
        await storage.get(KEY, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


async def test_a_deleted_photo_is_gone(storage: MinioStorage, photo: Path, tmp_path: Path) -> None:
    await storage.put(KEY, photo)
    await storage.delete(KEY)
    await storage.delete(KEY)
    with pytest.raises(PhotoMissing):
        await storage.get(KEY, tmp_path / "copy")


async def test_an_interrupted_download_leaves_nothing(
    storage: MinioStorage, shelf: Shelf, photo: Path, tmp_path: Path
) -> None:
    await storage.put(KEY, photo)
    shelf.cut_short = True
    with pytest.raises(StorageUnavailable):
        await storage.get(KEY, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == [photo]
