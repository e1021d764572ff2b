"""Where things are kept: Postgres and its schema, the bucket or the folder for photos."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import uuid4

from sqlalchemy import exists, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.core.errors import CannotStart
from app.core.settings import MinioSettings
from app.database.models import AvatarPhoto
from app.database.pooler import REFUSED, REMEDY, lends_transactions
from app.database.revision import behind
from app.doctor.checks.external_services import judged
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok, skipped, warning

_ASKING_SECONDS = 3
_SERVER = "Start Postgres, and see host, port, name and password in DATABASE_URL"
_BUCKET = "Start the storage, and see MINIO_ENDPOINT, MINIO_SECURE, MINIO_ACCESS_KEY and MINIO_SECRET_KEY"

# Postgres' own words for what an operator can fix.
_REFUSALS: Mapping[str, str] = {
    "28P01": "the password is refused",
    "28000": "the user is refused",
    "3D000": "there is no database of this name",
    "53300": "all of its connections are taken",
    "57P03": "it is starting, or stopping",
}


def database_checks(context: DoctorContext) -> list[Check]:
    async def answers() -> CheckResult:
        try:
            if await lends_transactions(context.database.engine):
                return failure(REFUSED, REMEDY)
            begun = time.monotonic()
            async with context.database.engine.connect() as connection:
                version = await connection.scalar(text("SHOW server_version"))
        except CannotStart:
            return failure("There is no DATABASE_URL, and no embedded Postgres runs under DATA_DIR")
        except (OSError, SQLAlchemyError) as error:
            return failure(f"Postgres doesn't let us in: {_why(error)}")
        return ok(f"Postgres {version} lets us in, in {(time.monotonic() - begun) * 1000:.0f} ms")

    async def at_head() -> CheckResult:
        missing = await behind(context.database.engine)
        if missing:
            return failure(f"The database is behind the code: it lacks {', '.join(missing)}")
        return ok("The database is not behind the code")

    async def tells_our_time() -> CheckResult:
        async with context.database.engine.connect() as connection:
            await connection.scalar(text("SELECT 1"))  # connecting takes its time
            before = datetime.now(UTC)
            theirs = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return judged({"the database": (before + (datetime.now(UTC) - before) / 2 - theirs).total_seconds()})

    return [
        Check("database", answers, _SERVER, needs=("DATABASE_URL",), timeout_seconds=12),
        Check("migrations", at_head, "Run: alembic upgrade head (the service `migrate`)", "database"),
        Check("database-clock", tells_our_time, _SERVER, "database"),
    ]


def bucket_check(context: DoctorContext) -> Check:
    minio = context.settings.minio

    async def look() -> CheckResult:
        if find_spec("minio") is None:
            return skipped("minio isn't installed here: run the doctor where the bot is")
        if minio.endpoint:
            return await _bucket(context, minio)
        return _folder(context.settings.general.data_dir / "photos")

    needs = ("MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "MINIO_BUCKET")
    return Check("bucket", look, _BUCKET, needs=needs)


def faces_check(context: DoctorContext) -> Check:
    async def look() -> CheckResult:
        if context.settings.photo.faces:
            return ok("Faces are looked for in portraits' photos")
        return warning("Faces aren't looked for in photos: PHOTO_FACES is off")

    return Check("faces", look, "Remove PHOTO_FACES from the settings", needs=("PHOTO_FACES",))


async def _bucket(context: DoctorContext, minio: MinioSettings) -> CheckResult:
    from app.photos.storage import MinioStorage, StorageUnavailable  # the webhook's image has no minio

    storage = MinioStorage(minio)
    try:
        if not await storage.bucket_exists():
            return await _no_bucket(context, minio.bucket)
        key = f"doctor/{uuid4()}"
        with NamedTemporaryFile() as file:
            await storage.put(key, Path(file.name))
        await storage.delete(key)
    except StorageUnavailable as error:
        why = getattr(error.__cause__, "code", None) or type(error.__cause__).__name__
        return failure(f"The storage doesn't do its work ({why})")
    return ok(f"{minio.bucket} takes files and gives them up")


async def _no_bucket(context: DoctorContext, bucket: str) -> CheckResult:
    """As it should be before the first photo; after it photos are lost, or looked for elsewhere."""
    what = f"There is no bucket {bucket}"
    try:
        async with asyncio.timeout(_ASKING_SECONDS), context.database.transaction() as session:
            photos = await session.scalar(select(exists().select_from(AvatarPhoto)))
    except (CannotStart, OSError, SQLAlchemyError):
        photos = False
    if photos:
        return failure(f"{what}, and there are photos", "See MINIO_BUCKET, or restore the photos' backup")
    return warning(what, "The first photo makes it if the key may; if it may not, make it")


def _folder(folder: Path) -> CheckResult:
    """It is made with the first photo; until then its nearest parent has to take it."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
    own = "Make DATA_DIR a folder of the user that runs the bot"
    try:
        with NamedTemporaryFile(dir=there):
            return ok(f"Photos are kept in the folder {folder}, which takes files")
    except OSError as error:
        return failure(f"The folder {folder} takes no files ({error.strerror})", own)


def _why(error: OSError | SQLAlchemyError) -> str:
    """Never the error's own text: it may hold the address."""
    state = str(getattr(error.orig, "sqlstate", "")) if isinstance(error, DBAPIError) else ""
    return _REFUSALS.get(state) or type(error).__name__
