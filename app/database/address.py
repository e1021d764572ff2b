"""Which Postgres to talk to: the one that is named, else the embedded one that already runs."""

from app.core.config import REMEDIES, GeneralSettings, Problem, SettingsError
from app.database.embedded import running_url


def database_url(settings: GeneralSettings) -> str:
    """The address, for `connect_arguments` and `connect_options`.

    Raises:
        SettingsError: none is named and no embedded one answers under `DATA_DIR`.
    """
    if settings.database_url:
        return settings.database_url.get_secret_value()
    url = running_url(settings.data_dir)
    if url is None:
        what = f"is missing, and no embedded Postgres answers under {settings.data_dir}"
        raise SettingsError([Problem("DATABASE_URL", what, REMEDIES["DATABASE_URL"])])
    return url
