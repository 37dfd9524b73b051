"""The operations port: /livez, /readyz, /metrics."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from alerting.watchdog import Watchdog
from crm_shared.errors import NotReadyError


class PortInUseError(NotReadyError):
    """Somebody else listens where we should."""

    code = "port_in_use"


def create_app(watchdog: Watchdog) -> FastAPI:
    """The HTTP application; it asks the watchdog only, so it answers at once."""
    app = FastAPI(title="Tulou CRM alerting: operations", docs_url=None, redoc_url=None)

    @app.get("/livez")
    async def livez() -> JSONResponse:
        """The loop turns and every partition moves; otherwise start the process anew."""
        return _answer(watchdog.stalls())

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Database answers at the right revision, the group has let us in, no end in sight."""
        return _answer(watchdog.hindrances())

    @app.get("/metrics")
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
