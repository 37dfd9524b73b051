"""Owner epochs: who takes a partition fences whoever had it before."""

from uuid import UUID

import psycopg
import pytest

from alerting import migrate, ownership
from alerting.ownership import FencedError


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
