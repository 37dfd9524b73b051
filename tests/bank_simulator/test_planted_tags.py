"""The tags of potential customers are true of the files, by the text of docs/rules/potential.md."""

from tests.bank_simulator.world import World


def test_every_planted_tag_holds_exactly_where_it_is_said_to(world: World) -> None:
    found = world.potential_tags()
    planted = world.rows('SELECT customer_id, path, expected, "case" FROM planted_potential_tags')
    wrong = [
        (case, path) for customer, path, expected, case in planted
        if ((customer, path) in found) is not expected
    ]  # fmt: skip
    assert wrong == []


def test_every_tag_has_cases_on_both_sides(world: World) -> None:
    sides = world.rows("SELECT path FROM planted_potential_tags GROUP BY path "
                       "HAVING count(DISTINCT expected) = 2")  # fmt: skip
    assert len(sides) == 26


def test_the_strength_of_a_tag_at_its_threshold_is_half(world: World) -> None:
    planted = world.rows('SELECT "case", strength FROM planted_potential_tags WHERE expected')
    strengths = {case: strength for case, strength in planted}  # noqa: C416
    assert strengths["idle_exactly_enough"] == strengths["turnover_exactly_enough"] == 50
    assert strengths["idle_almost_twice_as_much"] == 99
    paths = world.rows("SELECT DISTINCT path FROM planted_potential_tags WHERE strength > 0")
    assert len(paths) == 26
