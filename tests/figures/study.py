"""Tables of a study of every kind, of experiments that are named by what happened in them."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import simulation
from drawings import drawn
from matplotlib.figure import Figure

from infoplane.artifacts import describe, write_table
from infoplane.config import EstimatorSpec, FigureSpec
from infoplane.config.kinds import FIGURES, TABLES
from infoplane.statistics.aggregates import ACCURACIES, aggregate, bad_fits, failures
from infoplane.statistics.tables import summarise_errors, summarise_information, summarise_tradeoff

EPOCHS, EVERY = 1200, 50
ESTIMATORS = {
    "exact": EstimatorSpec(kind="exact"),
    "rebinned": EstimatorSpec(kind="rebinned"),
    "coarse": EstimatorSpec(kind="uniform", bins=30, range="global"),
    "fine": EstimatorSpec(kind="uniform", bins=256, range="layer"),
}
MARGINS = ["0.02 bit", "0.1 bit", "5 %"]
VERDICTS = ["supported", "refuted", "mixed", "too few runs", "no data"]


class Study:
    """Files of tables, by what they hold and what they are of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.margins().to_csv(folder / "margins.csv", index=False)

    def path(self, kind: str, *names: str) -> Path:
        if TABLES[kind].of == "study":
            return self.folder / f"{kind}.csv"
        return self.folder.joinpath(kind, *names).with_suffix(".parquet")

    def add(self, name: str, runs: int, fails: int | None = None, bad: int | None = None, **training) -> None:
        """Add an experiment of so many runs, one of which fails or fits badly."""
        training = {
            "epochs": EPOCHS,
            "record_every": EVERY,
            "bits": {"weights": 8, "activations": 8},
        } | training
        prefit, dataset = training.get("prefit_epochs", 0), training.get("dataset", "synthetic")
        layers = training.pop("layers", simulation.LAYERS)
        exact = simulation.information(range(runs), EPOCHS, EVERY, 0.1, prefit, dataset, layers)
        history = simulation.history(range(runs), EPOCHS, prefit, 0.1 if dataset == "mnist" else 0.5)
        if fails is not None:
            exact, history = simulation.fail(exact, fails, 300), simulation.fail(history, fails, 300)
        if bad is not None:
            history = simulation.fit_badly(history, bad)
        trained = simulation.write_history(self.path("history", name), history, **training)
        self.write_accuracy(name, history, training)
        for number, (estimator, spec) in enumerate(ESTIMATORS.items()):
            seen = exact.assign(
                i_xt=exact["i_xt"] * (1 - 0.02 * number), i_ty=exact["i_ty"] * (1 - 0.01 * number)
            )
            told = {"training": simulation.TRAINING | training, "estimator": spec.differences()}
            chunk = simulation.write(self.path("information", name, estimator), seen, "information", told)
            paths = {
                kind: self.path(kind, name, estimator) for kind in TABLES if TABLES[kind].of == "estimator"
            }
            summarise_information([chunk], [trained], paths["aggregates"], paths["phases"])
            summarise_tradeoff(paths["phases"], [trained], paths["tradeoff"], paths["correlations"])
            if number:
                summarise_errors([self.path("information", name, "exact")], [chunk], paths["errors"])
        for kind in ("levels", "reliability", "resolution", "merging", "activations"):
            table = getattr(self, kind)(exact, fails)
            told = {"training": simulation.TRAINING | training}
            repetitions = [0] if kind in ("merging", "activations") else [*range(runs)]
            known = {"repetitions": repetitions, "dataset": simulation.DATASETS[dataset]}
            write_table(self.path(kind, name), table, describe(kind, told, **known))

    def write_accuracy(self, name: str, history: pd.DataFrame, training: dict) -> None:
        failed, bad = failures(history), bad_fits(history, failures(history))
        bad_names = [int(number) for number in bad.index[bad.eq(True).fillna(False)]]
        known = {
            "repetitions": [int(number) for number in history["repetition"].unique()],
            "dataset": simulation.DATASETS[training.get("dataset", "synthetic")],
            "failed": failed,
            "bad_fits": bad_names if bad.notna().any() else None,
        }
        means = aggregate(history, ["part", "epoch"], ACCURACIES, failed, bad)
        spec = {"training": simulation.TRAINING | training}
        write_table(self.path("accuracy", name), means, describe("accuracy", spec, **known))

    def levels(self, exact: pd.DataFrame, fails: int | None) -> pd.DataFrame:
        used = (20 * exact["h_t"] + 2).where(exact["repetition"] != fails).round().astype("Int32")
        return exact[["repetition", "part", "epoch", "layer"]].assign(levels=used, of=256)

    def reliability(self, exact: pd.DataFrame, fails: int | None) -> pd.DataFrame:
        main = exact[exact["part"] == "main"].drop(columns="i_xt")
        inputs = 70_000 if main["h_t"].max() > 12 else 4096
        frames = [
            main.assign(
                sample=inputs // divisor, estimator=name, h_t=(main["h_t"] - np.log2(divisor)).clip(0) + up
            )
            for divisor, (up, name) in product(
                (1, 2, 4, 8), enumerate(["plug-in", "miller-madow", "chao-shen"])
            )
        ]
        return pd.concat(frames, ignore_index=True)

    def resolution(self, exact: pd.DataFrame, fails: int | None) -> pd.DataFrame:
        main = exact[exact["part"] == "main"].drop(columns="i_xt")
        names = [*map(str, range(1, 17)), "exact"]
        frames = [
            main.assign(bits=name, h_t=main["h_t"] * (place + 1) / 17) for place, name in enumerate(names)
        ]
        return pd.concat(frames, ignore_index=True)

    def merging(self, exact: pd.DataFrame, fails: int | None) -> pd.DataFrame:
        if fails == 0:
            return pd.DataFrame(columns=["epoch", "scale", "count"])
        frames = []
        for epoch in (0, 100, 400, 700, 1150):
            code = np.arange(0, 50)
            softmax = 1 / (1 + np.exp((25 - code) / 4))
            bins = (10 * softmax).round().astype(int)
            frames.append(
                pd.DataFrame(
                    {"epoch": epoch, "scale": 0.05, "count": 1 + code % 7, "code_0": code - 25, "code_1": 0}
                ).assign(softmax_0=softmax, softmax_1=1 - softmax, bin_0=bins, bin_1=10 - bins)
            )
        return pd.concat(frames, ignore_index=True)

    def activations(self, exact: pd.DataFrame, fails: int | None) -> pd.DataFrame:
        if fails == 0:
            return pd.DataFrame(columns=["epoch", "layer", "label", "count", "t_1", "t_2"])
        random = np.random.default_rng(0)
        frames = []
        for epoch, label in product((200, 1000, 1150), range(10)):
            t = random.normal([label, (3 * label) % 10], 0.2, (20, 2)).round(2)
            frames.append(
                pd.DataFrame({"epoch": epoch, "layer": 4, "label": label, "count": 1}, index=range(20))
            )
            frames[-1][["t_1", "t_2"]] = t
        return pd.concat(frames, ignore_index=True)

    def margins(self) -> pd.DataFrame:
        rows = [("C1", "published", "bins"), ("C1", "controlled", "bins"), ("C3", "published", "logits")]
        return pd.DataFrame(
            [
                {"claim": claim, "protocol": protocol, "reading": reading, "margin": margin}
                | {"verdict": VERDICTS[(row + place) % 5]}
                for row, (claim, protocol, reading) in enumerate(rows)
                for place, margin in enumerate(MARGINS)
            ]
        )

    def tables(self, spec: FigureSpec) -> dict[str, dict]:
        """Files that a figure is drawn from."""

        def files(kind: str, name) -> list[Path]:
            return [self.path(kind, *([name] if isinstance(name, str) else name))]

        return {kind: {name: files(kind, name) for name in spec.names(kind)} for kind in spec.reads}

    def draw(self, spec: FigureSpec, *outputs: Path) -> Figure:
        return drawn(spec, self.tables(spec), *outputs)


def figure_spec(kind: str, experiments=("fine",), estimators=None, **options) -> FigureSpec:
    """A figure of a kind, with the keys that it takes."""
    takes = FIGURES[kind].takes
    own = estimators or (("coarse",) if kind in ("errors", "signs") else ("exact",))
    own = ("exact", *own) if kind == "signs" else own
    keys = {"experiments": experiments, "estimators": own}
    return FigureSpec(kind=kind, category="A", **{key: keys[key] for key in keys if key in takes}, **options)
