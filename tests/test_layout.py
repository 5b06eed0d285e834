"""Where the files of a study lie, and what they are made from, without Snakemake."""

import re
from itertools import chain, combinations
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.config.kinds import PICTURE
from infoplane.config.study import resolve
from infoplane.errors import UserError
from infoplane.layout import (
    FILES,
    JOINS,
    MADE_FROM,
    Layout,
    benchmark_of,
    folder_of,
    locate,
    log_of,
    path_of,
    repetitions_of,
)

CONFIG = {
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "bits": 8,
        "epochs": 4,
        "record_every": 1,
        "repetitions": 5,
        "chunk": 2,
    },
    "experiments": {"one": {}, "two": {"bits": "float32", "control": True}, "digits": {"dataset": "mnist"}},
    "estimators": {
        "exact": {"kind": "exact"},
        "uniform": {"kind": "uniform", "bins": 30, "range": "global", "experiments": ["two"]},
    },
    "figures": {
        "runs": {"kind": "runs", "category": "main", "experiments": ["one"], "estimators": ["exact"]},
        "errors": {"kind": "errors", "category": "A", "experiments": ["two"], "estimators": ["uniform"]},
        "ranks": {"kind": "tradeoff", "category": "A", "experiments": ["one"], "estimators": ["exact"]},
        "verdicts": {"kind": "margins", "category": "claims"},
        "digits": {"kind": "accuracy", "category": "F", "experiments": ["digits"]},
    },
}
CHUNKS = ["0-1", "2-3", "4-4"]


@pytest.fixture(scope="module")
def layout():
    return Layout(resolve(CONFIG, "test.yaml"))


def names_in(path: str) -> dict[str, str]:
    """What stands for the names in the path of a file, and the kind of the file."""
    for kind, pattern in FILES.items():
        groups = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[\\w-]+)", re.escape(pattern))
        if found := re.fullmatch(groups.replace("(?P<table>[\\w-]+)\\.html", "(?P<table>.+)\\.html"), path):
            return {"kind": kind, **found.groupdict()}
    raise AssertionError(f"{path}: is of no kind")


def test_files_are_made_from_files_of_the_study_down_to_the_data(layout):
    """From its targets, all that a study makes is found; each file once, by one kind, from earlier stages."""
    found, waiting = set(), layout.targets()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            names = names_in(path)
            sources = [*chain(*layout.made_from(names.pop("kind"), names).values())]
            assert sources or path.startswith("datasets/")
            waiting += sources
    for name, chunk in ((name, chunk) for name in ("one", "two", "digits") for chunk in CHUNKS):
        assert {f"training/{name}/{chunk}.parquet", f"training/{name}/{chunk}.safetensors"} <= found
        assert f"information/{name}/exact/{chunk}.parquet" in found
    assert {path for path in found if path.startswith("datasets")} == {
        "datasets/synthetic.npz",
        "datasets/mnist.npz",
    }
    assert not any("one/uniform" in path or "digits/uniform" in path for path in found)


def test_tables_are_made_from_all_chunks_of_their_experiment(layout):
    names = {"experiment": "two", "estimator": "uniform"}
    histories = [f"training/two/{chunk}.parquet" for chunk in CHUNKS]
    seen = [f"information/two/uniform/{chunk}.parquet" for chunk in CHUNKS]
    exact = [f"information/two/exact/{chunk}.parquet" for chunk in CHUNKS]
    assert layout.made_from("aggregates", names) == {"information": seen, "history": histories}
    assert layout.made_from("errors", names) == {"exact": exact, "binned": seen}
    accuracy = {"dataset": ["datasets/synthetic.npz"], "history": histories}
    assert layout.made_from("accuracy", {"experiment": "two"}) == accuracy
    assert layout.made_from("merging", {"experiment": "one"})["trajectory"] == [
        "training/one/0-1.safetensors"
    ]


def test_joins_are_over_the_experiments_on_a_data_set(layout):
    for table in JOINS:
        sources = layout.joined({"dataset": "mnist", "table": table})
        assert all("/digits/" in path for path in sources)
    shown = ["statistics/one/exact/correlations.parquet"]
    assert layout.joined({"dataset": "synthetic", "table": "correlations"}) == shown
    assert "statistics/mnist/correlations.csv" not in layout.targets()


def test_no_claim_rests_on_a_control(layout):
    assert layout.claimed() == [f"statistics/{name}/exact/phases.parquet" for name in ("digits", "one")]
    assert layout.indexed()["claims"] == ["statistics/claims.csv"]


def test_nothing_asks_for_claims_that_rest_on_no_experiment():
    controls = {name: its | {"control": True} for name, its in CONFIG["experiments"].items()}
    layout = Layout(resolve({**CONFIG, "experiments": controls, "figures": {}}, "test.yaml"))
    assert not layout.claimed() and not layout.verdicts()
    read = {path for paths in layout.indexed().values() for path in paths}
    assert not any("claims" in path for path in [*layout.targets(), *read])


def test_figures_are_found_by_category_and_by_data(layout):
    def stems(paths):
        return {PurePath(path).stem for path in paths}

    assert stems(layout.figures_in("A")) == {"errors", "ranks"}
    assert stems(layout.figures_on("synthetic")) == {"runs", "errors", "ranks"}
    assert stems(layout.figures_on("mnist")) == {"digits"}


def test_every_kind_of_file_is_made_from_something_known():
    assert MADE_FROM.keys() == FILES.keys()


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", fullmatch=True) | st.sampled_from(
    ["claims", "cells", "accuracy", "aggregates", "information", "synthetic", "exact", "0", "0-1"]
)


@given(
    st.lists(NAMES, min_size=2, max_size=3, unique=True), st.lists(NAMES, min_size=2, max_size=2, unique=True)
)
def test_no_two_jobs_share_a_file_whatever_they_are_called(experiments, estimators):
    """An experiment or an estimator may bear the name of a table, of a data set or of a stage."""
    config = CONFIG | {
        "experiments": {name: {"chunk": 5} for name in experiments},
        "estimators": {name: {"kind": "exact"} for name in estimators},
        "figures": {
            name: {"kind": "accuracy", "category": "F", "experiments": "all"} for name in experiments
        },
    }
    layout = Layout(resolve(config, "test.yaml"))
    pairs = layout.study.pairs
    first = (
        "history",
        "information",
        "reliability",
        "resolution",
        "levels",
        "merging",
        "activations",
        "accuracy",
    )
    first += ("aggregates", "errors", "tradeoff")  # of each job the first file, after which its log is named
    made = [path for kind in first for path in layout.files(kind, pairs)] + layout.joins(["synthetic"])
    made += [
        path_of("claims"),
        path_of("index"),
        path_of("dataset", dataset="synthetic"),
        *layout.figures(experiments)[:: len(PICTURE)],
    ]
    made += layout.pages([*layout.joins(["synthetic"]), *layout.verdicts()])
    for place in (str, log_of, benchmark_of):
        files = [*map(place, made)]
        assert len({*files}) == len(files)
        folders = {str(parent) for path in files for parent in PurePath(path).parents}
        assert not folders & {*files}, "no file stands where another has its folder"


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_a_chunk_is_named_after_its_first_and_last_repetition(one, other):
    first, last = sorted((one, other))
    assert repetitions_of(f"{first}-{last}") == range(first, last + 1)


@pytest.mark.parametrize("text", ["", "3", "0_0-1", "5-4", "a-b", "0-", "-1", "0-2147483648", "0-1-2", "٣-٤"])
def test_what_names_no_chunk_is_one_line(text):
    with pytest.raises(UserError, match="is not a chunk; give its first and its last repetition, as in 0-19"):
        repetitions_of(text)


def test_paths_differ_where_names_do(layout):
    pairs = [("one", "exact"), ("two", "exact"), ("two", "uniform")]
    for one, other in combinations(pairs, 2):
        assert not {*layout.files("information", [one])} & {*layout.files("information", [other])}


names = st.text(st.characters(categories=["L", "N"], include_characters="-_.{}"), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(kind=st.sampled_from([*FILES]), data=st.data())
def test_a_path_is_located_by_the_names_that_it_was_made_of(kind, data):
    own = {name: data.draw(names) for name in re.findall(r"\{(\w+)\}", FILES[kind])}
    results = Path("/some/results")
    assert locate(results / path_of(kind, **own), kind) == (results, own)
    chunk = own.pop("chunk", None)
    if chunk is not None:
        assert locate(results / folder_of(kind, **own), kind) == (results, own)


@pytest.mark.parametrize("path", ["relu/0-1.parquet", "training/relu/0-1.csv"])
def test_a_path_where_no_file_of_a_kind_lies_is_refused(path):
    with pytest.raises(UserError, match=f"{path}: lies where no history of a study does; expected training/"):
        locate(Path(path), "history")
