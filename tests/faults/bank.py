"""A core bank that books in the background, a share of everything at a time."""

import threading
import time
from collections.abc import Sequence

from kafka.errors import KafkaError

from crm_shared.errors import CrmError
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from tests.alerting.bookings import Event

Message = Event | tuple[bytes | None, bytes]


class Bank:
    """Publishes in the background, a share of everything for each time it is told to go on.

    What the network did not let it finish it sends once more, so some comes twice.
    """

    def __init__(self, broker: KafkaSettings, messages: Sequence[Message], shares: int) -> None:
        self._broker = broker
        size = -(-len(messages) // shares)
        self._shares = [messages[at : at + size] for at in range(0, len(messages), size)]
        self._allowed = threading.Semaphore(0)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._publish, daemon=True)

    def _publish(self) -> None:
        for share in self._shares:
            self._allowed.acquire()
            while not self._sent(share):
                time.sleep(0.1)

    def _sent(self, share: Sequence[Message]) -> bool:
        try:
            topics.publish(self._broker, transactions.TOPIC, share)
        except (KafkaError, CrmError):
            return False
        except Exception as error:
            self._failure = error
            raise
        return True

    def open(self) -> None:
        """Begin; nothing is published yet."""
        self._thread.start()

    def go_on(self) -> None:
        """Publish another share."""
        if self._failure:
            raise self._failure
        self._allowed.release()

    def close(self) -> None:
        """Publish all that is left, and end."""
        for _ in self._shares:
            self._allowed.release()
        self._thread.join(240)
        assert not self._thread.is_alive()
