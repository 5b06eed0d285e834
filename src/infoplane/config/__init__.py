"""The config of a study: its specs, their validation, and the study that they describe."""

from infoplane.config.data import DatasetSpec
from infoplane.config.estimators import EXACT, EstimatorSpec
from infoplane.config.figures import FigureSpec
from infoplane.config.recorded import RecordedExperiment, RecordedSpec, spec_of_runs
from infoplane.config.study import NO_DEVICE, Estimator, Experiment, Study, load_config, resolve
from infoplane.config.training import (
    Bits,
    ConvSpec,
    DenseSpec,
    LayerSpec,
    PoolSpec,
    RangeSpec,
    TrainingSpec,
)
from infoplane.config.validation import parse_spec

__all__ = [
    "EXACT",
    "NO_DEVICE",
    "Bits",
    "ConvSpec",
    "DatasetSpec",
    "DenseSpec",
    "Estimator",
    "EstimatorSpec",
    "Experiment",
    "FigureSpec",
    "LayerSpec",
    "PoolSpec",
    "RangeSpec",
    "RecordedExperiment",
    "RecordedSpec",
    "Study",
    "TrainingSpec",
    "load_config",
    "parse_spec",
    "resolve",
    "spec_of_runs",
]
