"""Two equal plans give the same bytes; another seed gives another bank."""

from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from bank_simulator.generate import generate
from bank_simulator.plan import Plan


def checksums(folder: Path) -> dict[str, str]:
    """The checksum of every file under a folder."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            found[str(path.relative_to(folder))] = file_digest(stream, "sha256").hexdigest()
    return found


def test_the_same_plan_gives_the_same_bytes(bank: Path, plan: Plan, tmp_path: Path) -> None:
    generate(plan, tmp_path / "again")
    assert checksums(tmp_path / "again") == checksums(bank)


def test_another_seed_gives_another_bank(bank: Path, plan: Plan, tmp_path: Path) -> None:
    generate(replace(plan, seed=7), tmp_path / "other")
    ours, others = checksums(bank), checksums(tmp_path / "other")
    assert ours.keys() == others.keys()
    for name in ("transactions", "customers", "deposit_accounts"):
        path = f"business_date={plan.as_of}/{name}.parquet"
        assert ours[path] != others[path]
