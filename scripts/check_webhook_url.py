"""The public address from outside, in order: name, port, certificate, answer.

Exit codes: 0 nothing failed, 1 something failed, 2 the settings can't be read.
"""

from app.doctor import command
from app.doctor.selection import webhook_url_checks


def main() -> None:
    arguments = command.parser("check_webhook_url", __doc__).parse_args()
    command.run(webhook_url_checks, as_json=arguments.json)


if __name__ == "__main__":
    main()
