"""All that the doctor checks, and the parts of it that have a command of their own."""

from app.doctor.checks.backlog import BacklogChecks
from app.doctor.checks.configuration import account_check, settings_checks, trainers_check
from app.doctor.checks.end_to_end import EndToEnd
from app.doctor.checks.external_services import clock_check, fal_checks, redis_check, telegram_check
from app.doctor.checks.instances import instances_check
from app.doctor.checks.storage import bucket_check, database_checks, faces_check
from app.doctor.checks.trainings import smoke_check, training_checks
from app.doctor.checks.webhook_endpoint import WebhookEndpoint
from app.doctor.checks.webhook_response import WebhookResponse
from app.doctor.context import DoctorContext
from app.doctor.result import Check


def webhook_url_checks(context: DoctorContext) -> list[Check]:
    """The public address alone, from outside."""
    endpoint = WebhookEndpoint(context)
    return [*endpoint.checks(), *WebhookResponse(context, endpoint).checks()]


def webhook_config_checks(context: DoctorContext) -> list[Check]:
    """Whether FAL can call us: the settings and the public address."""
    return [*settings_checks(context), account_check(context.settings), *webhook_url_checks(context)]


def training_settings_checks(context: DoctorContext) -> list[Check]:
    """What a training would be now."""
    checks = [*settings_checks(context), trainers_check(context.settings.fal)]
    return [*checks, *database_checks(context), smoke_check(context)]


def request_checks(context: DoctorContext) -> list[Check]:
    """The trainings that are not over, and whether callbacks come."""
    return [*database_checks(context), *training_checks(context, listing=True)]


def local_checks(context: DoctorContext) -> list[Check]:
    return [instances_check(context)]


def all_checks(context: DoctorContext) -> list[Check]:
    return [
        *training_settings_checks(context),
        *fal_checks(context),
        account_check(context.settings),
        *webhook_url_checks(context),
        instances_check(context),
        *training_checks(context),
        *BacklogChecks(context).checks(),
        redis_check(context),
        bucket_check(context),
        faces_check(context),
        telegram_check(context),
        clock_check(context),
    ]


def end_to_end_checks(context: DoctorContext) -> list[Check]:
    """All checks, and then a drill through the public address."""
    return [*all_checks(context), *EndToEnd(context).checks()]
