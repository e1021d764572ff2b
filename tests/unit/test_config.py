"""Settings: what is wrong is told at once and in words, nothing is secret twice, nothing is read nowhere."""

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from pathlib import Path

import pytest

from app.core.settings import FalSettings, Section, Settings, SettingsError
from tests.unit.settings import PRODUCTION, Variable, put, variables

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "app" / "core" / "settings"
REQUIRED = sorted(PRODUCTION.keys() - {"ENVIRONMENT"})
DEVELOPMENT = {"TELEGRAM_TOKEN": "123456:token", "FAL_API_KEY": "key:value"}
SECRETS = (
    "database-password",
    "telegram-token-value",
    "fal-key-value",
    "webhook-secret",
    "admin-token-value",
)

Load = Callable[[Mapping[str, str]], Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Settings from these variables alone, in a folder without a `.env`."""
    monkeypatch.chdir(tmp_path)

    def settings(values: Mapping[str, str]) -> Settings:
        put(monkeypatch, dict(values))
        return Settings.load()

    return settings


def refusal(load: Load, values: Mapping[str, str]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(values)
    return caught.value


def named(error: SettingsError) -> list[str]:
    """The variables that the error names, each of which stands in its message with a remedy."""
    for problem in error.problems:
        assert problem.variable in str(error)
        assert problem.remedy in str(error)
        assert problem.remedy
    return sorted(problem.variable for problem in error.problems)


def test_production_needs_the_seven_and_nothing_else(load: Load) -> None:
    assert load(PRODUCTION).in_production


def test_everything_missing_in_production_is_named_at_once(load: Load) -> None:
    assert named(refusal(load, {"ENVIRONMENT": "production"})) == REQUIRED


@pytest.mark.parametrize("variable", REQUIRED)
@pytest.mark.parametrize("value", ["", "   ", "CHANGE_ME", "CHANGE_ME_to_yours", "https://CHANGE_ME/x"])
def test_one_that_is_empty_or_a_placeholder_is_the_one_named(load: Load, variable: str, value: str) -> None:
    assert named(refusal(load, {**PRODUCTION, variable: value})) == [variable]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("DATABASE_URL", "mysql://root@db/aisha"),
        ("FAL_WEBHOOK_URL", "http://aisha.example/hook"),
        ("FAL_WEBHOOK_URL", "aisha.example/hook"),
        ("FAL_WEBHOOK_SECRET", " , ,"),
        ("FAL_WEBHOOK_VERIFY", "perhaps"),
        ("FAL_WEBHOOK_VERIFY", "off"),
        ("FAL_TRAINING_PRESET", "slow"),
        ("FAL_PORTRAIT_STEPS", "many"),
        ("FAL_STYLE_STEPS", "0"),
        ("FAL_PRO_ITERATIONS", "10001"),
        ("FAL_STYLE_TRAINER", "flux-3-trainer"),
        ("FAL_STYLE_TRAINER", "flux-pro-trainer"),
        ("AVATAR_TEST_MODE", "on"),
        ("AVATAR_MIN_PHOTOS", "21"),
        ("AVATAR_MAX_PHOTOS", "ten"),
        ("API_PORT", "65536"),
        ("API_WORKER", "2"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://redis/0"),
        ("BOT_PORT", "0"),
        ("BOT_METRICS_PORT", "on"),
        ("ADMIN_CHAT_ID", "@operator"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("MINIO_SECRET_KEY", "CHANGE_ME"),
        ("RECONCILE_AFTER", "0"),
        ("ALLOWED_IPS", "10.0.0.0/33"),
        ("ALLOWED_IPS", ","),
        ("ALLOWED_IPS", "10.0.0.1,,10.0.0.2"),
        ("TRUSTED_PROXIES", "nginx"),
        ("TRUSTED_PROXIES", "CHANGE_ME"),
        ("ALLOWED_HOSTS", "https://aisha.example"),
        ("ALLOWED_HOSTS", "aisha.example:8000"),
        ("ALLOWED_HOSTS", "CHANGE_ME"),
        ("ALLOWED_HOSTS", "aisha.*"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://aisha.example/"),
    ],
)
def test_what_is_malformed_or_contradicts_is_the_only_thing_named(
    load: Load, variable: str, value: str
) -> None:
    assert named(refusal(load, {**PRODUCTION, variable: value})) == [variable]


def test_missing_placeholders_and_malformed_stand_in_one_message(load: Load) -> None:
    wrong = {
        "FAL_STYLE_STEPS": "x",
        "FAL_PORTRAIT_STEPS": "y",
        "MINIO_ACCESS_KEY": "CHANGE_ME",
        "API_PORT": "z",
    }
    given = {name: value for name, value in PRODUCTION.items() if name != "ADMIN_TOKEN"}
    error = refusal(load, {**given, **wrong, "FAL_API_KEY": "CHANGE_ME", "AVATAR_TEST_MODE": "on"})
    expected = sorted([*wrong, "FAL_API_KEY", "ADMIN_TOKEN", "AVATAR_TEST_MODE"])
    assert named(error) == expected
    assert f"{len(expected)} invalid settings" in str(error)


def test_development_needs_only_a_token_and_a_key(load: Load) -> None:
    assert named(refusal(load, {})) == ["FAL_API_KEY", "TELEGRAM_TOKEN"]
    assert not load(DEVELOPMENT).in_production


def test_drills_need_an_operator_instead_of_a_key(load: Load) -> None:
    drills = {"TELEGRAM_TOKEN": "123456:token", "AVATAR_TEST_MODE": "on"}
    assert named(refusal(load, drills)) == ["ADMIN_CHAT_ID"]
    assert load({**drills, "ADMIN_CHAT_ID": "7"}).admin.chat_id == 7


def test_callbacks_need_a_secret_in_development_too(load: Load) -> None:
    hook = {**DEVELOPMENT, "FAL_WEBHOOK_URL": "http://127.0.0.1:8000/hook"}
    assert named(refusal(load, hook)) == ["FAL_WEBHOOK_SECRET"]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"FAL_KEY": "other"}, "other"),
        ({"FAL_API_KEY": "", "FAL_KEY": "other"}, "other"),
        ({"FAL_API_KEY": "first", "FAL_KEY": "other"}, "first"),
    ],
)
def test_the_key_may_be_called_fal_key(load: Load, values: dict[str, str], key: str) -> None:
    settings = load({"TELEGRAM_TOKEN": "123456:token", **values})
    assert settings.fal.api_key.get_secret_value() == key


def test_the_environment_wins_over_the_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_PORT=9001\nAPI_HOST=0.0.0.0\n", encoding="utf-8")
    api = load({**PRODUCTION, "API_PORT": "9002"}).api
    assert (api.host, api.port) == ("0.0.0.0", 9002)  # noqa: S104 - nothing listens here


@pytest.mark.parametrize(
    ("text", "secrets"), [("new", ["new"]), ("new,old", ["new", "old"]), (" new , old ,", ["new", "old"])]
)
def test_webhook_secrets_are_read_newest_first(load: Load, text: str, secrets: list[str]) -> None:
    assert load({**PRODUCTION, "FAL_WEBHOOK_SECRET": text}).fal.secrets == secrets


@pytest.mark.parametrize(("word", "on"), [("on", True), ("off", False), ("true", True), ("0", False)])
def test_switches_are_said_in_words(load: Load, word: str, on: bool) -> None:
    assert load({**PRODUCTION, "API_WORKER": word}).api.worker is on


def test_lists_are_written_with_commas(load: Load) -> None:
    written = {
        "ALLOWED_HOSTS": "aisha.example, *.Aisha.example,[::1]",
        "CORS_ORIGINS": "https://aisha.example,http://localhost:3000",
        "ALLOWED_IPS": " 203.0.113.0/24 ,2001:db8::/32",
        "TRUSTED_PROXIES": "127.0.0.1,",
    }
    edges = load({**PRODUCTION, **written}).edges
    assert edges.allowed_hosts == ("aisha.example", "*.aisha.example", "[::1]")
    assert edges.cors_origins == ("https://aisha.example", "http://localhost:3000")
    assert edges.allowed_ips == (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))
    assert edges.trusted_proxies == (ip_network("127.0.0.1"),)


def test_an_empty_list_is_empty(load: Load) -> None:
    edges = load({**PRODUCTION, "ALLOWED_IPS": "", "ALLOWED_HOSTS": "  "}).edges
    assert (edges.allowed_ips, edges.allowed_hosts) == ((), ())


@pytest.mark.parametrize(
    ("given", "missing"), [("SSL_CERTFILE", "SSL_KEYFILE"), ("SSL_KEYFILE", "SSL_CERTFILE")]
)
def test_a_certificate_and_its_key_go_together(load: Load, given: str, missing: str) -> None:
    assert named(refusal(load, {**PRODUCTION, given: "one.pem"})) == [missing]


WEBHOOK = {"TELEGRAM_WEBHOOK_URL": "https://aisha.example/bot", "TELEGRAM_WEBHOOK_SECRET": "aZ_0-"}


def test_webhook_mode_needs_an_address_and_a_secret_and_no_redis(load: Load) -> None:
    assert load({**PRODUCTION, **WEBHOOK}).telegram.webhook_url
    alone = {**PRODUCTION, "TELEGRAM_WEBHOOK_URL": WEBHOOK["TELEGRAM_WEBHOOK_URL"]}
    assert named(refusal(load, alone)) == ["TELEGRAM_WEBHOOK_SECRET"]


@pytest.mark.parametrize("secret", ["two words", "тайна", "a" * 257, "a\nb", "CHANGE_ME"])
def test_a_webhook_secret_is_one_that_telegram_takes(load: Load, secret: str) -> None:
    wrong = {**PRODUCTION, **WEBHOOK, "TELEGRAM_WEBHOOK_SECRET": secret}
    assert named(refusal(load, wrong)) == ["TELEGRAM_WEBHOOK_SECRET"]


def test_a_webhook_is_https_in_production(load: Load) -> None:
    plain = {**WEBHOOK, "TELEGRAM_WEBHOOK_URL": "http://127.0.0.1:8080/bot"}
    assert named(refusal(load, {**PRODUCTION, **plain})) == ["TELEGRAM_WEBHOOK_URL"]
    assert load({**DEVELOPMENT, **plain}).telegram.webhook_url


@pytest.mark.parametrize("token", ["token", "abc:def", "12 34:x", "1:"])
def test_a_token_that_is_none_is_named(load: Load, token: str) -> None:
    (problem,) = refusal(load, {**PRODUCTION, "TELEGRAM_TOKEN": token}).problems
    assert (problem.variable, problem.what) == ("TELEGRAM_TOKEN", "is no bot's token (digits:letters)")


def test_no_secret_shows_in_settings(load: Load) -> None:
    settings = load({**PRODUCTION, "MINIO_SECRET_KEY": "minio-secret-value"})
    shown = f"{settings} {settings!r} {[str(part) + repr(part) for part in vars(settings).values()]}"
    assert not [secret for secret in (*SECRETS, "minio-secret-value") if secret in shown]


def test_no_value_shows_in_an_error(load: Load) -> None:
    values = {
        **PRODUCTION,
        "DATABASE_URL": "postgresql://aisha:database-password@db:port/aisha",
        "FAL_WEBHOOK_SECRET": "CHANGE_ME-webhook-secret",
        "ADMIN_CHAT_ID": "admin-token-value",
    }
    error = refusal(load, values)
    assert len(error.problems) == 3
    assert not [secret for secret in SECRETS if secret in f"{error} {error!r} {error.problems}"]


def test_every_secret_is_known_to_the_guard_of_the_logs(load: Load) -> None:
    values = {**PRODUCTION, "MINIO_ACCESS_KEY": "minio-access", "MINIO_SECRET_KEY": "minio-secret"}
    values |= {"TELEGRAM_WEBHOOK_SECRET": "telegram-hook"}
    held = load({**values, "REDIS_URL": "rediss://bot:redis-password@redis/0"}).secrets()
    values |= {"REDIS_URL": "redis-password"}
    secret = {*values.values(), "webhook-secret-new", "webhook-secret-old"}
    secret -= {values["ENVIRONMENT"], values["FAL_WEBHOOK_URL"], values["FAL_WEBHOOK_SECRET"]}
    secret = secret - {values["DATABASE_URL"]} | {"database-password"}
    assert set(held) == secret


# A setting that nobody reads is a promise that nobody keeps.


@dataclass(frozen=True)
class Source:
    """What a file does with names: chains of attributes it reads, names it assigns, its parameters."""

    loads: frozenset[str]
    assigned: tuple[tuple[str, str], ...]
    parameters: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, tree: ast.AST) -> "Source":
        nodes = list(ast.walk(tree))
        return cls(
            frozenset(
                dotted(node)
                for node in nodes
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
            ),
            tuple(
                (dotted(target), dotted(node.value))
                for node in nodes
                if isinstance(node, ast.Assign)
                for target in node.targets
            ),
            frozenset(
                (node.arg, ast.unparse(node.annotation))
                for node in nodes
                if isinstance(node, ast.arg) and node.annotation is not None
            ),
        )

    def reads(self, variable: Variable, field: str) -> bool:
        """Through `Settings`, a parameter of the section's type, or a name assigned from one of those."""
        ways = {f"settings.{variable.section}", f"self._settings.{variable.section}"}
        ways |= {name for name, kind in self.parameters if kind == variable.owner.__name__}
        ways |= {target for target, value in self.assigned if value in ways}
        return any(f"{way}.{field}" in self.loads for way in ways)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of attributes, nothing of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return ""


@cache
def product() -> tuple[Source, ...]:
    folders = (ROOT / name for name in ("app", "api_server", "scripts"))
    paths = (path for folder in folders for path in sorted(folder.rglob("*.py")) if path.parent != SETTINGS)
    return tuple(Source.of(ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


@cache
def properties() -> Mapping[tuple[str, str], Source]:
    """The properties of the settings' classes, by class and name."""
    return {
        (owner.name, node.name): Source.of(node)
        for file in SETTINGS.glob("*.py")
        for owner in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.FunctionDef) and "property" in map(dotted, node.decorator_list)
    }


def is_read(variable: Variable, sources: Iterable[Source]) -> bool:
    """Whether code outside app/core/settings reads it, straight or through a property that is read.

    What is done there to check a value is no use of it.
    """
    whole, part = f"self.{variable.section}.{variable.field}", f"self.{variable.field}"
    for (owner, name), body in properties().items():
        if (
            owner == "Settings"
            and whole in body.loads
            and any(f"settings.{name}" in s.loads for s in sources)
        ):
            return True
        own = owner == variable.owner.__name__ and part in body.loads
        if own and any(source.reads(variable, name) for source in sources):
            return True
    return any(source.reads(variable, variable.field) for source in sources)


def unread(known: Iterable[Variable], sources: Sequence[Source]) -> list[str]:
    return [f"{item.section}.{item.field}" for item in known if not is_read(item, sources)]


def test_every_setting_is_read_somewhere() -> None:
    assert unread(variables(), product()) == []


class NoisySettings(Section):
    unheard_of: str = ""
    token: str = ""
    api_url: str = ""


@pytest.mark.parametrize("field", ["unheard_of", "token", "api_url"])
def test_a_setting_nobody_reads_is_found(field: str) -> None:
    """Also when another section has a field of the same name that is read."""
    nobody = Variable("noise", NoisySettings, field, (field.upper(),))
    assert unread([nobody], product()) == [f"noise.{field}"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(settings: Settings): settings.fal.jwks_url = 1",
        "def f(telegram): return telegram.jwks_url",
        "def f(settings: TelegramSettings): return settings.jwks_url",
        "jwks_url = 'settings.fal.jwks_url'",
    ],
)
def test_what_only_looks_like_reading_does_not_count(source: str) -> None:
    variable = Variable("fal", FalSettings, "jwks_url", ("FAL_JWKS_URL",))
    assert unread([variable], [Source.of(ast.parse(source))]) == ["fal.jwks_url"]


def test_the_example_documents_every_variable_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    ours = {name for variable in variables() for name in variable.names[:1]}
    assert documented == ours
