"""Kinds of estimators, tables and figures: what each is about, what it takes, what it is drawn from."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ESTIMATORS",
    "FIGURES",
    "JOINED",
    "PHRASES",
    "PICTURE",
    "TABLES",
    "EstimatorKind",
    "FigureKind",
    "TableKind",
]


@dataclass(frozen=True)
class EstimatorKind:
    """A kind of estimator: the keys that it takes, and what tables and figures say of it.

    How it estimates is said by the class of the same kind in `infoplane.information.estimators`.

    Attributes:
        about: what it does, for the reference of the config.
        needs: the keys without which it is not defined.
        takes: further keys of its own.
        ranges: the names that its `range` may have; a pair [lo, hi] may always be given.
        range_name: what its codes span, of a kind that takes no `range`.
        of_network: its keys that a quantized network gives where they are left out, and a float32 network
            does not.
        is_binning: whether it is a binning, of which claim C1 speaks.
        is_quick: whether it takes about as long as a replay of the network at most.
        label: what figures call it, unless it is the kind's own name.
    """

    about: str
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    ranges: tuple[str, ...] = ()
    range_name: str = ""
    of_network: frozenset[str] = frozenset()
    is_binning: bool = False
    is_quick: bool = True
    label: str = ""


ESTIMATORS = {
    "exact": EstimatorKind("codes of the quantized network, or bit patterns of float32 outputs"),
    "rebinned": EstimatorKind(
        "2^bits + 1 levels over the range of each layer, as in the published code",
        range_name="layer",
        label="re-binned",
    ),
    "uniform": EstimatorKind(
        "bins of equal width",
        needs=frozenset({"bins", "range"}),
        ranges=("global", "layer", "neuron"),
        is_binning=True,
    ),
    "adaptive": EstimatorKind(
        "bins of equal mass over each layer",
        needs=frozenset({"bins"}),
        range_name="equal mass",
        is_binning=True,
        is_quick=False,
    ),
    "quantized": EstimatorKind(
        "codes of a quantizer of `bits` bits over `range`, as the network's own",
        needs=frozenset({"range"}),
        takes=frozenset({"bits"}),
        ranges=("layer",),
        of_network=frozenset({"bits"}),
    ),
    "kde": EstimatorKind(
        "a bound on I(X; T + Z) with Gaussian noise Z of variance `noise`, from the distances between "
        "activations",
        needs=frozenset({"noise"}),
        takes=frozenset({"bound"}),
        is_quick=False,
        label="KDE",
    ),
}


@dataclass(frozen=True)
class TableKind:
    """A kind of table that figures are drawn from.

    Attributes:
        about: what it holds, for the help of the command.
        of: whether there is one for each experiment, for each experiment and estimator, or one in the study.
        chunked: whether it comes in chunks of repetitions.
        replayed: whether it takes a trajectory, which recorded runs have not.
    """

    about: str
    of: Literal["experiment", "estimator", "study"]
    chunked: bool = False
    replayed: bool = False


TABLES = {
    "accuracy": TableKind("mean loss and accuracies over epochs", "experiment"),
    "activations": TableKind("activations of a layer of two neurons, by class", "experiment", replayed=True),
    "aggregates": TableKind("mean information over epochs", "estimator"),
    "correlations": TableKind("correlations of compression and accuracies", "estimator"),
    "errors": TableKind("mean estimates minus the exact values", "estimator"),
    "history": TableKind("loss and accuracies of single runs over epochs", "experiment", chunked=True),
    "information": TableKind("information of single runs over epochs", "estimator", chunked=True),
    "levels": TableKind("levels in use of quantized layers", "experiment", chunked=True, replayed=True),
    "margins": TableKind("verdicts on the claims for several margins", "study"),
    "merging": TableKind("codes of the logits and bins of the softmax", "experiment", replayed=True),
    "phases": TableKind("fitting and compression of single runs", "estimator"),
    "reliability": TableKind(
        "exact values on parts of the inputs", "experiment", chunked=True, replayed=True
    ),
    "resolution": TableKind(
        "information of activations quantized to 1 to 16 bits", "experiment", chunked=True, replayed=True
    ),
    "tradeoff": TableKind("compression and accuracies of single runs", "estimator"),
}


# What the tables over all experiments on a data set hold, for the help of their commands and for the index
JOINED = {
    "information": "information of all experiments at a few epochs",
    "phases": "phases of all runs of all experiments",
    "prevalence": "in how many runs each phase is seen",
    "differences": "experiments that differ in one key, compared run by run",
    "fits": "how well the repetitions of all experiments fit",
    "violations": "how often the data-processing inequality fails",
    "correlations": "correlations of all experiments",
    "settings": "compression and accuracy over seeds and over settings",
    "signs": "how often estimators agree with the exact value on what compresses",
    "errors": "errors of estimators at a few epochs",
    "levels": "levels in use at a few epochs",
    "resolution": "compression by the resolution of the activations",
    "reliability": "compression on parts of the inputs",
}


# The formats of a figure that does not move
PICTURE = ("pdf", "png", "svg")


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure.

    It is drawn by the module of `infoplane.figures` that the table `infoplane.figures.KINDS` names.

    Attributes:
        caption: what it shows, for its caption and for the reference of the config. Names in braces stand for
            what the keys of a figure decide, and are those of `PHRASES`.
        reads: the kinds of tables that it is drawn from.
        takes: the keys that it takes, other than those that every figure takes.
        formats: the formats of its files.
        asks: what it asks of a config, for the reference alone.
        last_layers: how many layers it shows, from the output backwards, where no key names layers.
        accuracies: whether it shows training and test accuracy: neither "", "any" that there is, or "all".
        of_settings: whether it compares the keys of trainings.
    """

    caption: str
    reads: tuple[str, ...]
    takes: tuple[str, ...] = ("experiments", "estimators")
    formats: tuple[str, ...] = PICTURE
    asks: str = ""
    last_layers: int = 0
    accuracies: Literal["", "any", "all"] = ""
    of_settings: bool = False

    @property
    def about(self) -> str:
        """What it shows whatever its keys, and what it asks of a config."""
        return ". ".join(filter(None, [self.caption.format_map(PHRASES), self.asks]))


# What stands in a caption for a name in braces, unless the keys of a figure say otherwise
PHRASES = {
    "colour": "epoch",
    "ends": "the last hidden layer and in the output",
    "insets": ". An inset enlarges layers that stay within a tenth of the plane",
    "layers": "every layer T",
    "panels": "each protocol, or for each experiment if there are several estimators",
    "points": ". Open markers are networks that were trained at so many bits",
}


FIGURES = {
    "plane": FigureKind(
        "information planes: I(X;T) and I(T;Y) of {layers}, means over runs, coloured by {colour}. Thin "
        "lines join the layers of one epoch{insets}",
        ("aggregates",),
        ("experiments", "estimators", "layers", "i_xt", "i_ty", "colour"),
    ),
    "curves": FigureKind(
        "I(X;T) and I(T;Y) of {layers} over epochs, means over runs, with bands from the 10 % to the 90 % "
        "quantile",
        ("aggregates",),
        ("experiments", "estimators", "layers"),
    ),
    "readings": FigureKind(
        "I(X;T) and I(T;Y) of the output layer over epochs by each estimator, on the same runs, means and "
        "10 % to 90 % quantiles",
        ("aggregates",),
        last_layers=1,
    ),
    "runs": FigureKind(
        "information planes of the best, middle, second-worst and worst run, by their distance to the mean",
        ("aggregates", "information"),
    ),
    "accuracy": FigureKind(
        "training and test accuracy over epochs, means over runs with their 95 % intervals",
        ("accuracy",),
        ("experiments",),
        accuracies="any",
    ),
    "reliability": FigureKind(
        "H(T) at the last epoch and compression on N/8 to N inputs, as counted and corrected for bias, and "
        "H(T)/log₂ N and the number of codes over epochs",
        ("reliability",),
        ("experiments",),
    ),
    "saturation": FigureKind(
        "peak of H(T) as a share of log₂ N in every layer. Marks show cells near log₂ N, where the value "
        "reflects N more than the layer",
        ("phases",),
    ),
    "levels": FigureKind(
        "number of levels of its grid that each layer uses over epochs, means and 10 % to 90 % quantiles",
        ("levels",),
        ("experiments",),
        asks="The experiments must be quantized",
    ),
    "errors": FigureKind(
        "estimates minus the exact value of the same activations over epochs, a column for each estimator",
        ("errors",),
        ("experiments", "estimators", "layers"),
        asks="An estimator of kind `exact` must be applied to the experiments, too",
    ),
    "prevalence": FigureKind(
        "number of runs whose layers fit and compress, with a panel for {panels}. Pale cells are undecided",
        ("phases",),
        ("experiments", "estimators", "layers"),
    ),
    "forest": FigureKind(
        "share of the runs that compress, with its 95 % interval, in {ends}, with a row for each "
        "setting. Settings are grouped by the factor in which they differ from the reference, which is the "
        "first experiment with the same activation function",
        ("phases",),
        ("experiments", "estimators", "layers"),
        last_layers=2,
        of_settings=True,
    ),
    "settings": FigureKind(
        "compression against test accuracy and against training minus test accuracy, with a point for each "
        "setting, and rank correlations over settings and over the seeds within them",
        ("tradeoff",),
        asks="At least two experiments of each activation function must be shown",
        last_layers=2,
        of_settings=True,
    ),
    "signs": FigureKind(
        "how often estimators agree with the exact value on whether a layer compresses in a run",
        ("phases",),
        asks="The estimators must include exact ones, and others at the same epochs",
    ),
    "margins": FigureKind(
        "verdicts on the claims, with a row for each claim, protocol and reading and a column for each "
        "margin",
        ("margins",),
        (),
    ),
    "resolution": FigureKind(
        "compression against the number of bits to which activations are quantized, from about 32 epochs "
        "that are evenly spaced on a logarithmic scale: mean, and share of the runs that compress{points}",
        ("resolution", "phases"),
        ("experiments", "layers", "trained"),
    ),
    "tradeoff": FigureKind(
        "compression of single runs against test accuracy and against training minus test accuracy, for the "
        "hidden layer that compresses most and for the output",
        ("tradeoff", "correlations"),
        last_layers=1,
        accuracies="all",
    ),
    "merging": FigureKind(
        "codes of the logits that fall into one bin of the re-binned softmax, for one run at a few epochs",
        ("merging",),
        ("experiments",),
        asks="The experiments must be quantized, by protocol `published`",
    ),
    "scatter": FigureKind(
        "activations of the layer with two neurons, by class, for one run at a few epochs",
        ("activations",),
        ("experiments",),
    ),
    "explorer": FigureKind(
        "a page for a browser: information planes of two experiments side by side, and I(X;T), I(T;Y) and "
        "accuracy over epochs below them. One slider moves all of them through training. The page shows "
        "single runs, and means with bands from the 10 % to the 90 % quantile",
        ("aggregates", "information", "accuracy", "history"),
        ("experiments", "estimators", "layers"),
        ("html",),
        accuracies="all",
    ),
    "film": FigureKind(
        "information planes that grow as the networks train, with epochs evenly spaced on a logarithmic "
        "scale: mean trajectories of the main part, and single runs as dots",
        ("aggregates", "information"),
        ("experiments", "estimators", "layers", "mp4"),
        ("gif",),
    ),
}
