"""The study at paper scale without any training: tables of all its experiments, filled with drawn numbers."""

from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import describe, write_csv, write_table
from infoplane.config.kinds import PICTURE
from infoplane.config.study import Experiment, Study, load_config
from infoplane.layout import Layout, path_of
from infoplane.networks.layers import NETWORKS
from infoplane.statistics.cells import DESCRIBED
from infoplane.statistics.claims import CLAIMS, PROTOCOLS
from infoplane.statistics.joins import PHASES
from infoplane.statistics.milestones import MILESTONES

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
STATUSES = ("shows", "lacks", "mixed")
VERDICTS = ("supported", "refuted", "mixed")
FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="518" height="382">'
    '<path d="M0 0H518V382H0Z" fill="none" stroke="grey"/></svg>'
)


def config_of(folder: Path, text: str = "") -> Path:
    """A config with its results in a folder: the one at paper scale, or another one."""
    path = folder / "config.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f"results: {folder / 'results'}\n{text or CONFIG.read_text()}")
    return path


def write_study(config: Path) -> Study:
    """All that the paper of a study is made from."""
    study = load_config(config)
    results, rng = Path(study.results), np.random.default_rng(1)
    for data in study.inputs:
        on = {name: its for name, its in study.trained.items() if its.dataset == data}
        pairs = [pair for pair in study.pairs if pair[0] in on]
        for name, table in tables_of(on, pairs, rng).items():
            write_csv(results / "statistics" / data / f"{name}.csv", table)
        known = {
            "name": data,
            "inputs": 4096 if data == "synthetic" else 70000,
            "h_y": 1.0,
            "digest": "ab" * 32,
        }
        first = results / path_of("aggregates", experiment=pairs[0][0], estimator=pairs[0][1])
        spec = {"estimator": {"kind": "exact"}}
        write_table(first, pd.DataFrame({"epoch": [0]}), describe("aggregates", spec, dataset=known))
    write_csv(results / path_of("claims"), claims(rng))
    write_others(study)
    for name in Layout(study).figures_of(PICTURE):
        path = results / path_of("figure", figure=name, format="svg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FRAME)
    return study


def write_others(study: Study) -> None:
    """The tables that the paper does not read, of no rows."""
    layout = Layout(study)
    for path in (*layout.joins(study.inputs), *layout.verdicts()):
        if path.endswith(".csv") and not Path(study.results, path).exists():
            write_csv(Path(study.results, path), pd.DataFrame(columns=["experiment"]))


def tables_of(
    on: dict[str, Experiment], pairs: list[tuple[str, str]], rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """The joined tables of a data set, by name."""
    layers = {
        name: range(1, 2 + (len(NETWORKS[its.network]) if isinstance(its.network, str) else len(its.network)))
        for name, its in on.items()
    }
    cells = pd.DataFrame(
        [
            (name, by, layer, phase, on[name].repetitions)
            for name, by in pairs
            for layer in layers[name]
            for phase in PHASES
        ],
        columns=["experiment", "estimator", "layer", "phase", "n"],
    )
    violations = pd.DataFrame(
        [(*pair, quantity) for pair in pairs for quantity in ("h_t", "i_ty")],
        columns=["experiment", "estimator", "quantity"],
    )
    levels = pd.DataFrame(
        [(name, epoch, layer) for name in on for epoch in MILESTONES for layer in layers[name]],
        columns=["experiment", "epoch", "layer"],
    )
    settings = pd.DataFrame(
        [
            ("", "exact", activation, layer, against, scope)
            for activation in ("relu", "tanh")
            for layer in ("last hidden", "output")
            for against in ("test_accuracy", "gap")
            for scope in ("seeds", "settings")
        ],
        columns=["experiment", "estimator", "activation", "layer", "against", "scope"],
    )
    # the runs of which the paper asks when they have fitted their labels
    of_labels = [name for name in on if name.startswith(("learnt-", "memorised-"))]
    phases = pd.DataFrame(
        [
            (name, "exact", run, layer, 100 * run + (5 if name.startswith("learnt-") else 4001))
            for name in of_labels
            for run in range(4)
            for layer in layers[name]
        ],
        columns=["experiment", "estimator", "repetition", "layer", "fitting_peak_epoch"],
    )
    low, rho, high = np.sort(rng.uniform(-0.9, 0.9, (3, len(settings))), axis=0)
    fits = pd.DataFrame({"experiment": [*on], "bad_fits": 0, "test_accuracy": rng.uniform(0.8, 1, len(on))})
    return {
        "prevalence": drawn_cells(cells, rng),
        "violations": violations.assign(
            violations=np.where(violations["estimator"] == "exact", 0, 77), compared=rng.integers(1e5, 1e6)
        ),
        "levels": levels.assign(of=256, levels_mean=rng.uniform(10, 250, len(levels))),
        "settings": settings.assign(rho=rho, lower=low, upper=high),
        "fits": fits,
        "phases": phases,
    }


def drawn_cells(cells: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Cells of which k of n runs do what they are asked for."""
    cells["k"] = rng.integers(0, cells["n"] + 1)
    cells["prevalence"] = cells["k"] / cells["n"]
    cells["lower"], cells["upper"] = cells["prevalence"] * 0.8, 1 - (1 - cells["prevalence"]) * 0.8
    cells["status"] = rng.choice(STATUSES, len(cells))
    cells["mean"] = rng.uniform(-0.1, 6, len(cells))
    cells["mean_lower"], cells["mean_upper"] = cells["mean"] - 0.25, cells["mean"] + 0.25
    cells["near_log2_n"] = cells["layer"] == 1
    return cells.reindex(columns=["experiment", "estimator", "layer", "phase", *DESCRIBED])


def claims(rng: np.random.Generator) -> pd.DataFrame:
    """Verdicts on every claim under both protocols."""
    rows = [
        (name, claim.words[0], protocol, reading)
        for name, claim in CLAIMS.items()
        for protocol in PROTOCOLS
        for reading in claim.readings[protocol]
    ]
    table = pd.DataFrame(rows, columns=["claim", "statement", "protocol", "reading"])
    table["verdict"] = rng.choice(VERDICTS, len(table))
    counts = {name: rng.integers(0, 40, len(table)) for name in ("shows", "lacks", "mixed", "ceiling")}
    same = {name: table["verdict"] for name in ("verdict_good_fits", "verdict_not_near_log2_n")}
    return table.assign(
        **counts, **same, fragile=False, flips="", decisive="", k=36, n=50, lower=0.57, upper=0.84
    )
