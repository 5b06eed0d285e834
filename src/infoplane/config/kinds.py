"""Kinds of estimators and of figures: what each is about, what it takes, what it is drawn from."""

from dataclasses import dataclass

__all__ = ["ESTIMATORS", "FIGURES", "EstimatorKind", "FigureKind"]


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
    """

    about: str
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    ranges: tuple[str, ...] = ()
    range_name: str = ""
    of_network: frozenset[str] = frozenset()
    is_binning: bool = False


ESTIMATORS = {
    "exact": EstimatorKind("codes of the quantized network, or bit patterns of float32 outputs"),
    "rebinned": EstimatorKind(
        "2^bits + 1 levels over a layer's own range, as in the published code", range_name="layer"
    ),
    "uniform": EstimatorKind(
        "bins of equal width",
        needs=frozenset({"bins", "range"}),
        ranges=("global", "layer", "neuron"),
        is_binning=True,
    ),
    "adaptive": EstimatorKind(
        "bins of equal mass, per layer",
        needs=frozenset({"bins"}),
        range_name="equal mass",
        is_binning=True,
    ),
    "quantized": EstimatorKind(
        "codes of a quantizer of `bits` bits over `range`, as the network's own",
        needs=frozenset({"range"}),
        takes=frozenset({"bits"}),
        ranges=("layer",),
        of_network=frozenset({"bits"}),
    ),
    "kde": EstimatorKind(
        "a bound of I(X; T + Z) with Gaussian noise Z of variance `noise`, from the distances of the "
        "activations",
        needs=frozenset({"noise"}),
        takes=frozenset({"bound"}),
    ),
}


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure.

    It is drawn by the module of `infoplane.figures` that the table `infoplane.figures.KINDS` names.

    Attributes:
        about: what it shows, for the reference of the config.
        reads: the kinds of tables that it is drawn from.
        takes: the keys that it takes, other than those that every figure takes.
    """

    about: str
    reads: tuple[str, ...]
    takes: tuple[str, ...] = ("experiments", "estimators")


FIGURES = {
    "plane": FigureKind(
        "information planes, a row for each experiment and a column for each estimator; of one estimator, "
        "two to "
        "a row",
        ("aggregates",),
        ("experiments", "estimators", "i_xt", "i_ty"),
    ),
    "curves": FigureKind("I(X;T) and I(T;Y) over epochs", ("aggregates",)),
    "readings": FigureKind(
        "the same of the output layer alone, a row for each experiment and a line for each estimator",
        ("aggregates",),
    ),
    "runs": FigureKind(
        "planes of the best, middle, second-worst and worst run", ("aggregates", "information")
    ),
    "accuracy": FigureKind("training and test accuracy over epochs", ("accuracy",), ("experiments",)),
    "reliability": FigureKind(
        "for each experiment H(T) at the last epoch on N/8 to N inputs, as counted and corrected for "
        "bias, and "
        "H(T)/log₂ N and the number of codes over epochs",
        ("reliability",),
        ("experiments",),
    ),
    "levels": FigureKind(
        "how many levels of its grid each layer uses, over epochs, of quantized experiments",
        ("levels",),
        ("experiments",),
    ),
    "errors": FigureKind(
        "estimates less the exact value over epochs, a row of panels for each quantity and a column for each "
        "estimator; an estimator of kind `exact` has to be applied to its experiments",
        ("errors",),
    ),
    "phases": FigureKind(
        "mean fitting and compression of every layer, a row for each experiment and estimator, and "
        "whether they "
        "are shown or lacking",
        ("phases",),
    ),
    "signs": FigureKind(
        "mean compression by number and range of bins, and whether it is shown or lacking, estimators "
        "without "
        "bins beside them",
        ("phases",),
        ("experiments", "estimators", "layers"),
    ),
    "tradeoff": FigureKind(
        "compression of single runs against test accuracy and against training less test accuracy, of the "
        "hidden "
        "layer that compresses most and of the output, a row for each experiment and estimator",
        ("tradeoff", "correlations"),
    ),
    "merging": FigureKind(
        "which codes of the logits fall into one bin of the re-binned softmax, of repetition 0 at a few "
        "epochs; of "
        "quantized experiments of protocol `published`",
        ("merging",),
        ("experiments",),
    ),
    "claims": FigureKind("the verdicts on the claims, as a table", ("claims",), ()),
}
