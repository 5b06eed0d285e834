"""Methods of a study in a paragraph: what was trained and how, and how its information was computed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from infoplane.config import Bits, EstimatorSpec, TrainingSpec
from infoplane.config.kinds import ESTIMATORS
from infoplane.config.labels import ACTIVATIONS, DATASETS, OPTIMIZERS, network_label
from infoplane.config.recorded import RecordedSpec
from infoplane.config.words import counted, listed, range_in_words, span, spans

__all__ = ["methods"]

SUBSETS = {"all": "all inputs", "train": "the training inputs alone", "test": "the test inputs alone"}


def methods(
    runs: Mapping[str, TrainingSpec | RecordedSpec],
    estimators: Mapping[str, EstimatorSpec],
    descriptions: Mapping[str, Mapping[str, Any]],
) -> str:
    """A paragraph that says what was done, from the specs.

    Args:
        runs: specs of trainings and of recorded runs, by the names of experiments.
        estimators: by name.
        descriptions: what the tables of accuracy say of themselves, by experiment.
    """
    specs = {name: its for name, its in runs.items() if isinstance(its, TrainingSpec)}
    sentences = of_trainings([*specs.values()], [descriptions[name] for name in specs]) if specs else []
    if recorded := len(runs) - len(specs):
        sentences.append(f"{counted(recorded, 'experiment')} {'were' if recorded > 1 else 'was'} recorded")
    if estimators:
        sentences += of_estimators([*estimators.values()])
    return " ".join(f"{each}." for each in sentences)


def of_trainings(specs: Sequence[TrainingSpec], descriptions: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was trained and how, in sentences without their full stops."""
    data = listed(DATASETS.get(each.dataset, each.dataset) for each in specs)
    protocols = sorted({each.protocol for each in specs}, reverse=True)
    takes_whole = any(each.batch_size == "whole" for each in specs)
    sizes = [each.batch_size for each in specs if not isinstance(each.batch_size, str)]
    batches = [f"in batches of {span(sizes)}"] if sizes else []
    batches += ["in one batch of the whole training set"] if takes_whole else []
    sentences = [
        f"Networks ({listed(map(network_label, specs))}) with activations "
        f"{listed(ACTIVATIONS.get(each.activation, each.activation) for each in specs)} were trained on "
        f"{data} data, {precisions([each.bits for each in specs])}, under the {listed(protocols)} "
        f"protocol{'s' * (len(protocols) > 1)}",
        f"Training took {counted(span(each.epochs for each in specs), 'epoch')} of "
        f"{listed((OPTIMIZERS.get(each.optimizer, each.optimizer) for each in specs), 'or')} with a learning "
        f"rate of {span(each.learning_rate for each in specs)}, {' or '.join(batches)}",
    ]
    if prefitted := [each.prefit_epochs for each in specs if each.prefit_epochs]:
        sentences.append(
            f"{counted(len(prefitted), 'experiment')} first fitted shuffled labels for "
            f"{counted(span(prefitted), 'epoch')}"
        )
    if shuffled := sum(each.labels == "shuffled" for each in specs):
        sentences.append(f"{counted(shuffled, 'experiment')} trained on shuffled labels")
    runs = span(len(each["repetitions"]) for each in descriptions)
    seeds = "" if runs == "1" else ", each with its own seed"
    intervals = span(each.record_every for each in specs)
    sentences.append(
        f"Each experiment has {counted(runs, 'run')}{seeds}; the network was recorded every "
        f"{'epoch' if intervals == '1' else f'{intervals} epochs'}"
    )
    return sentences


def precisions(bits: Iterable[Bits | str]) -> str:
    """The bits of weights and activations of some networks in words.

    >>> precisions([Bits(weights=8, activations=8), "float32", Bits(weights=4, activations=8)])
    'at 8 bits, at 4 bits (weights) and 8 bits (activations) and in float32'
    >>> precisions([*(Bits(weights=each, activations=each) for each in (2, 3, 4, 8)), "float32"])
    'at 2 to 4 and 8 bits and in float32'
    """
    known = [*bits]
    pairs = sorted({(each.weights, each.activations) for each in known if not isinstance(each, str)})
    equal = [weights for weights, activations in pairs if weights == activations]
    parts = [f"at {spans(equal)} bits"] if equal else []
    parts += [
        f"at {weights} bits (weights) and {activations} bits (activations)"
        for weights, activations in pairs
        if weights != activations
    ]
    parts += ["in float32"] if "float32" in known else []
    return listed(parts)


def of_estimators(specs: Sequence[EstimatorSpec]) -> list[str]:
    """How the information was computed, in sentences without their full stops; those of a kind together."""
    kinds: dict[str, list[EstimatorSpec]] = {}
    for each in specs:
        kinds.setdefault(each.kind, []).append(each)
    ways = (f"{IN_WORDS[kind](its)}{limits_of(its)}" for kind, its in kinds.items())
    return [
        "At each recorded epoch, I(X;T) and I(T;Y) of the layers T, with the input X and the label Y, were "
        f"computed from {'; from '.join(ways)}"
    ]


def limits_of(specs: Sequence[EstimatorSpec]) -> str:
    """On which inputs and at which epochs, if not on all of them alone, in brackets."""
    limits = "; ".join(filter(None, [inputs_of(specs), epochs_of(specs)]))
    return f" ({limits})" if limits else ""


def inputs_of(specs: Sequence[EstimatorSpec]) -> str:
    """On which parts of the inputs, if not on all of them alone."""
    parts = {each.subset for each in specs}
    if parts == {"all"}:
        return ""
    return f"on {listed(words for part, words in SUBSETS.items() if part in parts)}"


def epochs_of(specs: Sequence[EstimatorSpec]) -> str:
    """At how many of the recorded epochs, if not at all of them alone: about so many, as some coincide.

    >>> epochs_of([EstimatorSpec(kind="exact"), EstimatorSpec(kind="exact", epochs=32)])
    'in part at about 32 of these epochs, evenly spaced on a logarithmic axis'
    """
    if not (few := sorted({each.epochs for each in specs if each.epochs})):
        return ""
    in_part = "in part " * any(each.epochs is None for each in specs)
    about = f"{in_part}at about {listed(map(str, few), 'or')}"
    return f"{about} of these epochs, evenly spaced on a logarithmic axis"


def of_uniform(specs: Sequence[EstimatorSpec]) -> str:
    """Bins of equal width, where the same numbers of them span several ranges named once.

    >>> of_uniform([EstimatorSpec(kind="uniform", bins=bins, range=over) for bins in (30, 100)
    ...             for over in ("global", "layer", (-1, 1))])
    '30 or 100 bins of equal width over the range of the run, the range of the layer or [−1, 1]'
    """
    bins: dict[str, set[int]] = {}
    for each in specs:
        over = range_in_words(each.range) if isinstance(each.range, str) else each.range_name
        bins.setdefault(over, set()).add(each.bins or 0)
    bins = dict(sorted(bins.items(), key=lambda pair: pair[0].startswith("[")))  # named ranges first
    ranges: dict[tuple[int, ...], list[str]] = {}
    for over, its in bins.items():
        ranges.setdefault(tuple(sorted(its)), []).append(over)
    return " and ".join(
        f"{listed(map(str, numbers), 'or')} bins of equal width over {listed(its, 'or')}"
        for numbers, its in ranges.items()
    )


def of_adaptive(specs: Sequence[EstimatorSpec]) -> str:
    """Bins of equal mass."""
    numbers = sorted({each.bins or 0 for each in specs})
    return f"{listed(map(str, numbers), 'or')} bins of equal mass over each layer"


def of_quantized(specs: Sequence[EstimatorSpec]) -> str:
    """Codes of a quantizer.

    >>> of_quantized([EstimatorSpec(kind="quantized", range=(0, 1), layers="output")])
    "codes of a quantizer with the network's own bits over [0, 1] (output layer)"
    """
    quantizers = []
    for each in specs:
        bits = f"{each.bits} bits" if each.bits else "the network's own bits"
        over = range_in_words(each.range) if isinstance(each.range, str) else each.range_name
        output = " (output layer)" if each.layers == "output" else ""
        quantizers.append(f"{bits} over {over}{output}")
    return f"codes of a quantizer with {listed(quantizers, 'or')}"


def of_kde(specs: Sequence[EstimatorSpec]) -> str:
    """Bounds by Gaussian noise.

    >>> of_kde([EstimatorSpec(kind="kde", noise=0.001, bound=bound) for bound in ("lower", "upper")])
    'the lower and upper bounds on I(X; T + Z), with Gaussian noise Z of variance 0.001'
    """
    bounds = sorted({each.bound for each in specs})
    noise = span(each.noise or 0 for each in specs)
    noun = "bound" if len(bounds) == 1 else "bounds"
    return f"the {listed(bounds)} {noun} on I(X; T + Z), with Gaussian noise Z of variance {noise}"


def of_rebinned(specs: Sequence[EstimatorSpec]) -> str:
    """Levels of the published code."""
    return "2ᵇ + 1 levels over the range of each layer of a network of b bits, as in the published code"


def of_others(specs: Sequence[EstimatorSpec]) -> str:
    """What a kind does whose estimators differ in nothing that has to be said."""
    return ESTIMATORS[specs[0].kind].about


IN_WORDS: dict[str, Callable[[Sequence[EstimatorSpec]], str]] = {
    **dict.fromkeys(ESTIMATORS, of_others),
    "rebinned": of_rebinned,
    "uniform": of_uniform,
    "adaptive": of_adaptive,
    "quantized": of_quantized,
    "kde": of_kde,
}
