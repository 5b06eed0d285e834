"""The page on reliability names tests and modules that exist."""

import re
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
REPORTED = PAGE.partition("have reported were tried here too")[2].partition("\n\n")[2].partition("\n\n")[0]
MUTATED = PAGE.partition("## Mutations")[2]


def test_every_reported_fault_has_tests_that_exist():
    _, _, *rows = REPORTED.splitlines()
    assert len(rows) == 14
    for row in rows:
        links = re.findall(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)", row.split("|")[3])
        assert links, row
        for name, path in links:
            assert re.search(
                rf"^def {name}\(|^    def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE
            ), (
                name,
                path,
            )


def test_modules_of_the_table_of_mutations_exist():
    rows = [line.split("|")[1] for line in MUTATED.splitlines() if line.startswith("| `")]
    names = [name for row in rows if "removed since" not in row for name in re.findall(r"`([\w.]+)`", row)]
    assert len(names) > 10
    assert [name for name in names if find_spec(f"infoplane.{name}") is None] == []
