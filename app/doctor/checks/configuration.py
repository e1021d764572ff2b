"""What the settings say: malformed or missing, drills instead of trainings, whose callbacks are let in."""

from collections.abc import Sequence

from app.core.settings import FalSettings, Problem, Settings
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok, skipped, warning
from app.fal import trainers
from app.fal.trainers import TrainerDeprecated


def settings_checks(context: DoctorContext) -> list[Check]:
    return [settings_check(context.problems), test_mode_check(context.settings)]


def settings_check(problems: Sequence[Problem]) -> Check:
    async def look() -> CheckResult:
        if not problems:
            return ok("Complete, and without placeholders")
        what = "; ".join(f"{problem.variable} {problem.what}" for problem in problems)
        remedies = (f"{problem.variable}: {problem.remedy}" for problem in problems)
        return failure(what, ". ".join(remedies))

    return Check("settings", look, "")


def test_mode_check(settings: Settings) -> Check:
    async def look() -> CheckResult:
        if not settings.avatar.test_mode:
            return ok("Off")
        what = "On: trainings are drills, nothing is sent to FAL, and only ADMIN_CHAT_ID may train"
        return failure(what) if settings.in_production else warning(what)

    return Check("test-mode", look, "Remove AVATAR_TEST_MODE and restart the bot and the webhook service")


def trainers_check(settings: FalSettings) -> Check:
    """Which trainer gets how many steps."""

    async def look() -> CheckResult:
        try:
            chosen = [trainers.choose(kind, settings) for kind in ("portrait", "style")]
        except TrainerDeprecated as error:
            return failure(f"{error.details['trainer']} is chosen, and FAL no longer supports it")
        what = "; ".join(_summary(trainer, settings) for trainer in chosen)
        deprecated = [trainer.endpoint for trainer in chosen if trainer.deprecated]
        return warning(f"{what}. FAL no longer supports {deprecated[0]}") if deprecated else ok(what)

    return Check("training-settings", look, "Remove FAL_STYLE_TRAINER and FAL_ALLOW_DEPRECATED")


def _summary(trainer: trainers.Trainer, settings: FalSettings) -> str:
    preset, steps = trainers.steps_of(trainer, settings, None)
    offered = trainers.presets(trainer, settings)
    own = "" if len(offered) > 1 else ", the only choice"
    return f"{trainer.avatar_type}: {trainer.endpoint}, {trainer.steps} {steps} ({preset}{own})"


def account_check(settings: Settings) -> Check:
    async def look() -> CheckResult:
        if settings.fal.webhook_user_id:
            return ok("Callbacks signed for other FAL accounts are refused")
        if settings.in_production:
            return warning("FAL_WEBHOOK_USER_ID is empty: callbacks of any customer of FAL are looked at")
        return skipped("FAL_WEBHOOK_USER_ID is empty, which matters in production only")

    remedy = "Set FAL_WEBHOOK_USER_ID to the id of your FAL account; `scripts.inbox show` names the sender's"
    return Check("fal-account", look, remedy)
