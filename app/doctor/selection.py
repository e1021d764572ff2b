"""All that the doctor checks, and the parts of it that have a command of their own."""

from app.doctor.checks.backlog import work_checks
from app.doctor.checks.configuration import account_check, settings_checks, trainers_check
from app.doctor.checks.end_to_end import Rehearsal
from app.doctor.checks.external_services import clock_check, fal_checks, redis_check, telegram_check
from app.doctor.checks.instances import instances_check
from app.doctor.checks.storage import bucket_check, database_checks, faces_check
from app.doctor.checks.trainings import smoke_check, training_checks
from app.doctor.checks.webhook_endpoint import Door
from app.doctor.checks.webhook_response import Answers
from app.doctor.context import Place
from app.doctor.result import Check


def webhook_url_checks(place: Place) -> list[Check]:
    """The public address alone, from outside."""
    door = Door(place)
    return [*door.checks(), *Answers(place, door).checks()]


def webhook_config_checks(place: Place) -> list[Check]:
    """Whether FAL can call us: the settings and the public address."""
    return [*settings_checks(place), account_check(place.settings), *webhook_url_checks(place)]


def training_settings_checks(place: Place) -> list[Check]:
    """What a training would be now."""
    checks = [*settings_checks(place), trainers_check(place.settings.fal)]
    return [*checks, *database_checks(place), smoke_check(place)]


def request_checks(place: Place) -> list[Check]:
    """The trainings that are not over, and whether callbacks come."""
    return [*database_checks(place), *training_checks(place, listing=True)]


def local_checks(place: Place) -> list[Check]:
    return [instances_check(place)]


def all_checks(place: Place) -> list[Check]:
    return [
        *training_settings_checks(place),
        *fal_checks(place),
        account_check(place.settings),
        *webhook_url_checks(place),
        instances_check(place),
        *training_checks(place),
        *work_checks(place),
        redis_check(place),
        bucket_check(place),
        faces_check(place),
        telegram_check(place),
        clock_check(place),
    ]


def end_to_end_checks(place: Place) -> list[Check]:
    """All checks, and then a drill through the public address."""
    return [*all_checks(place), *Rehearsal(place).checks()]
