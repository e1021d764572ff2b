"""The trainings that aren't over: how old each is, and FAL's last word of it; whether callbacks come.

Exit codes: 0 nothing failed, 1 something failed, 2 the settings can't be read.
"""

from app.doctor import command
from app.doctor.selection import request_checks


def main() -> None:
    arguments = command.parser("check_training_requests", __doc__).parse_args()
    command.run(request_checks, as_json=arguments.json)


if __name__ == "__main__":
    main()
