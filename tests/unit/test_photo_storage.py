"""Photos in a folder: private, whole, and nowhere else."""

import os
from pathlib import Path

import pytest

from app.photos import storage as storage_module
from app.photos.storage import FolderStorage, PhotoMissing, StorageUnavailable

KEY = "avatars/7/photo"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(os.urandom(300_000))
    return path


async def test_a_photo_comes_back_as_it_was(root: Path, photo: Path, tmp_path: Path) -> None:
    storage, copy = FolderStorage(root), tmp_path / "copy"
    await storage.put(KEY, photo)
    await storage.get(KEY, copy)
    assert copy.read_bytes() == photo.read_bytes()
    assert photo.exists()


async def test_the_newest_content_stays(root: Path, photo: Path, tmp_path: Path) -> None:
    storage, copy = FolderStorage(root), tmp_path / "copy"
    await storage.put(KEY, photo)
    photo.write_bytes(b"newer")
    await storage.put(KEY, photo)
    await storage.get(KEY, copy)
    assert copy.read_bytes() == b"newer"


async def test_only_the_owner_may_look(root: Path, photo: Path, tmp_path: Path) -> None:
    storage, copy = FolderStorage(root), tmp_path / "copy"
    await storage.put(KEY, photo)
    await storage.get(KEY, copy)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (root, *root.rglob("*"), copy)}
    assert modes == {"photos": 0o700, "avatars": 0o700, "7": 0o700, "photo": 0o600, "copy": 0o600}


async def test_a_missing_photo_is_named_so(root: Path, tmp_path: Path) -> None:
    with pytest.raises(PhotoMissing):
        await FolderStorage(root).get(KEY, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


async def test_a_deleted_photo_is_gone(root: Path, photo: Path, tmp_path: Path) -> None:
    storage = FolderStorage(root)
    await storage.put(KEY, photo)
    await storage.delete(KEY)
    await storage.delete(KEY)
    with pytest.raises(PhotoMissing):
        await storage.get(KEY, tmp_path / "copy")


async def test_nothing_is_left_of_the_last_one(root: Path, photo: Path) -> None:
    """Nor of a write that a kill cut short; somebody else's stay."""
    storage = FolderStorage(root)
    for key in (KEY, "avatars/8/photo", "avatars/8/other"):
        await storage.put(key, photo)
    (root / "avatars/7/.photo.q1w2e3.part").write_bytes(b"half a face")
    (root / "avatars/8/.other.q1w2e3.part").write_bytes(b"half a face")
    await storage.delete(KEY)
    await storage.delete("avatars/8/photo")
    left = {str(path.relative_to(root)) for path in root.rglob("*")}
    assert left == {"avatars", "avatars/8", "avatars/8/other", "avatars/8/.other.q1w2e3.part"}
    await storage.delete("avatars/8/other")
    assert list(root.iterdir()) == []


async def test_a_folder_that_goes_with_its_last_photo_is_made_again(
    root: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FolderStorage(root)
    make = storage_module._make_private

    def make_and_lose(folder: Path) -> None:
        make(folder)
        if folder == root / "avatars/7":
            monkeypatch.undo()
            folder.rmdir()

    monkeypatch.setattr(storage_module, "_make_private", make_and_lose)
    await storage.put(KEY, photo)
    assert (root / KEY).read_bytes() == photo.read_bytes()


@pytest.mark.parametrize(
    "key", ["", ".", "..", "../upload", "a/../../upload", "/etc/hostname", "outside/upload"]
)
async def test_no_key_leads_out(root: Path, photo: Path, tmp_path: Path, key: str) -> None:
    storage = FolderStorage(root)
    root.mkdir()
    (root / "outside").symlink_to(tmp_path)
    for action in (storage.put(key, photo), storage.get(key, tmp_path / "copy"), storage.delete(key)):
        with pytest.raises(ValueError, match="inside the storage"):
            await action
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "upload"]


async def test_an_interrupted_write_leaves_the_older_photo(
    root: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, copy = FolderStorage(root), tmp_path / "copy"
    await storage.put(KEY, photo)
    before = photo.read_bytes()
    photo.write_bytes(b"newer")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(StorageUnavailable):
        await storage.put(KEY, photo)
    monkeypatch.undo()
    await storage.get(KEY, copy)
    assert copy.read_bytes() == before
    assert [path.name for path in (root / "avatars/7").iterdir()] == ["photo"]
