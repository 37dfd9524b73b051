"""A bank's whole line of work, and all that can go wrong with its processes: members of alerting
judge what the bank publishes, the intake of the OCRM takes over what they raise.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from deploy.local.ports import LOOPBACK, free_port
from tests.faults.bank import Bank
from tests.faults.servers import SESSION_SECONDS, Servers, servers

#: What a supervisor takes as: start me again later.
_LATER = 75


@dataclass
class Line:
    """The processes, on servers that all can reach; who is hit by a fault is left to `chance`."""

    servers: Servers
    folder: Path
    chance: random.Random
    members: list[RunningCommand] = field(default_factory=list)
    ports: dict[RunningCommand, int] = field(default_factory=dict)
    groups: int = 1
    intake: RunningCommand = field(init=False)
    wanted: list[RunningCommand] = field(default_factory=list)

    def open(self) -> None:
        """Migrate and start: two members of three, and the intake."""
        for service in ("ocrm", "alerting"):
            migration = self._command(f"{service}.migrate", service, "migrate")
            assert migration.start().wait(120) == 0, migration.text()
        self.ports = dict(map(self._member, range(3)))
        self.members = list(self.ports)
        self.intake = self._command("intake", "ocrm", "intake")
        self.wanted = [*self.members[:2], self.intake]
        for one in self.wanted:
            one.start()

    def _member(self, number: int) -> tuple[RunningCommand, int]:
        port, log = free_port(), self.folder / f"member{number}.log"
        return RunningCommand(["alerting", "run"], self._of_a_member(port), log), port

    def _of_a_member(self, port: int) -> dict[str, str]:
        named = {"ALERTING_OPERATIONS_PORT": str(port), "ALERTING_GROUP": f"alerting{self.groups}"}
        return self.servers.environment | named

    def _command(self, name: str, *words: str) -> RunningCommand:
        return RunningCommand(words, self.servers.environment, self.folder / f"{name}.log")

    def tend(self) -> None:
        """Start again what asked for it or is stuck, as a supervisor does; nothing else may end."""
        for one in self.wanted:
            if not one.running():
                assert one.process.returncode == _LATER, one.text()[-4000:]
                one.start()
            elif one in self.members and (problems := self._problems(one)):
                self._begin_anew(one, problems)

    def _begin_anew(self, stuck: RunningCommand, problems: list[str]) -> None:
        """Start all members anew: as another group, which reads everything once more.

        The local broker has groups that never settle again (docs/operations.md); what is known
        changes nothing.
        """
        self.groups += 1
        print(f"{stuck.output.name} is stuck, all begin anew: {problems}", flush=True)
        working = [one for one in self.wanted if one in self.members]
        for one in working:
            one.kill()
        for member, port in self.ports.items():
            member.with_environment(self._of_a_member(port))
        for one in working:
            one.start()

    def _problems(self, member: RunningCommand) -> list[str]:
        """Why `/livez` wants the member started anew, if it does."""
        try:
            answer = httpx.get(f"http://{LOOPBACK}:{self.ports[member]}/livez", timeout=5)
        except httpx.HTTPError:
            return []
        return list(answer.json()["problems"])

    def close(self) -> None:
        """End everything in good order; what has only just been started may end by the signal."""
        for one in self.wanted:
            assert one.stop(60) in (0, -signal.SIGTERM, _LATER), one.text()[-4000:]

    def kill_all(self) -> None:
        """End what is left, however a test ended."""
        for one in (*self.members, self.intake):
            if one.started and one.running():
                one.kill()

    def number(self, query: str) -> int:
        """What a query counts."""
        with psycopg.connect(self.servers.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def get_on(self, bank: Bank) -> None:
        """Let some more be published, and wait until some of it has been worked on."""
        worked = "select sum(processed) from alerting.partitions"
        before = self.number(worked)
        bank.go_on()
        self.wait(lambda: self.number(worked) > before, "the work to go on")
        time.sleep(self.chance.random() * 0.3)

    def wait(self, probe: Callable[[], bool], what: str, seconds: float = 150) -> None:
        """Wait as a supervisor does."""

        def tended() -> bool:
            self.tend()
            return probe()

        wait_until(tended, what, seconds=seconds, every=0.1)

    def _pick(self) -> RunningCommand:
        return self.chance.choice([one for one in self.wanted if one is not self.intake])

    def kill_a_member(self) -> None:
        """`kill -9`, and started again."""
        one = self._pick()
        one.kill()
        one.start()

    def kill_the_intake(self) -> None:
        """`kill -9`, and started again."""
        self.intake.kill()
        self.intake.start()

    def stop_a_member_past_its_session(self) -> None:
        """A process that is thought dead and wakes up again."""
        one = self._pick()
        one.send(signal.SIGSTOP)
        time.sleep(SESSION_SECONDS * 2)
        one.send(signal.SIGCONT)

    def rebalance(self) -> None:
        """The third member joins, or is gone for good."""
        third = self.members[2]
        if third in self.wanted:
            self.wanted.remove(third)
            third.kill()
        else:
            self.wanted.append(third.start())

    def edit_a_rule(self) -> None:
        """A new version comes into force, alike for all customers that there are."""
        with psycopg.connect(self.servers.url) as connection:
            connection.execute(
                "insert into alerting.rules (code, version, parameters, effective_from)"
                " select code, version + 1, parameters || jsonb_build_object("
                " 'movement.business_min_amount', (4000000 + version)::text), now()"
                " from alerting.rules where code = 'R01.LARGE_INFLOW'"
                " order by version desc limit 1"
            )

    def faults(self) -> list[Callable[[], None]]:
        """One round of all that can go wrong here; members are killed twice."""
        return [
            self.kill_a_member,
            self.kill_a_member,
            self.kill_the_intake,
            self.stop_a_member_past_its_session,
            self.rebalance,
            self.edit_a_rule,
            self.servers.restart_postgresql,
            self.servers.lose_the_database,
            self.servers.flush_redis,
            *self.servers.faults_of_the_broker(),
        ]

    def handful(self) -> list[Callable[[], None]]:
        """Always the same few: what a change breaks must not depend on chance."""
        return [
            self.kill_a_member,
            self.servers.restart_postgresql,
            self.stop_a_member_past_its_session,
            self.edit_a_rule,
            self.servers.lose_the_database,
        ]


@contextmanager
def line(chance: random.Random, folder: Path) -> Iterator[Line]:
    """A line on servers of its own."""
    with servers(folder) as own:
        opened = Line(own, folder, chance)
        opened.open()
        try:
            yield opened
        finally:
            opened.kill_all()
