"""What a request goes through on its way to a route, in this order."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api_server.guard import CallbackGuard
from api_server.limits import FailureLimit
from api_server.middleware import HostCheck, RequestContext
from app.core import paths
from app.core.settings import Settings


class CallbackPaths:
    """Where FAL posts, led to `callbacks`; every other path goes on to the app's own routes."""

    def __init__(self, app: ASGIApp, callbacks: ASGIApp) -> None:
        self._app = app
        self._callbacks = callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"] in paths.CALLBACKS
        await (self._callbacks if ours else self._app)(scope, receive, send)


def build_asgi_app(app: ASGIApp, settings: Settings, status_update: ASGIApp) -> ASGIApp:
    """The whole service: FastAPI's `app` and the callbacks' route, with what guards both around them.

    From the outside in: the request's id and the headers of every answer; the host; pages of other origins,
    which may read and nothing else; the callbacks' guard, which alone looks at where a request comes from.
    """
    edges = settings.edges
    guarded = CallbackGuard(
        status_update,
        allowed=edges.allowed_ips,
        proxies=edges.trusted_proxies,
        limit=FailureLimit() if settings.fal.webhook_verify else None,
    )
    service: ASGIApp = CallbackPaths(app, guarded)
    if edges.cors_origins:
        service = CORSMiddleware(
            service,
            allow_origins=edges.cors_origins,
            allow_methods=["GET"],
            allow_headers=["Authorization", "X-Request-ID"],
            expose_headers=["X-Request-ID"],
        )
    if edges.allowed_hosts:
        service = HostCheck(service, allowed=edges.allowed_hosts)
    return RequestContext(service)
