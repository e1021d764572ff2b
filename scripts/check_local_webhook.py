"""The webhook service on this machine, at API_HOST:API_PORT, 8001 and 8002, past nginx.

Exit codes: 0 nothing failed, 1 something failed, 2 the settings can't be read.
"""

from app.doctor import command
from app.doctor.selection import local_checks


def main() -> None:
    arguments = command.parser("check_local_webhook", __doc__).parse_args()
    command.run(local_checks, as_json=arguments.json)


if __name__ == "__main__":
    main()
