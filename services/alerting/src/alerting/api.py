"""The operations port: /livez, /readyz, /metrics for all; /v1 for those who know the token."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from alerting import api_problems, api_v1
from alerting.settings import AlertingSettings
from alerting.watchdog import Watchdog
from crm_shared.errors import NotReadyError
from crm_shared.settings import KafkaSettings


class _Application(FastAPI):
    """Describes the answer to a parameter that is not understood as what it is: a problem."""

    def openapi(self) -> dict[str, Any]:
        made = super().openapi()
        for operations in made["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for unused in ("HTTPValidationError", "ValidationError"):
            made["components"]["schemas"].pop(unused, None)
        return made


class PortInUseError(NotReadyError):
    """Somebody else listens where we should."""

    code = "port_in_use"


_TAKES_NOTHING_MS = 30_000

_DESCRIPTION = """\
What the commands of `alerting` show, to read only, with the bearer token that
`ALERTING_OPERATIONS_TOKEN` sets. Failures are RFC 9457 problems. Nothing here tells of a customer.
"""


def create_app(
    watchdog: Watchdog, settings: AlertingSettings, kafka_settings: KafkaSettings
) -> FastAPI:
    """The HTTP application; its probes ask the watchdog only, so they answer at once."""
    app = _Application(
        title="Tulou CRM alerting: operations",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
        docs_url=None,
        redoc_url=None,
    )
    api_problems.install(app)
    app.include_router(api_v1.router_of(settings, kafka_settings, lambda: watchdog.is_draining))

    @app.get("/livez", tags=["probes"])
    async def livez() -> JSONResponse:
        """The loop turns and every partition moves; otherwise start the process anew."""
        return _answer(watchdog.stalls())

    @app.get("/readyz", tags=["probes"])
    async def readyz() -> JSONResponse:
        """Database answers at the right revision, the group has let us in, no end in sight."""
        return _answer(watchdog.hindrances())

    @app.get("/metrics", tags=["probes"])
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def _answer(problems: list[str]) -> JSONResponse:
    content = {"status": "failing" if problems else "ok", "problems": problems}
    return JSONResponse(content, status_code=503 if problems else 200)


def listen(host: str, port: int) -> socket.socket:
    """Take the port, before anything else is started; `PortInUseError` where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Whoever takes nothing for so long is cut off, also when we have closed already.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TAKES_NOTHING_MS)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        raise PortInUseError(
            f"Port {port} on {host} cannot be listened on ({error.strerror}); stop the other "
            "process or set ALERTING_OPERATIONS_PORT and ALERTING_OPERATIONS_HOST."
        ) from error
    return listener


@contextmanager
def served(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """Serve in a thread while the block runs."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, log_level="warning", access_log=False, lifespan="off", ws="none",
            timeout_graceful_shutdown=2,
        )
    )  # fmt: skip
    thread = threading.Thread(target=server.run, args=([listener],), name="operations", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()
