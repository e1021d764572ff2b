"""What the webhook process is made of, on top of the core."""

from collections.abc import AsyncIterator

import httpx
from dishka import AsyncContainer, Provider, Scope, make_async_container, provide

from api_server.body import Bodies
from app.core.settings import Settings
from app.database.address import database_url
from app.database.engine import Database
from app.fal.jwks import Jwks
from app.inbox.authenticate import Admission
from app.inbox.key_store import DatabaseKeyStore
from app.inbox.process import HandleCallback
from app.inbox.rematch import MatchLate
from app.inbox.retention import Pruner
from app.inbox.store import HANDLE, InboxWriter
from app.jobs.job import JobPool
from app.jobs.options import WorkerOptions
from app.jobs.priority_gate import RightOfWay
from app.jobs.worker import Worker
from app.notifications.circuit_breaker import PROBE, ProbeToken
from app.notifications.deliver import DeliverNotification
from app.notifications.rate_limit import Rates
from app.notifications.sender import TelegramSender
from app.notifications.service import DELIVER
from app.notifications.unanswered import UnansweredRetry
from app.providers import CoreProvider
from app.trainings.cancel import CancelTraining
from app.trainings.poll_schedule import Pace
from app.trainings.reconcile import AskFal, Reconciler
from app.trainings.service import ASK, CANCEL, SUBMITTED


class WebhookProvider(Provider):
    scope = Scope.APP

    right_of_way = provide(RightOfWay)
    handle = provide(HandleCallback)
    deliver = provide(DeliverNotification)
    probe = provide(ProbeToken)
    unanswered = provide(UnansweredRetry)
    ask = provide(AskFal)
    cancel = provide(CancelTraining)
    match_late = provide(MatchLate)
    key_store = provide(DatabaseKeyStore)
    pruner = provide(Pruner)

    @provide
    def jwks(self, http: httpx.AsyncClient, settings: Settings, store: DatabaseKeyStore) -> Jwks:
        return Jwks(http, settings.fal.jwks_url, settings.fal.jwks_timeout, store)

    @provide
    def bodies(self, settings: Settings) -> Bodies:
        return Bodies(settings.api.read_timeout)

    @provide
    def admission(self, settings: Settings, jwks: Jwks) -> Admission:
        return Admission(settings.fal, jwks)

    @provide
    async def writer(self, database: Database, settings: Settings) -> AsyncIterator[InboxWriter]:
        writer = InboxWriter(database, settings.api.store_timeout)
        yield writer
        await writer.close()

    @provide
    def rates(self, settings: Settings) -> Rates:
        return Rates.of(settings.telegram)

    @provide
    def telegram(self, http: httpx.AsyncClient, settings: Settings) -> TelegramSender:
        return TelegramSender(http, settings.telegram)

    @provide
    def reconciler(self, database: Database, settings: Settings) -> Reconciler:
        return Reconciler(database, Pace.of(settings))

    @provide
    def worker(
        self,
        settings: Settings,
        handle: HandleCallback,
        deliver: DeliverNotification,
        probe: ProbeToken,
        ask: AskFal,
        cancel: CancelTraining,
        match_late: MatchLate,
        reconciler: Reconciler,
        pruner: Pruner,
        unanswered: UnansweredRetry,
    ) -> Worker:
        return Worker(
            database_url(settings.general),
            [
                JobPool({HANDLE: handle, SUBMITTED: match_late}),
                JobPool({DELIVER: deliver, PROBE: probe}),  # may have to wait for Telegram
                JobPool({ASK: ask, CANCEL: cancel}),  # and for FAL
            ],
            [reconciler.schedule(), pruner.schedule(), unanswered.schedule()],
            options=WorkerOptions.of(settings.jobs),
        )


def make_container(settings: Settings, database: Database) -> AsyncContainer:
    return make_async_container(
        CoreProvider(), WebhookProvider(), context={Settings: settings, Database: database}
    )
