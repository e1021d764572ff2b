"""FAL's storage and CDN: uploads streamed to disk, served back under public addresses.

The fallback that fal-client takes when its upload fails (`/storage/upload/initiate`) is not offered.
"""

import hashlib
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.fal.access import KeyCheck
from sandbox.fal.models import Upload, UploadFault, now
from sandbox.fal.proxy import Proxy

CDN = "https://v3.fal.media"
TOKEN_LIFETIME = timedelta(hours=1)


class Storage:
    """Files by their public URL. `uploads` holds those that clients sent, in the order they were finished.

    `faults` are what the next bodies meet, one each.
    """

    def __init__(self, directory: Path, check_key: KeyCheck, proxy: Proxy) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.uploads: list[Upload] = []
        self.faults: deque[UploadFault] = deque()
        self._proxy = proxy
        self._directory = directory
        self._check_key = check_key
        self._tokens: set[str] = set()
        self._content_types: dict[str, str] = {}
        self._unfinished: dict[str, Upload] = {}

    def rest_routes(self) -> list[Route]:
        return [Route("/storage/auth/token", self._issue_token, methods=["POST"])]

    def cdn_routes(self) -> list[Route]:
        part = "/files/sandbox/{name}/multipart/{upload_id}"
        return [
            Route("/files/upload", self._upload, methods=["POST"]),
            Route("/files/upload/multipart", self._begin_multipart, methods=["POST"]),
            Route(part + "/complete", self._complete_multipart, methods=["POST"]),
            Route(part + "/{number:int}", self._upload_part, methods=["PUT"]),
            Route("/files/sandbox/{name}", self._serve, methods=["GET"]),
        ]

    def locate(self, url: str) -> Path:
        """Where the file behind a CDN address lies. Raises FileNotFoundError."""
        path = self._path(url)
        if path.name not in self._content_types:
            raise FileNotFoundError(url)
        return path

    def publish(self, file_name: str, content_type: str, content: bytes) -> dict[str, str | int]:
        """Store a model's output; returns FAL's description of a file."""
        url = self._new_url(file_name)
        self._path(url).write_bytes(content)
        self._content_types[self._path(url).name] = content_type
        return {"url": url, "content_type": content_type, "file_name": file_name, "file_size": len(content)}

    async def _issue_token(self, request: Request) -> Response:
        self._check_key(request)
        token = secrets.token_urlsafe()
        self._tokens.add(token)
        expires_at = (now() + TOKEN_LIFETIME).isoformat()
        return JSONResponse(
            {"token": token, "token_type": "Bearer", "base_url": CDN, "expires_at": expires_at}
        )

    async def _upload(self, request: Request) -> Response:
        self._check_token(request)
        upload = self._describe(request, multipart=False)
        await _write(self._path(upload.url), request.stream())
        if self.faults:
            return self._spoil(request, self.faults.popleft())
        self._finish(upload)
        return JSONResponse({"access_url": upload.url})

    async def _begin_multipart(self, request: Request) -> Response:
        self._check_token(request)
        upload = self._describe(request, multipart=True)
        upload_id = secrets.token_hex()
        self._unfinished[upload_id] = upload
        return JSONResponse({"access_url": upload.url, "uploadId": upload_id})

    async def _upload_part(self, request: Request) -> Response:
        self._check_token(request)
        path = self._part(self._unfinished_upload(request), request.path_params["number"])
        etag = await _write(path, request.stream())
        if self.faults:
            path.unlink()
            return self._spoil(request, self.faults.popleft())
        return Response(headers={"ETag": etag})

    async def _complete_multipart(self, request: Request) -> Response:
        self._check_token(request)
        upload = self._unfinished_upload(request)
        numbers = sorted(part["partNumber"] for part in (await request.json())["parts"])
        parts = [self._part(upload, number) for number in numbers]
        await _write(self._path(upload.url), _contents(parts))
        self._finish(upload)
        return JSONResponse({"access_url": upload.url})

    def _spoil(self, request: Request, fault: UploadFault) -> Response:
        if fault.status_code is not None:
            raise HTTPException(fault.status_code, "Refused by the sandbox")
        self._proxy.drop_client(request)
        return Response()

    async def _serve(self, request: Request) -> Response:
        try:
            path = self.locate(f"{CDN}{request.url.path}")
        except FileNotFoundError:
            raise HTTPException(404, "Not found") from None
        return FileResponse(path, media_type=self._content_types[path.name])

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._tokens:
            raise HTTPException(401, "Invalid upload token")

    def _unfinished_upload(self, request: Request) -> Upload:
        upload = self._unfinished.get(request.path_params["upload_id"])
        if upload is None:
            raise HTTPException(404, "No such upload")
        return upload

    def _describe(self, request: Request, *, multipart: bool) -> Upload:
        file_name = PurePosixPath(request.headers.get("X-Fal-File-Name", "upload.bin")).name
        return Upload(
            url=self._new_url(file_name),
            file_name=file_name,
            content_type=request.headers.get("Content-Type", "application/octet-stream"),
            size=0,
            multipart=multipart,
            lifecycle=_lifecycle(request),
        )

    def _finish(self, upload: Upload) -> None:
        path = self._path(upload.url)
        self._content_types[path.name] = upload.content_type
        self.uploads.append(upload.model_copy(update={"size": path.stat().st_size}))

    def _new_url(self, file_name: str) -> str:
        return f"{CDN}/files/sandbox/{secrets.token_hex(8)}{PurePosixPath(file_name).suffix}"

    def _path(self, url: str) -> Path:
        return self._directory / PurePosixPath(url).name

    def _part(self, upload: Upload, number: int) -> Path:
        return self._directory / f"{self._path(upload.url).name}.part{number}"


def _lifecycle(request: Request) -> dict[str, Any] | None:
    """The CDN reads X-Fal-Object-Lifecycle, the storage API the longer name; fal-client sends both."""
    header = request.headers.get("X-Fal-Object-Lifecycle") or request.headers.get(
        "X-Fal-Object-Lifecycle-Preference"
    )
    preference: dict[str, Any] | None = json.loads(header) if header else None
    return preference


async def _write(path: Path, chunks: AsyncIterator[bytes]) -> str:
    """Returns the SHA-256 of what was written, in hex."""
    digest = hashlib.sha256()
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in chunks:
            digest.update(chunk)
            await file.write(chunk)
    return digest.hexdigest()


async def _contents(parts: Iterable[Path]) -> AsyncIterator[bytes]:
    for part in parts:
        yield await anyio.Path(part).read_bytes()
        await anyio.Path(part).unlink()
