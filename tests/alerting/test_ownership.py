"""Owner epochs: who takes a partition fences whoever had it before."""

from uuid import UUID

import psycopg
import pytest

from alerting import dead_letters, migrate, ownership
from alerting.ownership import FencedError
from tests.alerting.batches import TOPIC, record, run


def test_a_zombie_cannot_write_any_more(connection: psycopg.Connection) -> None:
    partition = ("zombies", 0)
    old = ownership.take(connection, [partition], "first")[partition].epoch
    new = ownership.take(connection, [partition], "second")[partition].epoch
    assert new == old + 1
    assert ownership.lock_own(connection, {partition: new})[partition].epoch == new
    with pytest.raises(FencedError, match="has another owner by now"):
        ownership.lock_own(connection, {partition: old})


def test_a_partition_never_taken_cannot_be_written(connection: psycopg.Connection) -> None:
    with pytest.raises(FencedError):
        ownership.lock_own(connection, {("never", 3): 0})


def test_the_next_owner_learns_how_far_the_last_one_came(connection: psycopg.Connection) -> None:
    partition = ("progress", 1)
    epoch = ownership.take(connection, [partition], "first")[partition].epoch
    progress = ownership.lock_own(connection, {partition: epoch})
    progress[partition].next_offset = 42
    progress[partition].records = 42
    ownership.advance(connection, progress)
    assert ownership.take(connection, [partition], "second")[partition].next_offset == 42


def test_the_next_owner_learns_when_records_were_lost(connection: psycopg.Connection) -> None:
    places = [("lost", 0), ("lost", 1)]
    ownership.take(connection, places, "first")
    ownership.note_loss(connection, places[1:])
    taken = ownership.take(connection, places, "second")
    assert [taken[one].records_lost_at is None for one in places] == [True, False]


def test_the_newest_revision_is_the_one_that_alembic_ends_at(
    connection: psycopg.Connection,
) -> None:
    assert migrate.current(connection) == migrate.newest()


def test_a_topic_made_again_begins_without_the_dead_letters_in_a_row_of_the_old_one(
    connection: psycopg.Connection,
) -> None:
    partition, (old, new) = ("made again", 0), (UUID(int=1), UUID(int=2))
    epoch = ownership.take(connection, [partition], "first", {"made again": old})[partition].epoch
    progress = ownership.lock_own(connection, {partition: epoch})
    progress[partition].next_offset = progress[partition].dead_in_a_row = 42
    ownership.advance(connection, progress)
    assert ownership.look(connection, [partition])[partition].open_in_a_row == 42
    ownership.take(connection, [partition], "second", {"made again": new})
    again = ownership.look(connection, [partition])[partition]
    assert (again.next_offset, again.open_in_a_row) == (0, 0)


@pytest.mark.parametrize("same", [True, False], ids=["the same records", "others"])
def test_letters_of_a_topic_that_was_made_again_say_nothing_of_the_records_of_the_new_one(
    connection: psycopg.Connection, *, same: bool
) -> None:
    partition, poison = (TOPIC, 30 + same), [b"one", b"two"]
    with connection.transaction():
        ownership.take(connection, [partition], "first", {TOPIC: UUID(int=1)})
    run(connection, [record(at, one, partition[1]) for at, one in enumerate(poison)])
    old = [one.dead_letter_id for one in dead_letters.find(connection)
           if one.partition == partition[1]]  # fmt: skip
    dead_letters.settle(connection, old)
    assert ownership.look(connection, [partition])[partition].open_in_a_row == 0
    connection.commit()
    with connection.transaction():
        ownership.take(connection, [partition], "second", {TOPIC: UUID(int=2)})
    again = [one if same else b"other " + one for one in poison]
    result = run(connection, [record(at, one, partition[1]) for at, one in enumerate(again)])
    assert result.dead == {"undecodable": 2}
    assert ownership.look(connection, [partition])[partition].open_in_a_row == 2
    new = [one.dead_letter_id for one in dead_letters.find(connection, state="dead")
           if one.partition == partition[1]]  # fmt: skip
    assert (new == old) == same
    dead_letters.settle(connection, new[:1])
    assert ownership.look(connection, [partition])[partition].open_in_a_row == 1
    connection.commit()
