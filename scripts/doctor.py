"""What is wrong with this installation, and what helps.

--end-to-end also makes a drill of its own, sends its callback through FAL_WEBHOOK_URL and follows it until
ADMIN_CHAT_ID has been told. Exit codes: 0 nothing failed (warnings are allowed), 1 something failed, 2 the
settings can't be read.
"""

from app.doctor import command
from app.doctor.selection import all_checks, end_to_end_checks


def main() -> None:
    parser = command.parser("doctor", __doc__)
    parser.add_argument("--end-to-end", action="store_true", help="send a drill's callback and follow it")
    arguments = parser.parse_args()
    command.run(end_to_end_checks if arguments.end_to_end else all_checks, as_json=arguments.json)


if __name__ == "__main__":
    main()
