"""A spec is known by what differs from its defaults."""

import copy
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.config import DatasetSpec, EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.config.kinds import FIGURES
from infoplane.config.training import Ranges
from infoplane.digests import digest
from infoplane.errors import UserError
from infoplane.information.resolution import EPOCHS

NEEDED = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8}
NEEDED |= {"epochs": 100, "record_every": 5}
ALTERNATIVES = {
    "protocol": "controlled",
    "ranges": {"activations": (0.0, 4.0)},
    "initialisation": "glorot",
    "labels": "shuffled",
    "prefit_epochs": 3,
    "batch_size": 32,
    "train_fraction": 0.4,
    "weight_decay": 1e-3,
    "learning_rate": 1e-3,
    "beta_1": 0.8,
    "beta_2": 0.99,
    "epsilon": 1e-8,
    "seed": 7,
    "engine": "torch",
}
# Keys that Adam's do not go with
OF_DESCENT = {"optimizer": "sgd", "momentum": 0.5}


class LaterSpec(TrainingSpec):
    """A spec of a later version, which has one key more."""

    dropout: float = 0.0


@given(st.sets(st.sampled_from(sorted(ALTERNATIVES))))
def test_a_key_added_later_changes_no_hash(names):
    chosen = {name: ALTERNATIVES[name] for name in names}
    now, later = TrainingSpec(**NEEDED, **chosen), LaterSpec(**NEEDED, **chosen)
    assert now.differences() == later.differences()


def test_a_later_key_that_is_used_changes_the_hash():
    default, used = LaterSpec(**NEEDED), LaterSpec(**NEEDED, dropout=0.9)
    assert digest(default.differences()) != digest(used.differences())
    assert used.differences()["dropout"] == 0.9


@given(st.sets(st.sampled_from(sorted(ALTERNATIVES))))
def test_differences_hold_the_whole_spec(names):
    spec = TrainingSpec(**NEEDED, **{name: ALTERNATIVES[name] for name in names})
    assert spec.differences().keys() == NEEDED.keys() | names
    assert TrainingSpec.model_validate(spec.differences()) == spec


@pytest.mark.parametrize("key", ALTERNATIVES)
def test_every_optional_key_is_a_difference(key):
    assert ALTERNATIVES.keys() | OF_DESCENT.keys() == {
        name for name, field in TrainingSpec.model_fields.items() if not field.is_required()
    }
    assert key not in TrainingSpec(**NEEDED).differences()


def test_defaults_never_change():
    """Results are known by what differs from the defaults: another default would make old results wrong.

    Where a default has to change, the versions of the engine change with it.
    """
    defaults = {
        model: {
            name: field.get_default() for name, field in model.model_fields.items() if not field.is_required()
        }
        for model in (TrainingSpec, EstimatorSpec, DatasetSpec)
    }
    assert defaults[TrainingSpec] == {
        "protocol": "published",
        "ranges": Ranges(),
        "initialisation": None,
        "labels": "given",
        "prefit_epochs": 0,
        "batch_size": 256,
        "train_fraction": None,
        "optimizer": "adam",
        "momentum": None,
        "weight_decay": 0.0,
        "learning_rate": 1e-4,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "seed": 0,
        "engine": "kernels",
    }
    assert defaults[EstimatorSpec] == {
        "bins": None,
        "bits": None,
        "range": None,
        "noise": None,
        "bound": "upper",
        "layers": None,
        "epochs": None,
        "subset": "all",
    }
    assert defaults[DatasetSpec] == {
        "folder": None,
        "path": None,
        "scale": None,
        "fraction": 1.0,
        "scaling": "all",
        "channels": None,
    }


def test_figures_are_known_by_their_differences():
    figure = FigureSpec(kind="margins", category="claims", dpi=200)
    assert figure.differences() == {"kind": "margins", "category": "claims"}


WRITTEN = [
    "TrainingSpec(dataset='mine', network=[10, 7], activation='relu', bits=8, epochs=9, record_every=3)",
    "TrainingSpec(dataset='mine', network='4x10', activation='tanh', bits='float32', epochs=9, "
    "record_every=3, learning_rate=0.01)",
    "TrainingSpec(dataset='mine', network=[{'conv': 2}, {'pool': 2}, {'conv': 3, 'kernel': 2}, 4], "
    "activation='relu', bits={'weights': 8, 'activations': 4}, protocol='controlled', "
    "ranges={'activations': [0.0, 4.0]}, epochs=9, record_every=3, batch_size='whole', optimizer='sgd')",
    "EstimatorSpec(kind='exact')",
    "EstimatorSpec(kind='uniform', bins=30, range=[-1.0, 1.0], layers=[1, 2])",
    "DatasetSpec(name='mine', kind='npz', path='mine.npz', scale=0.5)",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_spec_shows_what_one_would_write(text):
    spec = eval(text)
    assert repr(spec) == text and eval(repr(spec)) == spec
    for copied in (copy.deepcopy(spec), pickle.loads(pickle.dumps(spec)), type(spec)(**spec.differences())):
        assert copied == spec


SPEC_KEYS = {"dataset": "mine", "network": [4], "activation": "relu", "epochs": 9, "record_every": 3}
REFUSED = {
    "TrainingSpec: dataset: missing; add it": lambda: TrainingSpec(),
    "TrainingSpec: bits: 99 is not a width of 2 to 16, ": lambda: TrainingSpec(**SPEC_KEYS, bits=99),
    "TrainingSpec: bist: unknown key; did you mean 'bits'?": lambda: TrainingSpec(**SPEC_KEYS, bist=8),
    "TrainingSpec: network.0: {'conv': 0} is not a layer: ": lambda: TrainingSpec(
        **SPEC_KEYS | {"network": [{"conv": 0}]}, bits=8
    ),
    "EstimatorSpec: kind uniform needs bins": lambda: EstimatorSpec(kind="uniform"),
    "EstimatorSpec: kind: 'exakt' is unknown; did you mean 'exact'?": lambda: EstimatorSpec(kind="exakt"),
    "EstimatorSpec: bits cannot be set; ": lambda: setattr(EstimatorSpec(kind="exact"), "bits", 3),
    "TrainingSpec: colour cannot be set; ": lambda: setattr(
        TrainingSpec(**SPEC_KEYS, bits=8), "colour", "red"
    ),
    "FigureSpec: kind: missing; add it": lambda: FigureSpec(),
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_wrong_with_a_spec_is_one_line(line):
    """As of a config: a value that is wrong, in Python too."""
    with pytest.raises(ValueError) as error:
        REFUSED[line]()
    assert isinstance(error.value, UserError) and str(error.value).startswith(line), str(error.value)
    assert "\n" not in str(error.value) and "pydantic" not in str(error.value)


def figure(kind, **keys):
    return FigureSpec(kind=kind, category="A", experiments=["relu"], **keys)


def test_captions_say_what_the_keys_of_a_figure_decide():
    by_one, by_three = ({"estimators": ["exact", "fine", "coarse"][:count]} for count in (1, 3))
    plane = figure("plane", **by_one).caption
    assert "of every layer T, means over runs, coloured by epoch." in plane and "An inset enlarges" in plane
    plane = figure("plane", **by_three, colour="layer", layers=[1, 3]).caption
    assert "of layers T1 and T3, means over runs, coloured by layer." in plane and "inset" not in plane
    assert "inset" not in figure("plane", **by_one, i_xt=[0, 1]).caption
    assert "I(T;Y) of layer T2 over epochs" in figure("curves", **by_one, layers=[2]).caption
    assert "in the last hidden layer and in the output, with" in figure("forest", **by_one).caption
    assert "in layers T1 and T2, with" in figure("forest", **by_one, layers=[1, 2]).caption
    assert "a panel for each protocol. Pale" in figure("prevalence", **by_one).caption
    assert "a panel for each experiment. Pale" in figure("prevalence", **by_three).caption
    assert "Open markers" not in figure("resolution").caption
    assert "Open markers are networks" in figure("resolution", trained=["relu/exact"]).caption


@pytest.mark.parametrize("kind", FIGURES)
def test_captions_ask_nothing_of_a_config(kind):
    keys = {key: ["a"] for key in ("experiments", "estimators") if key in FIGURES[kind].takes}
    caption = FigureSpec(kind=kind, category="A", **keys).caption
    assert not re.search("[{}`]|must", caption)
    assert "{" not in FIGURES[kind].about and FIGURES[kind].about.endswith(FIGURES[kind].asks)


def test_the_caption_of_resolution_says_at_how_many_epochs():
    assert f"from about {EPOCHS} epochs" in figure("resolution").caption
