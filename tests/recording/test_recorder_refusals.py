"""What a recorder refuses, warns of, and still records: inputs, labels, models and options."""

import math
import random

import numpy as np
import pytest
import torch
from recorded_models import ESTIMATORS, images, net, recorded
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset, TensorDataset

from infoplane import Recorder, UserError
from infoplane.recording import passes


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"labels": [0, 1]}, "labels: there are 2 for 60 inputs; give one for each input"),
            ({"labels": torch.zeros(60, 3)}, "labels have the shape (60, 3), expected (N,) or (N, 1)"),
            ({"labels": [0.5] * 60}, "labels hold 0.5, expected whole numbers"),
            ({"labels": None}, "labels: are missing; give them, or a DataLoader of pairs"),
            ({"inputs": "pixels"}, "inputs: are <U6, not numbers; give an array or a tensor"),
            ({"inputs": 1.0}, "inputs: are not tensors (N, …) of one length"),
            ({"inputs": {"a": torch.ones(60, 1), "b": torch.ones(59, 1)}}, "inputs: are not tensors (N, …)"),
            ({"every": 0}, "every: 0 is not a whole number ≥ 1; give one"),
            ({"batch_size": 2.5}, "batch_size: 2.5 is not a whole number ≥ 1"),
            ({"bits": True}, "bits: True is not a whole number ≥ 1"),
            ({"estimators": "exakt"}, "estimators: kind: 'exakt' is unknown; did you mean 'exact'?"),
            ({"estimators": {"mine": "uniform"}}, "estimators: mine: kind uniform needs bins; add it"),
            ({"estimators": []}, "estimators: there are none; give at least one, as exact"),
            ({"estimators": ["exact", "exact"]}, "estimators: two are called exact; give a mapping"),
            (
                {"estimators": {"kind": "uniform", "bins": 30, "range": "global"}},
                "estimators: uniform-30-global: range global is that of all epochs",
            ),
            ({"estimators": {"kind": "exact", "subset": "test"}}, "estimators: exact: subset test of these"),
            (
                {"estimators": {"kind": "exact", "epochs": 4}},
                "estimators: exact: epochs 4 are some of a finished",
            ),
            (
                {"estimators": {"kind": "quantized", "range": "layer"}},
                "estimators: quantized-layer: has no bits, and the network has 32; give it bits, 1 to 16",
            ),
            (
                {"estimators": {"kind": "exact", "layers": [7]}},
                "layers: there is no layer 7 in a network of 5",
            ),
        ],
    )
    def test_arguments(self, arguments, message):
        inputs, labels = images()
        with pytest.raises(UserError) as caught:
            Recorder(**{"model": net(), "inputs": inputs, "labels": labels} | arguments)
        assert str(caught.value).startswith(message) and "\n" not in str(caught.value)

    def test_loaders(self):
        inputs, labels = images()
        pairs = TensorDataset(inputs, labels)
        with pytest.raises(UserError, match="inputs: the DataLoader shuffles; give one with shuffle=False"):
            Recorder(net(), DataLoader(pairs, 16, shuffle=True))
        with pytest.raises(UserError, match="labels: there are 60 for 48 inputs; give one for each input"):
            recorded(net(), DataLoader(Subset(pairs, range(48)), 16), labels)
        with pytest.raises(UserError, match="labels: there are 40 for 60 inputs; give one for each input"):
            recorded(net(), DataLoader(pairs, 16), labels[:40])

    @pytest.mark.parametrize(
        ("epochs", "metrics", "message"),
        [
            ([-2], {}, "epoch -2: is not a whole number ≥ −1"),
            ([0.5], {}, "epoch 0.5: is not a whole number ≥ −1"),
            ([True], {}, "epoch True: is not a whole number ≥ −1"),
            ([3, 3], {}, "epoch 3: comes after epoch 3; record each epoch once, in their order"),
            ([3, 1], {}, "epoch 1: comes after epoch 3"),
            ([0], {"loss": "low"}, "metric loss: 'low' is not a number; give one number per epoch"),
            ([0], {"loss": torch.ones(2)}, "metric loss: tensor([1., 1.]) is not a number"),
            ([0], {"part": 1.0}, "metric part: is a column of the history; give it another name"),
        ],
    )
    def test_epochs_and_metrics(self, epochs, metrics, message):
        recorder = Recorder(net(), *images())
        with pytest.raises(UserError) as caught:
            for epoch in epochs:
                recorder.record(epoch, **metrics)
        assert str(caught.value).startswith(message)
        assert recorder.epochs == epochs[:-1]

    @pytest.mark.parametrize("memory", [0, 2**28])
    @pytest.mark.parametrize("name", ["layer", "neuron", "adaptive", "kde", "rebinned"])
    def test_infinity_has_no_bins(self, monkeypatch, memory, name):
        monkeypatch.setattr(passes, "MEMORY", memory)
        inputs = torch.tensor([[1.0], [math.inf], [2.0]])
        assert recorded(nn.Identity(), inputs, [0, 1, 1], layers="output").table()["distinct"][0] == 3
        fixed = recorded(nn.Identity(), inputs, [0, 1, 1], layers="output", estimators=ESTIMATORS["fixed"])
        assert fixed.table()["distinct"][0] == 1
        with pytest.raises(
            UserError, match="layer output: outputs infinity, over which no bins can be defined"
        ):
            recorded(nn.Identity(), inputs, [0, 1, 1], layers="output", estimators=ESTIMATORS[name])

    def test_random_outputs_of_a_large_layer(self, monkeypatch):
        monkeypatch.setattr(passes, "MEMORY", 0)

        class Noisy(nn.Module):
            def forward(self, values):
                return (values + torch.rand(())).round(decimals=2)

        with pytest.raises(
            UserError, match="layer output: outputs different values when the same inputs are run"
        ):
            recorded(Noisy(), torch.zeros(20, 1), [0] * 20, layers="output", batch_size=20)

    @pytest.mark.parametrize("memory", [0, 2**28])
    @pytest.mark.parametrize(
        ("noise", "name"),
        [
            (lambda values: functional.dropout(values, 0.5, training=True), "1"),
            (lambda values: values + torch.randn_like(values), "1"),
            (lambda values: values + float(np.random.default_rng().random()), "1"),
            (lambda values: torch.relu(values + random.random()), "1.relu"),
        ],
    )
    @pytest.mark.parametrize("layers", [None, "2", "output"])
    def test_a_model_that_is_random_in_evaluation_mode(self, monkeypatch, memory, noise, name, layers):
        monkeypatch.setattr(passes, "MEMORY", memory)

        class Noise(nn.Module):
            def forward(self, values):
                return noise(values)

        model = nn.Sequential(nn.Linear(4, 9), Noise(), nn.Tanh(), nn.Linear(9, 2))
        recorder = Recorder(model, torch.ones(20, 4), [0] * 20, layers=layers)
        before = torch.get_rng_state(), random.getstate()
        with pytest.raises(
            UserError, match=f"^layer {name}: outputs different values when the same inputs are run again"
        ):
            recorder.record(-1)
        assert torch.equal(torch.get_rng_state(), before[0]) and random.getstate() == before[1]
        assert recorder.epochs == []

    def test_noise_in_what_is_not_recorded_does_not_matter(self):
        class Sampled(nn.Module):
            def forward(self, values):
                return values, values + torch.randn_like(values)

        table = recorded(Sampled(), torch.eye(4), range(4), layers="output[0]").table()
        assert table["distinct"].tolist() == [4]
        with pytest.raises(UserError, match=r"^layer output\[1\]: outputs different values"):
            recorded(Sampled(), torch.eye(4), range(4), layers="output[1]")

    def test_a_width_that_changes(self):
        class Growing(nn.Module):
            width = 1

            def forward(self, values):
                return values.repeat(1, self.width)

        model = Growing()
        recorder = Recorder(model, torch.ones(4, 1), [0] * 4, layers="output")
        model.width = 3
        with pytest.raises(
            UserError, match=r"layer output: outputs 3 numbers of torch\.float32 for an input, at"
        ):
            recorder.record(0)

    def test_calls_that_change(self):
        class Sometimes(nn.Module):
            def __init__(self):
                super().__init__()
                self.act, self.times = nn.ReLU(), 1

            def forward(self, values):
                for _ in range(self.times):
                    values = self.act(values)
                return values

        model = Sometimes()
        recorder = Recorder(model, torch.ones(4, 1), [0] * 4, layers="act")
        for times in (0, 2):
            model.times = times
            with pytest.raises(
                UserError, match=f"layer act: is called {times} times for a batch, at first 1;"
            ):
                recorder.record(0)
