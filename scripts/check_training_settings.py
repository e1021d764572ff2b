"""What a training would be now: trainers, presets and steps, test mode.

Exit codes: 0 nothing failed, 1 something failed, 2 the settings can't be read.
"""

from app.doctor import command
from app.doctor.selection import training_settings_checks


def main() -> None:
    arguments = command.parser("check_training_settings", __doc__).parse_args()
    command.run(training_settings_checks, as_json=arguments.json)


if __name__ == "__main__":
    main()
