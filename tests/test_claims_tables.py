"""Verdicts on disk are those of the runs, and lead back to them."""

import re
from pathlib import Path

import pandas as pd
import pytest
from observations import FLOAT32, LACKS, RUNS, SHOWS, TANH, seen

from infoplane.artifacts import describe, write_table
from infoplane.cli import main
from infoplane.errors import UserError
from infoplane.statistics import trace, write_claims
from infoplane.statistics.cells import Observation
from infoplane.statistics.claims import CELLS, CLAIMS
from infoplane.statistics.tables import observe

pytestmark = pytest.mark.usefixtures("few_resamples")


def written(
    folder: Path, observation: Observation, inputs="0" * 64, **estimator
) -> tuple[tuple[str, str], Path]:
    path = folder / "statistics" / observation.experiment / observation.estimator / "phases.parquet"
    spec = {
        "training": observation.training.differences(),
        "estimator": observation.seen_by.differences() | estimator,
    }
    dataset = {"name": observation.training.dataset, "inputs": 4096, "h_y": 1.0, "digest": inputs}
    repetitions = list(range(RUNS))
    write_table(path, observation.phases, describe("phases", spec, repetitions=repetitions, dataset=dataset))
    return (observation.experiment, observation.estimator), path


@pytest.fixture
def study(tmp_path):
    """Results of a small study."""
    observations = [
        seen("relu"),
        seen("relu", "rebinned"),
        seen("tanh", compression=[SHOWS, SHOWS], **TANH),
        seen("float32", "first", **TANH, **FLOAT32),
        seen("float32", "fine", [SHOWS, SHOWS], **TANH, **FLOAT32),
    ]
    return dict(written(tmp_path, each) for each in observations)


def tables_of(folder: Path, phases) -> tuple[bytes, bytes]:
    paths = folder / "statistics" / "claims.csv", folder / "statistics" / "cells.csv"
    write_claims(phases, *paths)
    return paths[0].read_bytes(), paths[1].read_bytes()


class TestTables:
    def test_any_order_gives_the_same_bytes(self, tmp_path, study):
        first = tables_of(tmp_path, study)
        assert tables_of(tmp_path, dict(reversed(study.items()))) == first
        claims, cells = (pd.read_csv(tmp_path / "statistics" / name) for name in ("claims.csv", "cells.csv"))
        assert list(cells) == CELLS
        assert len(claims) == 23
        decided = claims[claims["verdict"] != "no data"].set_index(["claim", "reading"])["verdict"]
        assert decided.to_dict() == {
            ("C1", "bins"): "supported",
            ("C2", "codes"): "refuted",
            ("C3", "logits"): "supported",
            ("C3", "rebinned"): "supported",
            ("C4", "codes"): "supported",
            ("C5", "codes"): "supported",
            ("C6", "codes"): "supported",
        }

    def test_a_study_without_any_cell(self, tmp_path):
        tables_of(tmp_path, dict([written(tmp_path, seen("a", "wide"))]))
        claims, cells = (pd.read_csv(tmp_path / "statistics" / name) for name in ("claims.csv", "cells.csv"))
        assert (claims["verdict"] == "no data").all() and cells.empty and list(cells) == CELLS

    def test_a_subset_of_the_inputs_decides_nothing(self, tmp_path):
        whole, part = written(tmp_path, seen("a")), written(tmp_path, seen("b"), subset="test")
        assert [one.experiment for one in observe(dict([whole, part]))] == ["a"]

    def test_specs_of_an_experiment_must_agree(self, tmp_path):
        pairs = [written(tmp_path, seen("a")), written(tmp_path, seen("a", "rebinned", epochs=9000))]
        with pytest.raises(UserError, match=r"a/rebinned/phases.parquet: the training spec is .*epochs"):
            observe(dict(pairs))

    def test_data_sets_of_one_name_must_agree(self, tmp_path):
        pairs = [written(tmp_path, seen("a")), written(tmp_path, seen("b"), inputs="1" * 64)]
        with pytest.raises(UserError, match=r"b/exact/phases.parquet: the data set is "):
            observe(dict(pairs))
        other = written(tmp_path, seen("b", dataset="mnist"), inputs="1" * 64)
        assert [one.experiment for one in observe(dict([pairs[0], other]))] == ["a", "b"]


class TestTrace:
    def test_command(self, tmp_path, study, capsys):
        phases = [f"{'/'.join(pair)}={path}" for pair, path in study.items()]
        folder = tmp_path / "statistics"
        tables = ["--claims", str(folder / "claims.csv"), "--cells", str(folder / "cells.csv")]
        assert main(["statistics", "claims", "--phases", *phases, *tables]) == 0
        heading, first, *_ = capsys.readouterr().out.splitlines()
        assert heading.split() == ["claim", "protocol", "reading", "verdict"]
        assert first.split() == ["C1", "published", "bins", "supported"]
        assert main(["trace", str(tmp_path), "C3", "--protocol", "published", "--reading", "logits"]) == 0
        shown = capsys.readouterr().out
        statement, rule = CLAIMS["C3"].words
        assert shown.startswith(f"C3\n{statement}\n{rule}\n\npublished, logits: supported (")
        assert "2 shows, 0 lacks, 0 open, 0 saturated\n" in shown
        assert shown.count("phases.parquet") == 2 and "rebinned" not in shown
        first = next(line.split() for line in shown.splitlines() if line.split()[:1] == ["0"])
        effect = seen("relu").phases.query("layer == 2")["compression"].iloc[0]
        assert float(first[1]) == pytest.approx(effect, abs=1e-6) and first[2:] == ["500", "700", "False"]

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
        assert len(re.findall(r"^ +\d+ +-?\d\.\d+", shown, re.MULTILINE)) == len(cells) * RUNS

    def test_tables_that_are_not_what_the_runs_say(self, tmp_path, study):
        tables_of(tmp_path, study)
        written(tmp_path, seen("relu", compression=[LACKS, 2 * SHOWS]))
        with pytest.raises(
            UserError, match=r"cells.csv: is not what the runs say of C3; run the workflow again"
        ):
            list(trace(tmp_path, "C3"))
        list(trace(tmp_path, "C1"))

    def test_what_a_user_may_get_wrong(self, tmp_path):
        with pytest.raises(UserError, match="C7: is no claim; use one of C1, C2, C3, C4, C5, C6"):
            list(trace(tmp_path, "C7"))
        with pytest.raises(UserError, match=r"cells.csv: missing; run the workflow again"):
            list(trace(tmp_path, "C1"))
