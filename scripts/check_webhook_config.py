"""Whether FAL can call back: the settings, and the public address they name.

Exit codes: 0 nothing failed, 1 something failed, 2 the settings can't be read.
"""

from app.doctor import command
from app.doctor.selection import webhook_config_checks


def main() -> None:
    arguments = command.parser("check_webhook_config", __doc__).parse_args()
    command.run(webhook_config_checks, as_json=arguments.json)


if __name__ == "__main__":
    main()
