"""A bank's whole line of work, and all that can go wrong with its processes: members of alerting
judge what the bank publishes, the intake of the OCRM takes over what they raise.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
from psycopg.types.json import Jsonb

from alerting import outbox
from alerting.ownership import Partition
from crm_shared.testing.processes import RunningCommand
from crm_shared.testing.waiting import wait_until
from deploy.local.ports import LOOPBACK, free_port
from tests.faults.bank import Bank
from tests.faults.oracle import edition
from tests.faults.servers import SESSION_SECONDS, Servers, servers

#: What a supervisor takes as: start me again later.
_LATER = 75


@dataclass(frozen=True)
class Edit:
    """A version of the edited rules: from when it may have judged, and from when no earlier one
    does. What lay before `reached`, by partition, had been judged by then."""

    version: int
    reached: dict[Partition, int]
    effective: datetime
    in_force: datetime


@dataclass
class Line:
    """The processes, on servers that all can reach; who is hit by a fault is left to `chance`."""

    servers: Servers
    folder: Path
    chance: random.Random
    members: list[RunningCommand] = field(default_factory=list)
    ports: dict[RunningCommand, int] = field(default_factory=dict)
    groups: int = 1
    edits: list[Edit] = field(default_factory=list)
    #: When the topics were lost last, and the newest message by then.
    lost_at: datetime | None = None
    lost_after: int = 0
    intake: RunningCommand = field(init=False)
    #: Takes over where the intake is stopped, and is the intake from then on.
    spare: RunningCommand = field(init=False)
    bank: Bank = field(init=False)
    wanted: list[RunningCommand] = field(default_factory=list)
    #: What each had printed when it was started last.
    printed: dict[RunningCommand, int] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """That of the edited rules by which every member judges at least."""
        return self.edits[-1].version if self.edits else 1

    @property
    def is_of_these_topics(self) -> str:
        """Holds of a partition whose offsets are of the topics that there are now."""
        return f"recreated_at > '{self.lost_at.isoformat()}'" if self.lost_at else "true"

    def open(self) -> None:
        """Migrate and start: two members of three, and the intake."""
        for service in ("ocrm", "alerting"):
            migration = self._command(f"{service}.migrate", service, "migrate")
            assert migration.start().wait(120) == 0, migration.text()
        self.ports = dict(map(self._member, range(3)))
        self.members = list(self.ports)
        self.intake = self._command("intake", "ocrm", "intake")
        self.spare = self._command("spare", "ocrm", "intake")
        self.wanted = [*self.members[:2], self.intake]
        for one in self.wanted:
            self._start(one)

    def _start(self, one: RunningCommand) -> RunningCommand:
        self.printed[one] = len(one.text())
        return one.start()

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
                self._start(one)
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
            self._start(one)

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
        for one in (*self.members, self.intake, self.spare):
            if one.started and one.running():
                one.kill()

    def number(self, query: str) -> int:
        """What a query counts."""
        with psycopg.connect(self.servers.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def get_on(self) -> None:
        """Let some more be published, and wait until some of it has been worked on."""
        worked = "select sum(processed) from alerting.partitions"
        before = self.number(worked)
        self.bank.go_on()
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
        self._start(one)

    def kill_the_intake(self) -> None:
        """`kill -9`, and started again."""
        self.intake.kill()
        self._start(self.intake)

    def stop_a_member_past_its_session(self) -> None:
        """A process that is thought dead and wakes up again."""
        one = self._pick()
        one.send(signal.SIGSTOP)
        time.sleep(SESSION_SECONDS * 2)
        one.send(signal.SIGCONT)

    def stop_the_intake_past_its_session(self) -> None:
        """Another takes over all partitions; the first wakes up, possibly with a batch in hand that
        is not its own any more, and shares the work for a while.

        Then it is killed: of the local broker, one that leaves in good order may upset the group.
        """
        stopped, self.intake = self.intake, self.spare
        stopped.send(signal.SIGSTOP)
        self.spare = stopped
        self.wanted.append(self._start(self.intake))
        has_all = (
            "select max(partitions) from ocrm.intake_status"
            f" where worker like '%:{self.intake.pid}'"
        )
        partitions = self.servers.broker.partitions
        self.wait(lambda: self.number(has_all) == partitions, "the other intake to take over")
        stopped.send(signal.SIGCONT)
        time.sleep(SESSION_SECONDS * 2)
        self.wanted.remove(stopped)
        stopped.kill()

    def rebalance(self) -> None:
        """The third member joins, or is gone for good."""
        third = self.members[2]
        if third in self.wanted:
            self.wanted.remove(third)
            third.kill()
        else:
            self.wanted.append(self._start(third))

    def edit_a_rule(self) -> None:
        """A new version of four rules comes into force while batches are judged; go on once every
        member judges by it."""
        members = [one for one in self.wanted if one is not self.intake]
        self.wait(lambda: all(map(self._has_started, members)), "the members to have started")
        before = {one: self.printed[one] for one in members}
        version = self.version + 1
        reached, effective = self._publish(version)

        def judges_by_it(one: RunningCommand) -> bool:
            return (
                self.printed[one] != before[one]
                or f'"R01.LARGE_INFLOW": {version}' in one.text()[before[one] :]
            )

        self.wait(lambda: all(map(judges_by_it, members)), "the new version everywhere")
        with psycopg.connect(self.servers.url) as connection:
            (now,) = connection.execute("select clock_timestamp()").fetchone() or (effective,)
        self.edits.append(Edit(version, reached, effective, now))

    def _has_started(self, one: RunningCommand) -> bool:
        """Whether the process that runs has read the rules."""
        return '"started"' in one.text()[self.printed[one] :]

    def _publish(self, version: int) -> tuple[dict[Partition, int], datetime]:
        """How far the partitions were just before the version, and since when it holds."""
        with psycopg.connect(self.servers.url) as connection:
            rows = connection.execute(
                "select topic, partition, next_offset from alerting.partitions"
                f" where {self.is_of_these_topics}"
            ).fetchall()
            for code, values in edition(version).parameters.items():
                row = connection.execute(
                    "insert into alerting.rules (code, version, parameters, effective_from)"
                    " select code, %s, parameters || %s, now() from alerting.rules"
                    " where code = %s order by version desc limit 1 returning effective_from",
                    (version, Jsonb(values), code),
                ).fetchone()
        assert row is not None
        return {(topic, number): offset for topic, number, offset in rows}, row[0]

    def lose_the_topics(self) -> None:
        """The broker begins with nothing, while members and intake run. What docs/operations.md
        says then: the reminders are told again, and the bank sends again what it had sent."""
        with psycopg.connect(self.servers.url) as connection:
            row = connection.execute("select clock_timestamp()").fetchone()
        self.lost_at = row[0] if row else None
        self.servers.begin_the_broker_anew()
        for edit in self.edits:
            edit.reached.clear()
        self.lost_after = self.number("select max(seq) from alerting.outbox")
        with psycopg.connect(self.servers.url) as connection:
            outbox.send_again(connection, datetime(2000, 1, 1, tzinfo=UTC))
        self.bank.send_again()

    def faults(self) -> list[Callable[[], None]]:
        """One round of all that can go wrong here; members are killed twice."""
        return [
            self.kill_a_member,
            self.kill_a_member,
            self.kill_the_intake,
            self.stop_a_member_past_its_session,
            self.stop_the_intake_past_its_session,
            self.rebalance,
            self.edit_a_rule,
            self.servers.restart_postgresql,
            self.servers.lose_the_database,
            self.servers.flush_redis,
            *self.servers.faults_of_the_broker(),
            *([self.lose_the_topics] if self.servers.own_broker else []),
        ]

    def handful(self) -> list[Callable[[], None]]:
        """Each once, always in this order: what a change breaks must not depend on chance. The
        rules are edited twice, early, so that much is judged after thresholds went down and up."""
        lost = [self.lose_the_topics] if self.servers.own_broker else []
        first = [self.kill_a_member, self.edit_a_rule, *lost, self.edit_a_rule]
        return [*first, *(one for one in dict.fromkeys(self.faults()) if one not in first)]


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
