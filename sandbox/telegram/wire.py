"""Requests as clients send them: query string, JSON, urlencoded or multipart, read into one shape."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request

from sandbox.telegram.errors import bad_request

_PARAMETER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart body."""

    field: str
    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Params:
    """A method's parameters; forms carry numbers and objects as JSON text, JSON bodies carry them bare."""

    values: dict[str, Any]
    uploads: list[Upload]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        try:
            return int(self.values.get(name, default))
        except (TypeError, ValueError):
            return default

    def flag(self, name: str) -> bool:
        return str(self.values.get(name)).lower() in ("true", "1", "yes")

    def parsed(self, name: str) -> Any:
        """An object or a list, None when absent; ApiError 400 when its JSON is broken."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def upload(self, field: str) -> Upload | None:
        return next((upload for upload in self.uploads if upload.field == field), None)

    def summary(self) -> dict[str, Any]:
        """What was asked, files named by their size only."""
        files = {f.field: {"file_name": f.name, "file_size": len(f.content)} for f in self.uploads}
        return {**self.values, **files}


async def read_params(request: Request) -> Params:
    values: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    kind, _, options = request.headers.get("content-type", "").partition(";")
    if kind == "application/json":
        values |= _read_json(body)
    elif kind == "application/x-www-form-urlencoded":
        values |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    elif kind == "multipart/form-data":
        fields, uploads = _read_multipart(body, options)
        return Params(values | fields, uploads)
    return Params(values, [])


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body or b"{}")
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise bad_request("can't parse JSON object")
    return values


def _read_multipart(body: bytes, options: str) -> tuple[dict[str, str], list[Upload]]:
    boundary = re.search(r'boundary="?([^";]+)', options)
    if boundary is None:
        raise bad_request("can't find boundary of the form")
    fields: dict[str, str] = {}
    uploads = []
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        headers = {name.lower(): value.strip() for name, _, value in map(_header, head.decode().splitlines())}
        names = dict(_PARAMETER.findall(headers["content-disposition"]))
        if "filename" in names:
            mime = headers.get("content-type", "application/octet-stream")
            file_name = re.sub(r"\\(.)", r"\1", names["filename"])
            uploads.append(Upload(names["name"], file_name, mime, content))
        else:
            fields[names["name"]] = content.decode()
    return fields, uploads


def _header(line: str) -> tuple[str, str, str]:
    return line.partition(":")
