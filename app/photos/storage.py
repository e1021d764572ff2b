"""Where photos are kept: a folder, or a bucket that speaks S3. Files go in and out, never whole bytes."""

import asyncio
import glob
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from minio import Minio
from minio.error import MinioException, S3Error
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from app.core.errors import AishaError
from app.core.settings import MinioSettings, Settings

Given = TypeVar("Given")

_ONE_REQUEST = 64 * 1024**2  # bytes; far above any photo, so that no upload is left in parts


class PhotoMissing(AishaError):
    """The storage holds nothing under this key."""

    reason = "photo-missing"


class StorageUnavailable(AishaError):
    """The folder or the bucket doesn't do its work, for now."""

    reason = "storage-unavailable"


class _Readable(Protocol):
    def read(self, length: int = ..., /) -> bytes: ...


class PhotoStorage(Protocol):
    """Photos by key, a relative path of our own making. Every method may raise `StorageUnavailable`."""

    async def put(self, key: str, path: Path) -> None:
        """Keep a copy of the file under `key`, whole or not at all; an older one is replaced."""

    async def get(self, key: str, path: Path) -> None:
        """Write what is kept under `key` to `path`, whole or not at all; raises `PhotoMissing`."""

    async def delete(self, key: str) -> None:
        """Forget `key`; fine when there is nothing."""


class FolderStorage:
    """Photos in a folder of this machine, readable by its owner only."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    async def put(self, key: str, path: Path) -> None:
        await _beside(self._put, key, path)

    async def get(self, key: str, path: Path) -> None:
        await _beside(self._get, key, path)

    async def delete(self, key: str) -> None:
        await _beside(self._delete, key)

    def _put(self, key: str, path: Path) -> None:
        place = self._place(key)
        for tries_left in (2, 1, 0):
            try:
                _make_private(place.parent)
                with path.open("rb") as source:
                    _write_whole(source, place)
                return
            except FileNotFoundError:  # the folder went with its last photo just then
                if not tries_left:
                    raise

    def _get(self, key: str, path: Path) -> None:
        try:
            source = self._place(key).open("rb")
        except FileNotFoundError:
            raise PhotoMissing from None
        with source:
            _write_whole(source, path)

    def _delete(self, key: str) -> None:
        """With what a process that was killed has left of it, and the folders that nothing else is in."""
        place = self._place(key)
        for leftover in place.parent.glob(f".{glob.escape(place.name)}.*.part"):
            leftover.unlink(missing_ok=True)
        place.unlink(missing_ok=True)
        for folder in place.relative_to(self._root).parents[:-1]:
            with suppress(OSError):  # there are others in it, or it is gone
                (self._root / folder).rmdir()

    def _place(self, key: str) -> Path:
        place = (self._root / key).resolve()
        if place == self._root or not place.is_relative_to(self._root):
            raise ValueError("a storage key must name a file inside the storage")
        return place


class MinioStorage:
    """Photos in a bucket, which is created on first use."""

    def __init__(self, settings: MinioSettings) -> None:
        endpoint, secure = settings.address
        pool = PoolManager(timeout=Timeout(connect=5, read=30), retries=Retry(total=2, backoff_factor=0.2))
        self._client = Minio(
            endpoint,
            settings.access_key.get_secret_value(),
            settings.secret_key.get_secret_value(),
            secure=secure,
            http_client=pool,
        )
        self._bucket = settings.bucket
        self._bucket_lock = threading.Lock()
        self._bucket_known = False

    async def bucket_exists(self) -> bool:
        return await _beside(self._client.bucket_exists, self._bucket)

    async def put(self, key: str, path: Path) -> None:
        await _beside(self._put, key, path)

    async def get(self, key: str, path: Path) -> None:
        await _beside(self._get, key, path)

    async def delete(self, key: str) -> None:
        await _beside(self._delete, key)

    def _put(self, key: str, path: Path) -> None:
        self._ensure_bucket()
        self._client.fput_object(self._bucket, key, str(path), part_size=_ONE_REQUEST)

    def _get(self, key: str, path: Path) -> None:
        self._ensure_bucket()
        try:
            answer = self._client.get_object(self._bucket, key)
        except S3Error as error:
            if error.code == "NoSuchKey":
                raise PhotoMissing from None
            raise
        try:
            _write_whole(answer, path)
        finally:
            answer.close()
            answer.release_conn()

    def _delete(self, key: str) -> None:
        self._ensure_bucket()
        self._client.remove_object(self._bucket, key)

    def _ensure_bucket(self) -> None:
        with self._bucket_lock:
            if self._bucket_known:
                return
            if not self._client.bucket_exists(self._bucket):
                self._create_bucket()
            self._bucket_known = True

    def _create_bucket(self) -> None:
        try:
            self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code != "BucketAlreadyOwnedByYou":  # another process was first
                raise


def open_storage(settings: Settings) -> PhotoStorage:
    """The bucket of the settings, or the folder in `DATA_DIR` where they name none."""
    if settings.minio.endpoint:
        return MinioStorage(settings.minio)
    return FolderStorage(settings.general.data_dir / "photos")


async def _beside(work: Callable[..., Given], *arguments: str | Path) -> Given:
    """Run it in a thread, with the backends' own failures as ours."""
    try:
        return await asyncio.to_thread(work, *arguments)
    except (OSError, MinioException, HTTPError) as error:
        raise StorageUnavailable from error


def _make_private(folder: Path) -> None:
    """`mkdir -p` whose parents are as private as the last folder."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _write_whole(source: _Readable, target: Path) -> None:
    """Copy to a neighbour that only its owner can read, and give it the target's name once it is on disk."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
