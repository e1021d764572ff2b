"""What a request goes through on its way to a route, in this order."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api_server.guard import CallbackGuard
from api_server.limits import FailureLimit
from api_server.middleware import HostCheck, RequestContext
from app.core.config import Settings


def install(app: FastAPI, settings: Settings) -> None:
    """Put the edges around what the app has so far; what is added last stands outermost.

    From the outside in: the request's id and the headers of every answer; the host; pages of other origins,
    which may read and nothing else; the callbacks' guard, which alone looks at where a request comes from.
    """
    edges = settings.edges
    app.add_middleware(
        CallbackGuard,
        allowed=edges.allowed_ips,
        proxies=edges.trusted_proxies,
        limit=FailureLimit() if settings.fal.webhook_verify else None,
    )
    if edges.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=edges.cors_origins,
            allow_methods=["GET"],
            allow_headers=["Authorization", "X-Request-ID"],
            expose_headers=["X-Request-ID"],
        )
    if edges.allowed_hosts:
        app.add_middleware(HostCheck, allowed=edges.allowed_hosts)
    app.add_middleware(RequestContext)
