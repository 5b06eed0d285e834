"""Results of a study, read in Python: tables by what they hold, and the specs that they were made from."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from infoplane.artifacts import KEY, known_spec, parse_description, read_table, unreadable
from infoplane.config import EstimatorSpec, RecordedSpec, TrainingSpec, spec_of_runs
from infoplane.errors import UserError, WrongValue
from infoplane.layout import FILES, locate, path_of
from infoplane.recognition import DAMAGE
from infoplane.refusals import as_path, refuse_other_names, refuse_other_types, short_text
from infoplane.statistics.aggregates import INFORMATION, failures
from infoplane.statistics.aggregates import aggregate as aggregate_repetitions
from infoplane.statistics.chunks import read_chunks

__all__ = ["StudyResults", "aggregate", "load_study", "load_table", "refuse_other_columns"]

# Columns that rows of a repetition are told apart by, where a table of information has them
KEYS = ["estimator", "part", "epoch", "layer", "layer_name"]
# Columns of numbers that rows are told apart by
NUMBERS = ("repetition", "epoch", "layer")
# Kinds of tables, and of what there is one each; those over all experiments on a data set are of no kind
KINDS = {
    kind: re.findall(r"{(experiment|estimator)}", path)
    for kind, path in FILES.items()
    if path.endswith((".parquet", ".csv")) and "{dataset}" not in path
}


def load_table(path: str | Path) -> pd.DataFrame:
    """Table of a study (.parquet or .csv).

    What a Parquet file says of itself is in `attrs`: its kind, spec, data set and repetitions.

    Raises:
        UserError: there is no such table, or it is damaged.
    """
    path = as_path(path)
    if path.suffix == ".csv":
        return read_numbers(path)
    frame, description = read_table(path, kind_of(path))
    frame.attrs.update(description)
    return frame


def read_numbers(path: Path) -> pd.DataFrame:
    """A CSV table with its numbers as numbers."""
    try:
        return pd.read_csv(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; run the workflow again") from error
    except (OSError, ValueError) as error:  # the errors of pandas are ValueErrors
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: cannot be read as a table ({reason}); give a table of a study") from error


def kind_of(path: Path) -> str:
    """The kind of table that a Parquet file says it is."""
    try:
        text = description_text(path)
        if text is not None:
            return str(json.loads(text)["kind"])
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; name a table of a study") from error
    except PermissionError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); unlock it") from error
    except DAMAGE as error:
        raise UserError(f"{path}: is not a Parquet file; give a table of a study") from error
    raise UserError(f"{path}: was not written by infoplane; read it with pandas.read_parquet")


def description_text(path: Path) -> bytes | None:
    """The description of a Parquet table as it is written there, without its rows; None if it has none."""
    text: bytes | None = (pq.read_schema(path).metadata or {}).get(KEY.encode())
    return text


def aggregate(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread of information over repetitions, as in `aggregates.parquet`.

    Args:
        table: a row for each repetition, part, epoch and layer, as from `estimate`. A repetition with a NaN
            anywhere is left out.

    Returns:
        Columns part, epoch, layer (estimator and layer_name where the table has them), quantity, runs
        ("all"), mean, std, lower, upper (95 % interval of the mean), q10, q90 (quantiles), count.

    Raises:
        UserError: a column is missing or holds text, or several rows of a repetition are of one layer at one
            epoch.

    >>> table = pd.DataFrame({"repetition": [0, 1], "epoch": 0, "layer": 1, "i_xt": [1.0, 3.0]})
    >>> aggregate(table)[["quantity", "mean", "q10", "q90"]].to_dict("records")
    [{'quantity': 'i_xt', 'mean': 2.0, 'q10': 1.2, 'q90': 2.8}]
    """
    refuse_other_types("table", table, pd.DataFrame, "a table, as from estimate")
    if missing := {"repetition", "epoch", "layer"} - {*table}:
        raise UserError(f"the table has no column {min(missing)}; give one as from estimate")
    quantities = [name for name in INFORMATION if name in table]
    if not quantities:
        raise UserError(f"the table has no column {' or '.join(INFORMATION)}; give one as from estimate")
    refuse_other_columns(table, ["repetition", "epoch", "layer", *quantities])
    table = table if "part" in table else table.assign(part="main")
    undefined = pd.Series(dtype="boolean")
    keys = [name for name in KEYS if name in table]
    refuse_several_rows(table, ["repetition", *keys])
    failed = failures(table[["repetition", *quantities]])
    means = aggregate_repetitions(table, keys, quantities, failed, undefined)
    means.attrs = dict(table.attrs)
    return means


def refuse_several_rows(table: pd.DataFrame, keys: Sequence[str]) -> None:
    """Refuse a table in which several rows have the same keys, as those of several resolutions have.

    >>> table = pd.DataFrame({"repetition": 0, "bits": ["1", "2"], "h_t": [0.5, 0.7]})
    >>> refuse_several_rows(table, ["repetition"])
    Traceback (most recent call last):
    infoplane.errors.UserError: the table has 2 rows of repetition 0; select one value of bits, as '1'
    """
    several = table[table.duplicated([*keys], keep=False)]
    if several.empty:
        return
    first = several.iloc[0]
    alike = several[several[[*keys]].eq(first[[*keys]]).all(axis=1)]
    others = [
        name for name in table if name not in {*keys, *INFORMATION} and alike[name].map(str).nunique() > 1
    ]
    advice = "give each run a repetition of its own"
    if others:
        advice = f"select one value of {others[0]}, as {alike[others[0]].tolist()[0]!r}"
    which = ", ".join(f"{name} {first[name]}" for name in keys)
    raise UserError(f"the table has {len(alike)} rows of {which}; {advice}")


def refuse_other_columns(table: pd.DataFrame, names: Sequence[str], whose: str = "the table") -> None:
    """Raise a `UserError` if a table lacks one of some columns of numbers, or what tells its rows apart.

    >>> refuse_other_columns(pd.DataFrame({"epoch": ["0", "1"]}), ["epoch"])
    Traceback (most recent call last):
    infoplane.errors.UserError: the table's column epoch holds '0', expected numbers; use pd.to_numeric
    """
    for name in names:
        if name not in table:
            raise UserError(f"{whose} has no column {name}; give one as from estimate or aggregate")
        column = table[name]
        if isinstance(column, pd.DataFrame):
            raise UserError(f"{whose} has several columns {name}; leave one of them")
        is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        if len(column) and not is_number:
            raise UserError(
                f"{whose}'s column {name} holds {short_text(column.tolist()[0])}, expected numbers; use "
                "pd.to_numeric"
            )
        if name in NUMBERS and not np.isfinite(column.to_numpy(float, na_value=np.nan)).all():
            raise UserError(f"{whose}'s column {name} lacks numbers in some rows; fill them in")


@dataclass(frozen=True)
class StudyResults:
    """Tables of a finished study, or of what there is of it.

    Attributes:
        folder: the folder that the study wrote.
        experiments: training specs by the names of experiments, or specs of recorded runs.
        estimators: estimator specs by name.
    """

    folder: Path
    experiments: Mapping[str, TrainingSpec | RecordedSpec]
    estimators: Mapping[str, EstimatorSpec]

    def __repr__(self) -> str:
        experiments, estimators = ", ".join(self.experiments), ", ".join(self.estimators)
        return f"StudyResults({str(self.folder)!r}: {experiments}; by {estimators})"

    @property
    def tables(self) -> dict[str, Path]:
        """Paths of all tables of statistics, by what is left of them without folder and suffix."""
        statistics = self.folder / "statistics"
        found = sorted(path for path in statistics.rglob("*") if path.suffix in (".parquet", ".csv"))
        return {path.relative_to(statistics).with_suffix("").as_posix(): path for path in found}

    def table(self, kind: str, experiment: str = "", estimator: str = "") -> pd.DataFrame:
        """Table of one kind.

        Args:
            kind: `aggregates`, `phases`, `information`, `accuracy`, `claims` or another kind of table. Those
                over all experiments on a data set are in `tables`.
            experiment: of which experiment, if the table is of one.
            estimator: seen by which estimator, likewise.

        Raises:
            UserError: the study has no such table.
        """
        refuse_other_names("kind", kind, sorted(KINDS))
        names = {"experiment": experiment, "estimator": estimator}
        for name in KINDS[kind]:
            if not names[name]:
                known = ", ".join(self.experiments if name == "experiment" else self.estimators)
                raise WrongValue(f"{name}: is missing; give one of {known}")
        names["chunk"] = "*"
        if "{chunk}" not in FILES[kind]:
            return load_table(self.folder / path_of(kind, **names))
        return joined(sorted(self.folder.glob(path_of(kind, **names))), kind, experiment)


def joined(paths: Sequence[Path], kind: str, experiment: str) -> pd.DataFrame:
    """All chunks of a table.

    Raises:
        UserError: there is none.
    """
    if not paths:
        raise UserError(f"{experiment}: there is no {kind}; run the workflow, or name another table")
    frame, known = read_chunks(paths, kind)
    frame.attrs.update(known)
    return frame.sort_values("repetition", kind="stable", ignore_index=True)


def load_study(folder: str | Path) -> StudyResults:
    """Results of a study, from the folder that its workflow wrote.

    Raises:
        UserError: the folder holds no results, or a table of means is damaged or of another version.
    """
    folder = as_path(folder, "folder")
    experiments, estimators = {}, {}
    for path in sorted(folder.glob(path_of("aggregates", experiment="*", estimator="*"))):
        _, names = locate(path, "aggregates")
        runs, estimator = specs_in(path)
        experiments[names["experiment"]] = runs
        estimators[names["estimator"]] = estimator
    if not experiments:
        raise UserError(f"{folder}: contains no statistics of a study; give its results folder")
    return StudyResults(folder, experiments, dict(sorted(estimators.items())))


def specs_in(path: Path) -> tuple[TrainingSpec | RecordedSpec, EstimatorSpec]:
    """The specs of the runs and of the estimator that a table of means was made from, without its rows."""
    try:
        description = parse_description(description_text(path), path, "aggregates")
    except DAMAGE as error:
        raise unreadable(path, "aggregates", error) from error
    with known_spec(path, description):
        spec = description["spec"]
        return spec_of_runs(spec), EstimatorSpec.model_validate(spec["estimator"])
