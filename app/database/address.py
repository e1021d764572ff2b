"""Which Postgres to talk to: the one that is named, else the development one that runs beside us."""

from pathlib import Path

from app.core.settings import GeneralSettings, Problem, SettingsError


def database_url(settings: GeneralSettings) -> str:
    """The address, for `connect_arguments` and `connect_options`.

    Raises:
        SettingsError: none is named and no development Postgres runs under `DATA_DIR`.
    """
    if settings.database_url:
        return settings.database_url.get_secret_value()
    url = _development_url(settings.data_dir)
    if url is None:
        what = f"is missing, and no embedded Postgres runs under {settings.data_dir}"
        raise SettingsError([Problem("DATABASE_URL", what, settings.remedy("database_url"))])
    return url


def _development_url(data_dir: Path) -> str | None:
    """The file that `devtools.postgres` writes while its server runs."""
    try:
        return (data_dir / "postgres" / "connection").read_text()
    except OSError:
        return None
