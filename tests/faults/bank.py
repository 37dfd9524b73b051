"""A core bank that sends in the background, a share of everything at a time."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from kafka.errors import KafkaError

from crm_shared.errors import CrmError
from crm_shared.events.envelope import Event
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from tests.faults.history import Sent


class Bank:
    """Publishes in the background, a share of everything for each time it is told to go on.

    What the network did not let it finish it sends once more, so some comes twice. `since` is, by
    event, the `version` of the rules that was in force everywhere when it was first sent.
    """

    def __init__(
        self,
        broker: KafkaSettings,
        messages: Sequence[Sent],
        shares: int,
        version: Callable[[], int],
    ) -> None:
        self._broker = broker
        size = -(-len(messages) // shares)
        self._shares = [messages[at : at + size] for at in range(0, len(messages), size)]
        self._sent: list[Sent] = []
        #: Whether to go on, or to begin again.
        self._told: queue.Queue[bool] = queue.Queue()
        self._version = version
        self.since: dict[UUID, int] = {}
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._publish, daemon=True)

    def _publish(self) -> None:
        left = list(self._shares)
        while left:
            if self._told.get():
                share = left.pop(0)
                self._send(share)
                self._sent += share
            else:
                self._send(self._sent)

    def _send(self, share: Sequence[Sent]) -> None:
        version = self._version()
        for _, message in share:
            if isinstance(message, Event):
                self.since.setdefault(message.event_id, version)
        while not self._taken(share):
            time.sleep(0.1)

    def _taken(self, share: Sequence[Sent]) -> bool:
        try:
            topics.publish_all(self._broker, share, TOPICS, seconds=20)
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
        self._told.put(True)

    def send_again(self) -> None:
        """Publish all that was published so far once more, in the same order."""
        self._told.put(False)

    def close(self) -> None:
        """Publish all that is left, and end."""
        for _ in self._shares:
            self._told.put(True)
        self._thread.join(240)
        assert not self._thread.is_alive()
