"""Networks of this package as PyTorch modules: what is recorded of them is what `estimate` has counted."""

import pandas as pd
import pytest
import torch
from small_networks import DATASET, NETWORKS, trained

from infoplane import EstimatorSpec, Recorder, estimate
from infoplane.networks.inputs import network_labels

KEYS = ["repetition", "part", "epoch", "layer"]
ESTIMATORS = {
    "exact": {"kind": "exact"},
    "uniform": {"kind": "uniform", "bins": 5, "range": "layer"},
    "neuron": {"kind": "uniform", "bins": 3, "range": "neuron"},
    "adaptive": {"kind": "adaptive", "bins": 4},
}


@pytest.mark.parametrize("batch_size", [64, 200])
@pytest.mark.parametrize("name", NETWORKS)
def test_recorded_information_is_that_of_estimate(name, batch_size):
    trajectory = trained(name)
    inputs = torch.from_numpy(DATASET.inputs)
    found = {estimator: [] for estimator in ESTIMATORS}
    for repetition in trajectory.repetitions.tolist():
        labels = network_labels(trajectory.spec, DATASET, repetition)
        for part, epoch in zip(trajectory.parts.tolist(), trajectory.epochs.tolist(), strict=True):
            module = trajectory.module(repetition, epoch, DATASET, part)
            recorder = Recorder(module, inputs, labels, estimators=ESTIMATORS, batch_size=batch_size)
            recorder.record(epoch)
            for estimator, tables in found.items():
                tables.append(recorder.table(estimator).assign(repetition=repetition, part=part))
    for estimator, tables in found.items():
        own = pd.concat(tables, ignore_index=True).drop(columns="layer_name")
        expected = estimate(EstimatorSpec(**ESTIMATORS[estimator]), trajectory, DATASET)
        pd.testing.assert_frame_equal(
            own.sort_values(KEYS, ignore_index=True),
            expected.sort_values(KEYS, ignore_index=True),
            check_exact=True,
            check_dtype=False,
        )
