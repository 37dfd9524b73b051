"""`ocrm serve` and `ocrm openapi`: all of the interface."""

import json
from typing import Annotated

import typer
import uvicorn

from ocrm_api.commands import speaks
from ocrm_api.main import create_app

app = typer.Typer()


@app.command()
@speaks
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    shutdown_seconds: Annotated[
        int, typer.Option(min=1, help="How long open requests may take at the end.")
    ] = 10,
) -> None:
    """Serve the interface; SIGTERM turns readiness off and drains."""
    made = create_app()  # says at once what is wrong, before any worker starts
    uvicorn.run(
        made if workers == 1 else "ocrm_api.main:create_app",
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        timeout_graceful_shutdown=shutdown_seconds,
        timeout_keep_alive=30,
        timeout_worker_healthcheck=60,  # at 5 a loaded machine kills workers while they start
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application does it, for trusted proxies only
    )


@app.command("openapi")
@speaks
def print_document() -> None:
    """Print the OpenAPI document."""
    typer.echo(json.dumps(create_app().openapi(), ensure_ascii=False, indent=2))
