"""Addresses as providers hand them out: read for whoever connects, or refused without showing a value."""

import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from app.core.settings import MinioSettings, Settings
from app.core.urls import connect_options, read_database_url, unusable_proxies
from tests.unit.settings import PRODUCTION, put

HOST = {"user": "aisha", "password": "p@ss/word", "host": "db.example", "port": 6543, "database": "aisha"}
URL = "aisha:p%40ss%2Fword@db.example:6543/aisha"


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"]
)
def test_any_name_of_the_scheme_is_read(scheme: str) -> None:
    assert connect_options(read_database_url(f"{scheme}://{URL}")) == HOST


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sslmode=require", {"ssl": "require"}),
        ("sslmode=disable", {"ssl": "disable"}),
        ("ssl=require", {"ssl": "require"}),  # as it was written until now
        ("ssl=true", {"ssl": "require"}),
        ("sslmode=prefer&channel_binding=prefer", {"ssl": "prefer"}),
        ("application_name=web&connect_timeout=10", {}),
        ("target_session_attrs=read-write", {"target_session_attrs": "read-write"}),
    ],
)
def test_what_the_query_asks_for_is_asked_of_asyncpg(query: str, expected: Mapping[str, object]) -> None:
    assert connect_options(read_database_url(f"postgres://{URL}?{query}")) == {**HOST, **expected}


def test_a_socket_and_several_hosts_are_read() -> None:
    socket = connect_options(read_database_url("postgresql://aisha@/aisha?host=/run/postgresql"))
    assert socket == {"user": "aisha", "database": "aisha", "host": "/run/postgresql"}
    hosts = connect_options(read_database_url("postgresql://a:b@/aisha?host=one:5432&host=two:5433"))
    assert (hosts["host"], hosts["port"]) == (["one", "two"], [5432, 5433])


@pytest.mark.parametrize(
    ("query", "by_name"),
    [
        ("sslmode=verify-full", True),
        ("sslmode=verify-ca", False),
        ("sslmode=verify-full&sslrootcert=system", True),
        ("sslmode=require&channel_binding=require", True),  # asyncpg can't bind, so the certificate is asked
        ("channel_binding=require", True),
    ],
)
def test_a_server_that_has_to_prove_itself_is_asked_for_its_certificate(query: str, by_name: bool) -> None:
    tls = connect_options(read_database_url(f"postgresql://{URL}?{query}"))["ssl"]
    assert isinstance(tls, ssl.SSLContext)
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, by_name)


@pytest.mark.parametrize("mode", ["verify-full", "require"])
def test_certificates_of_ones_own_are_read(tmp_path: Path, mode: str) -> None:
    root = tmp_path / "root.crt"
    trustme.CA().cert_pem.write_to_path(root)
    tls = connect_options(read_database_url(f"postgresql://{URL}?sslmode={mode}&sslrootcert={root}"))["ssl"]
    assert len(tls.get_ca_certs()) == 1
    assert tls.check_hostname is (mode == "verify-full")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root:sesame@db/aisha", "Must start with postgresql://"),
        ("db.example/aisha", "Must start with postgresql://"),
        ("postgresql://aisha:sesame@one:5432,two:5432/aisha", "one host, and a number as the port"),
        ("postgresql://aisha:sesame@db:port/aisha", "one host, and a number as the port"),
        ("postgresql://aisha:ses@me@db/aisha", "write %40"),
        ("postgresql://aisha:sesame@db/aisha?pgbouncer=true", "?pgbouncer"),
        ("postgresql://aisha:sesame@db/aisha?sslmode=often", "sslmode that is none of disable"),
        ("postgresql://aisha:sesame@db/aisha?sslmode=verify-ca&sslrootcert=/no/such", "no readable file"),
    ],
)
def test_what_cannot_be_read_is_told_without_its_values(
    monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    put(monkeypatch, {**PRODUCTION, "DATABASE_URL": url})
    _, problems = Settings.read()
    assert [problem.variable for problem in problems] == ["DATABASE_URL"]
    assert why.casefold() in problems[0].what.casefold()
    assert not any(word in problems[0].what for word in ("sesame", "ses@me", "often", "/no/such"))


def test_the_password_is_blotted_out_however_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, {**PRODUCTION, "DATABASE_URL": f"postgres://{URL}"})
    assert {"p%40ss%2Fword", "p@ss/word"} <= set(Settings.load().secrets())


@pytest.mark.parametrize(
    ("endpoint", "secure", "address"),
    [
        ("minio:9000", "false", ("minio:9000", False)),
        ("minio:9000", "true", ("minio:9000", True)),
        ("https://s3.example", "false", ("s3.example", True)),
        ("http://minio:9000/", "true", ("minio:9000", False)),
        ("HTTPS://s3.example:443", "", ("s3.example:443", True)),
    ],
)
def test_a_scheme_says_whether_the_bucket_is_asked_over_tls(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, secure: str, address: tuple[str, bool]
) -> None:
    put(monkeypatch, {"MINIO_ENDPOINT": endpoint, "MINIO_SECURE": secure})
    assert MinioSettings().address == address


@pytest.mark.parametrize(
    "endpoint", ["s3://bucket", "https://s3.example/bucket", "minio:port", "https://a b"]
)
def test_an_endpoint_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    put(monkeypatch, {**PRODUCTION, "MINIO_ENDPOINT": endpoint})
    assert [problem.variable for problem in Settings.read()[1]] == ["MINIO_ENDPOINT"]


@pytest.mark.parametrize(
    ("variable", "address", "refused"),
    [
        ("ALL_PROXY", "socks5://proxy:1080", ["ALL_PROXY"]),
        ("https_proxy", "socks5h://proxy:1080", ["HTTPS_PROXY"]),
        ("HTTP_PROXY", "socks4://proxy:1080", ["HTTP_PROXY"]),
        ("HTTPS_PROXY", "http://proxy:3128", []),
        ("HTTPS_PROXY", "proxy:3128", []),
        ("FTP_PROXY", "socks5://proxy:1080", []),
    ],
)
def test_a_proxy_that_httpx_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str, refused: list[str]
) -> None:
    put(monkeypatch, {**PRODUCTION, variable: address})
    assert list(unusable_proxies()) == refused
    assert [problem.variable for problem in Settings.read()[1]] == refused
