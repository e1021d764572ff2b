"""What the webhook process is made of, on top of the core."""

from collections.abc import AsyncIterator

import httpx
from dishka import AsyncContainer, Provider, Scope, make_async_container, provide

from api_server.body import BodyReader
from app.core.settings import Settings
from app.database.address import database_url
from app.database.engine import Database
from app.fal.client import Fal
from app.fal.jwks import Jwks
from app.inbox.authenticate import CallbackAuthenticator
from app.inbox.key_store import DatabaseKeyStore
from app.inbox.process import ProcessCallbacks
from app.inbox.rematch import RematchCallbacks
from app.inbox.retention import InboxRetention
from app.inbox.store import InboxStore
from app.jobs.job import JobPool
from app.jobs.options import WorkerOptions
from app.jobs.priority_gate import PriorityGate
from app.jobs.worker import Worker
from app.notifications.circuit_breaker import ProbeToken
from app.notifications.deliver import DeliverNotification
from app.notifications.rate_limit import Rates
from app.notifications.sender import TelegramSender
from app.notifications.unanswered import UnansweredRetry
from app.providers import CoreProvider
from app.requests.cancel import CancelRequest
from app.requests.poll import PollRequest, StatusPoller
from app.requests.purpose import Purposes
from app.requests.reconcile import Reconciler


class WebhookProvider(Provider):
    scope = Scope.APP

    priority_gate = provide(PriorityGate)
    handle = provide(ProcessCallbacks)
    deliver = provide(DeliverNotification)
    probe = provide(ProbeToken)
    unanswered = provide(UnansweredRetry)
    rematch = provide(RematchCallbacks)
    key_store = provide(DatabaseKeyStore)
    retention = provide(InboxRetention)

    @provide
    def jwks(self, http: httpx.AsyncClient, settings: Settings, store: DatabaseKeyStore) -> Jwks:
        return Jwks(http, settings.fal.jwks_url, settings.fal.jwks_timeout, store)

    @provide
    def bodies(self, settings: Settings) -> BodyReader:
        return BodyReader(settings.api.read_timeout)

    @provide
    def authenticator(self, settings: Settings, jwks: Jwks, purposes: Purposes) -> CallbackAuthenticator:
        return CallbackAuthenticator(settings.fal, jwks, purposes)

    @provide
    async def inbox_store(
        self, database: Database, settings: Settings, purposes: Purposes
    ) -> AsyncIterator[InboxStore]:
        store = InboxStore(database, purposes, settings.api.store_timeout)
        yield store
        await store.close()

    @provide
    def reconciler(self, database: Database, settings: Settings, purposes: Purposes) -> Reconciler:
        return Reconciler(database, [(each, each.schedule(settings)) for each in purposes])

    @provide
    def rates(self, settings: Settings) -> Rates:
        return Rates.of(settings.telegram)

    @provide
    def telegram(self, http: httpx.AsyncClient, settings: Settings) -> TelegramSender:
        return TelegramSender(http, settings.telegram)

    @provide
    def worker(
        self,
        settings: Settings,
        database: Database,
        fal: Fal,
        poller: StatusPoller,
        purposes: Purposes,
        process: ProcessCallbacks,
        deliver: DeliverNotification,
        probe: ProbeToken,
        rematch: RematchCallbacks,
        reconciler: Reconciler,
        retention: InboxRetention,
        unanswered: UnansweredRetry,
    ) -> Worker:
        poll = [PollRequest(each, database, poller) for each in purposes]
        cancel = [CancelRequest(each, database, fal, poller) for each in purposes]
        return Worker(
            database_url(settings.general),
            [
                JobPool.of(process, rematch),
                JobPool.of(deliver, probe),  # may have to wait for Telegram
                JobPool.of(*poll, *cancel),  # and for FAL
            ],
            [reconciler.schedule(), retention.schedule(), unanswered.schedule()],
            options=WorkerOptions.of(settings.jobs),
        )


def make_container(settings: Settings, database: Database) -> AsyncContainer:
    return make_async_container(
        CoreProvider(), WebhookProvider(), context={Settings: settings, Database: database}
    )
