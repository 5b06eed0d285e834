"""Verdicts on disk are those of the runs, and lead back to them."""

import re
from pathlib import Path

import pandas as pd
import pytest
from observations import FLOAT32, LACKS, MIXED, RUNS, SHOWS, TANH, seen
from phase_files import write_phases

from infoplane.cli import main
from infoplane.errors import UserError
from infoplane.statistics.claims import CLAIMS
from infoplane.statistics.joins import write_claims
from infoplane.statistics.trace import trace
from infoplane.statistics.verdicts import BY_MARGINS, CELLS

NAMES = ("claims", "cells", "margins")


@pytest.fixture
def study(tmp_path) -> dict[tuple[str, str], Path]:
    """Phases of a small study."""
    observations = [
        seen("relu"),
        seen("relu", "rebinned"),
        seen("tanh", compression=[SHOWS, SHOWS], **TANH),
        seen("float32", "first", [SHOWS, SHOWS], **TANH, **FLOAT32),
        seen("float32", "fine", [LACKS, SHOWS], **TANH, **FLOAT32),
    ]
    return dict(write_phases(tmp_path, each) for each in observations)


def tables_of(folder: Path, phases) -> list[bytes]:
    paths = [folder / "statistics" / f"{name}.csv" for name in NAMES]
    write_claims(phases, *paths)
    return [path.read_bytes() for path in paths]


class TestTables:
    def test_any_order_gives_the_same_bytes(self, tmp_path, study):
        first = tables_of(tmp_path, study)
        assert tables_of(tmp_path, dict(reversed(study.items()))) == first
        claims, cells, margins = (pd.read_csv(tmp_path / "statistics" / f"{name}.csv") for name in NAMES)
        assert [*cells] == CELLS and [*margins] == BY_MARGINS
        decided = claims[claims["verdict"] != "no data"].set_index(["claim", "reading"])["verdict"]
        assert decided.to_dict() == {
            ("C1", "bins"): "supported",
            ("C2", "codes"): "refuted",
            ("C3", "logits"): "supported",
            ("C3", "rebinned"): "supported",
            ("C4", "codes"): "supported",
            ("C5", "codes"): "supported",
            ("C6", "layers/codes"): "supported",
            ("C6", "networks/codes"): "supported",
        }

    def test_a_study_without_any_cell(self, tmp_path):
        tables_of(tmp_path, dict([write_phases(tmp_path, seen("a", "wide"))]))
        claims, cells, margins = (pd.read_csv(tmp_path / "statistics" / f"{name}.csv") for name in NAMES)
        assert (claims["verdict"] == "no data").all() and cells.empty and margins.empty
        assert [*cells] == CELLS


class TestTrace:
    def test_command(self, tmp_path, study, capsys):
        phases = [f"{'/'.join(pair)}={path}" for pair, path in study.items()]
        folder = tmp_path / "statistics"
        tables = [part for name in NAMES for part in (f"--{name}", str(folder / f"{name}.csv"))]
        assert main(["statistics", "claims", "--phases", *phases, *tables]) == 0
        heading, first, *_ = capsys.readouterr().out.splitlines()
        assert heading.split() == ["claim", "protocol", "reading", "verdict", "fragile"]
        assert first.split() == ["C1", "published", "bins", "supported", "False"]
        assert main(["trace", str(tmp_path), "C3", "--protocol", "published", "--reading", "logits"]) == 0
        shown = capsys.readouterr().out
        statement, rule = CLAIMS["C3"].words
        assert shown.startswith(f"C3\n{statement}\n{rule}\n\npublished, logits: supported\n")
        assert "cells: 2 show, 0 lack, 0 mixed, 0 of too few runs; 0 at the ceiling\n" in shown
        assert "relu/exact T2, compression: shows\n20 of 20 runs compress by more than 0.1 bit\n" in shown
        assert shown.count("phases.parquet") == 2 and "rebinned" not in shown
        first = next(line.split() for line in shown.splitlines() if line.split()[:1] == ["0"])
        assert first == ["0", "2", "1.0000", "8.0000", "500", "700", "False"]

    @pytest.mark.parametrize("command", [["statistics", "claims"], ["trace"]])
    def test_help(self, command, capsys):
        with pytest.raises(SystemExit, match="0"):
            main([*command, "--help"])
        assert "usage: infoplane" in capsys.readouterr().out

    @pytest.mark.parametrize("name", CLAIMS)
    def test_every_claim_shows_all_its_cells_and_runs(self, tmp_path, study, name):
        tables_of(tmp_path, study)
        shown = "\n".join(trace(tmp_path, name))
        cells = pd.read_csv(tmp_path / "statistics" / "cells.csv").query("claim == @name")
        assert shown.count("phases.parquet") == len(cells) > 0
        assert len(re.findall(r"^ +\d+ +\d +-?\d\.\d+", shown, re.MULTILINE)) == len(cells) * RUNS

    def test_k_of_n_is_that_of_the_table(self, tmp_path, study):
        tables_of(tmp_path, study)
        shown = "\n".join("\n".join(trace(tmp_path, name)) for name in CLAIMS)
        cells = pd.read_csv(tmp_path / "statistics" / "cells.csv")
        told = re.findall(r"^(\d+) of (\d+) (?:runs|pairs)", shown, re.MULTILINE)
        told += re.findall(r"^of (\d+) runs that are judged differently, (\d+)", shown, re.MULTILINE)[::-1]
        assert len(told) == len(cells)

    def test_too_few_runs_are_said(self, tmp_path):
        tables_of(tmp_path, dict([write_phases(tmp_path, seen("a", compression=[1, 2], runs=3))]))
        shown = "\n".join(trace(tmp_path, "C3", "published", "logits"))
        assert "published, logits: too few runs\n" in shown
        assert "3 runs, fewer than 5: nothing can be decided\n" in shown
        assert "nan" not in shown

    def test_no_number_is_missing_without_a_word(self, tmp_path, study):
        tables_of(tmp_path, study)
        assert not any("nan" in paragraph for name in CLAIMS for paragraph in trace(tmp_path, name))

    def test_what_makes_a_verdict_fragile_is_said(self, tmp_path):
        one = seen("a", compression=[LACKS, SHOWS])
        one.phases["compression"] *= 0.3
        tables_of(tmp_path, dict([write_phases(tmp_path, one)]))
        assert "fragile (0.5 bit: refuted; 5 %: refuted)" in "\n".join(trace(tmp_path, "C3"))

    def test_why_a_cell_does_not_count_is_said(self, tmp_path):
        one = seen("a", compression=[MIXED, SHOWS], headroom=[0.001, 1])
        tables_of(tmp_path, dict([write_phases(tmp_path, one)]))
        assert "a/exact T1, fitting: ceiling\ndoes not count: ceiling\n" in "\n".join(trace(tmp_path, "C2"))

    def test_tables_that_are_not_what_the_runs_say(self, tmp_path, study):
        tables_of(tmp_path, study)
        write_phases(tmp_path, seen("relu", compression=[LACKS, MIXED]))
        with pytest.raises(
            UserError, match=r"cells.csv: is not what the runs say of C3; run the workflow again"
        ):
            list(trace(tmp_path, "C3"))
        list(trace(tmp_path, "C1"))

    @pytest.mark.parametrize(
        ("asked", "answer"),
        [
            (("C7",), "claim: 'C7' is unknown; use one of C1, C2, C3, C4, C5, C6"),
            (("C3", "controled"), "C3 --protocol: 'controled' is unknown; did you mean 'controlled'?"),
            (("C3", None, "logit"), "C3 --reading: 'logit' is unknown; did you mean 'logits'?"),
            (
                ("C3", "controlled", "logits"),
                "C3 --reading: 'logits' is unknown; use one of rebinned, softmax, float32",
            ),
            (
                ("C6", None, "layer/codes"),
                "C6 --reading: 'layer/codes' is unknown; did you mean 'layers/codes'?",
            ),
        ],
    )
    def test_names_that_there_are_not(self, tmp_path, asked, answer):
        with pytest.raises(UserError) as caught:
            list(trace(tmp_path, *asked))
        assert str(caught.value) == answer

    def test_another_table_is_one_line(self, tmp_path, study):
        tables_of(tmp_path, study)
        path = tmp_path / "statistics" / "cells.csv"
        lines = path.read_text().splitlines()
        path.write_text("claim,k\nC3,4\n")
        with pytest.raises(UserError, match=f"^{path}: has no column protocol; if the workflow made this"):
            list(trace(tmp_path, "C3"))
        path.write_text("\n".join([*lines, "C3,published"]))
        with pytest.raises(UserError, match="missing; run the workflow again"):
            list(trace(tmp_path, "C3"))

    def test_no_tables(self, tmp_path):
        with pytest.raises(UserError, match=r"cells.csv: missing; run the workflow again"):
            list(trace(tmp_path, "C1"))
