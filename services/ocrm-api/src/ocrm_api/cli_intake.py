"""`ocrm intake` takes reminders in."""

import signal
import threading

import typer

from crm_shared.settings import KafkaSettings, load
from ocrm_api.commands import speaks
from ocrm_api.reminders.intake import Intake
from ocrm_api.settings import RedisSettings, Settings

app = typer.Typer()


@app.command()
@speaks
def intake() -> None:
    """Take reminders in from Kafka, until SIGTERM or Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    redis_url = load(RedisSettings).url.get_secret_value()
    Intake(Settings.load(), KafkaSettings.load(), redis_url, stop).run()
