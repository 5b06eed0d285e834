"""Information of recorded models against hooks, arrays and brute force; nothing about the model changes."""

import math
import random
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from brute_force import brute_force
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_models import ESTIMATORS, Net, dense, images, net, outputs_of, recorded
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from infoplane import EstimatorSpec, Recorder, UserError, binned_information, exact_information
from infoplane.artifacts import array_digest, read_table
from infoplane.entropy import entropy
from infoplane.recording import passes

COLUMNS = ["repetition", "part", "epoch", "layer", "layer_name", "h_t", "i_xt", "i_ty", "distinct"]
INFORMATION = ["h_t", "i_xt", "i_ty", "distinct"]


class TestNumbers:
    def test_exact_is_that_of_the_outputs(self):
        inputs, labels = images()
        model = net()
        names = ["first", "pool", "last"]
        table = recorded(model, inputs, labels, layers=names).table()
        for row, values in zip(table.itertuples(), outputs_of(model, inputs, *names), strict=True):
            h_t, i_ty, distinct = brute_force(values, labels)
            assert row.h_t == row.i_xt == pytest.approx(h_t, abs=1e-12)
            assert row.i_ty == pytest.approx(i_ty, abs=1e-12)
            assert row.distinct == distinct

    def test_the_default_output_is_the_softmax(self):
        inputs, labels = images()
        model = dense(64, 5, 3)
        (logits,) = outputs_of(model, inputs.flatten(1), "2")
        shares = torch.softmax(torch.from_numpy(logits), 1).float().numpy()
        last = recorded(model, inputs.flatten(1), labels).table().iloc[-1]
        expected = exact_information(shares, labels)
        assert last["layer_name"] == "softmax"
        assert [last[name] for name in INFORMATION] == [float(each) for each in expected]

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("layer", {"bins": 3, "range": "layer"}),
            ("neuron", {"bins": 2, "range": "neuron"}),
            ("fixed", {"bins": 30, "range": (-1, 1)}),
            ("adaptive", {"bins": 3, "method": "adaptive"}),
        ],
    )
    def test_bins_are_those_of_the_outputs(self, name, arguments):
        inputs, labels = images()
        model = net()
        table = recorded(model, inputs, labels, layers="second", estimators=ESTIMATORS[name]).table()
        (values,) = outputs_of(model, inputs, "second")
        expected = binned_information(values, labels, **arguments)
        assert table[INFORMATION].iloc[0].tolist() == [float(each) for each in expected]

    @pytest.mark.parametrize("memory", [0, 3_000, 20_000, 2**28])
    def test_memory_changes_no_number(self, monkeypatch, memory):
        inputs, labels = images(16)
        inputs[9:14] = inputs[:5]
        expected = recorded(net(), inputs, labels, estimators=ESTIMATORS, batch_size=7)
        monkeypatch.setattr(passes, "MEMORY", memory)
        found = recorded(net(), inputs, labels, estimators=ESTIMATORS, batch_size=7)
        for name in ESTIMATORS:
            pd.testing.assert_frame_equal(found.table(name), expected.table(name), check_exact=True)

    @given(
        st.integers(0, 10), st.sampled_from(["tanh", "relu"]), st.integers(2, 4), st.sampled_from([0, 2**28])
    )
    @settings(max_examples=20)
    def test_data_processing_inequality(self, seed, activation, levels, memory):
        inputs, labels = images(50, 2, levels, seed)
        kind = {"tanh": nn.Tanh, "relu": nn.ReLU}[activation]
        model = dense(4, 4, 3, 2, seed=seed, activation=kind)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passes, "MEMORY", memory)
            table = recorded(model, inputs.flatten(1), labels).table()
        assert (table["h_t"].diff().dropna() <= 1e-12).all()
        assert (table["i_ty"].diff().dropna() <= 1e-12).all()
        h_y = entropy(np.bincount(labels))
        assert (table["i_ty"] <= np.minimum(table["h_t"], h_y) + 1e-12).all()

    def test_zeros_of_both_signs_are_one(self):
        inputs = torch.tensor([[0.0], [-0.0], [1.0]])
        (row,) = recorded(nn.Identity(), inputs, [0, 0, 1], layers="output").table().itertuples()
        assert row.distinct == 2

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_every_float_type_counts_its_own_numbers(self, dtype):
        values = torch.tensor([1.0, 1.0 + torch.finfo(dtype).eps, 1.0, 2.0], dtype=dtype)[:, None]
        recorder = recorded(
            nn.Sequential(nn.Flatten()), values, [0, 1, 0, 1], layers="0", estimators=ESTIMATORS
        )
        assert recorder.table("exact")["distinct"].tolist() == [3]
        assert recorder.table("adaptive")["distinct"].tolist() == [2]
        assert recorder.table("kde")["distinct"].tolist() == [3]

    def test_whole_numbers_and_booleans(self):
        class Threshold(nn.Module):
            def forward(self, values):
                return {"above": values > 1, "number": values + 2**60}

        table = recorded(
            Threshold(), torch.arange(4)[:, None], [0, 0, 1, 1], layers=["output[above]", "output[number]"]
        ).table()
        assert table["distinct"].tolist() == [2, 4]
        assert table["layer_name"].tolist() == ["output[above]", "output[number]"]

    def test_autocast_is_recorded_as_it_rounds(self):
        inputs, labels = images(200, 4, 1000)
        model = dense(16, 1, 3)
        recorder = Recorder(model, inputs.flatten(1) / 1000, labels)
        recorder.record(0)
        with torch.autocast("cpu", torch.bfloat16):
            recorder.record(1)
        before, after = recorder.table().query("layer == 1")["distinct"]
        assert before > after

    def test_the_model_sees_batches_of_one_size(self):
        sizes = []

        class Sized(nn.Module):
            def forward(self, values):
                sizes.append(len(values))
                return values

        recorded(Sized(), torch.arange(10.0)[:, None], [0] * 10, batch_size=4, layers="output")
        assert sizes == [2, 4, 4, 4, 4, 4]  # two inputs show the layers, a batch runs twice to be compared

    def test_a_stored_layer_is_seen_once(self):
        calls = []

        class Counted(nn.Module):
            def forward(self, values):
                calls.append(len(values))
                return values

        recorder = Recorder(Counted(), torch.zeros(10, 1), [0] * 10, layers="output", estimators=ESTIMATORS)
        recorder.record(0)
        calls.clear()
        recorder.record(1)
        assert calls == [10]


class TestInputs:
    def test_loaders_and_mappings_give_the_same(self):
        inputs, labels = images()
        expected = recorded(net(), inputs, labels, batch_size=16).table()
        pairs = TensorDataset(inputs, labels)

        class ByKeyword(Net):
            def forward(self, pixels, scale):
                return super().forward(pixels * scale[:, :, None, None])

        by_keyword = ByKeyword()
        by_keyword.load_state_dict(net().state_dict())
        named = {"pixels": inputs, "scale": torch.ones(60, 1)}
        for model, source, classes in [
            (net(), inputs.numpy(), labels.tolist()),
            (net(), inputs.double(), labels[:, None].numpy()),
            (net(), inputs.requires_grad_(), [f"class {label}" for label in labels]),
            (net(), pairs, None),
            (net(), DataLoader(pairs, 16), None),
            (net(), DataLoader(pairs, 16), labels),
            (net(), DataLoader(inputs.detach(), 16), labels),
            (by_keyword, named, labels),
        ]:
            found = recorded(model, source, classes, batch_size=16).table()
            pd.testing.assert_frame_equal(found, expected, check_exact=True)

    def test_loader_of_mappings(self):
        class ByKeyword(nn.Module):
            def forward(self, left, right):
                return left + right

        rows = [{"left": torch.tensor([float(i)]), "right": torch.tensor([float(-i % 2)])} for i in range(6)]
        table = recorded(ByKeyword(), DataLoader(rows, 4), [0] * 6, layers="output").table()
        assert table["distinct"].tolist() == [4]  # 0, 2, 2, 4, 4, 6

    def test_a_reversed_array_and_big_endian(self):
        values = np.arange(6.0)[::-1, None]
        for array in (values, values.astype(">f8"), np.asfortranarray(values.repeat(2, 1))):
            assert recorded(nn.Identity(), array, range(6), layers="output").table()["distinct"][0] == 6

    def test_one_input(self):
        assert recorded(dense(4, 2), torch.ones(1, 4), ["cat"]).table()["h_t"].tolist() == [0.0]


def test_model_and_inputs_stay_where_they_are():
    """Every tensor of both is the same object on the same device afterwards, and holds the same values."""
    inputs, labels = images()
    inputs = torch.as_tensor(inputs)
    model = net()
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers()), "inputs": inputs}
    before = {name: (each.data_ptr(), each.device, each.clone()) for name, each in tensors.items()}
    recorded(model, inputs, labels, estimators=ESTIMATORS)
    after = {**dict(model.named_parameters()), **dict(model.named_buffers()), "inputs": inputs}
    for name, (place, device, values) in before.items():
        assert after[name] is tensors[name] and after[name].data_ptr() == place
        assert after[name].device == device and torch.equal(after[name], values)
        assert after[name].grad is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
class TestOnGpu:
    def test_inputs_stay_on_the_processor_and_buffers_on_the_gpu(self):
        inputs, labels = images()
        inputs = torch.as_tensor(inputs)
        model = nn.Sequential(nn.BatchNorm2d(inputs.shape[1]), nn.Flatten(), nn.LazyLinear(3), nn.ReLU())
        model(inputs[:2])
        recorded(model.cuda(), inputs, labels)
        assert inputs.device.type == "cpu"
        assert {each.device.type for each in (*model.parameters(), *model.buffers())} == {"cuda"}

    def test_a_model_stays_there_and_inputs_come(self):
        inputs, labels = images()
        model = net().cuda()
        state = torch.cuda.get_rng_state()
        found = recorded(model, inputs, labels, estimators=ESTIMATORS)
        assert {each.device.type for each in model.parameters()} == {"cuda"}
        assert torch.equal(state, torch.cuda.get_rng_state())
        (values,) = outputs_of(model, inputs.cuda(), "last")
        expected = exact_information(values.astype(np.float32), labels)
        last = recorded(model, inputs.cuda(), labels.cuda(), layers="last").table()
        assert last[INFORMATION].iloc[0].tolist() == [float(each) for each in expected]
        assert len(found.table("exact")) == 5

    def test_half_precision(self):
        inputs, labels = images()
        table = recorded(net().cuda().half(), inputs, labels).table()
        assert (table["distinct"] > 0).all()


class TestTables:
    def test_columns_are_those_of_estimate(self):
        inputs, labels = images()
        recorder = Recorder(net(), inputs, labels, estimators=ESTIMATORS, every=2)
        for epoch in range(-1, 4):
            recorder.record(epoch, loss=1 / (epoch + 2))
        table = recorder.table("exact")
        assert [*table] == COLUMNS
        assert table.dtypes[["repetition", "epoch", "layer", "distinct"]].tolist() == [
            *("int32", "int32", "int8", "int32")
        ]
        assert table["epoch"].unique().tolist() == recorder.epochs == [-1, 0, 2]
        assert table["layer_name"].tolist() == [*recorder.layers] * 3
        assert recorder.table("output")["layer"].unique().tolist() == [len(recorder.layers)]
        with pytest.raises(UserError, match="table: there are several estimators; name one of exact, "):
            recorder.table()
        with pytest.raises(UserError, match="table: estimator 'exakt' is unknown; did you mean 'exact'"):
            recorder.table("exakt")

    def test_history_has_the_metrics_of_all_epochs(self):
        inputs, labels = images()
        recorder = Recorder(net(), inputs, labels, every=2)
        recorder.record(-1)
        recorder.record(0, loss=torch.tensor(0.5))
        recorder.record(1, loss=0.25, accuracy=np.float32(1))
        history = recorder.history()
        assert [*history] == ["repetition", "part", "epoch", "loss", "accuracy"]
        assert history["epoch"].tolist() == [-1, 0, 1]
        assert history["loss"].fillna(-1).tolist() == [-1, 0.5, 0.25]
        assert history["accuracy"].fillna(-1).tolist() == [-1, -1, 1]

    def test_a_loss_that_needs_a_gradient_is_taken_without(self):
        inputs, labels = images()
        model = net()
        recorder = Recorder(model, inputs, labels, layers="pool")
        loss = functional.cross_entropy(model(inputs), labels)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            recorder.record(0, loss=loss)
        assert recorder.history()["loss"].tolist() == [loss.item()] and loss.requires_grad

    def test_nothing_has_been_recorded(self):
        recorder = Recorder(net(), *images())
        assert recorder.table().empty and [*recorder.table()] == COLUMNS
        assert [*recorder.history()] == ["repetition", "part", "epoch"]

    def test_repr_says_what_is_recorded(self):
        recorder = Recorder(net(), *images(), estimators=["exact", EstimatorSpec(kind="rebinned")])
        assert repr(recorder) == "<Recorder: exact, rebinned of 5 layers on 60 inputs, 0 epochs>"

    def test_file_says_what_it_holds(self, tmp_path):
        inputs, labels = images()
        recorder = Recorder(net(), inputs, labels, estimators={"e": "exact", "bins": ESTIMATORS["neuron"]})
        recorder.record(-1, loss=math.nan)
        recorder.record(3, loss=0.5)
        recorder.save(tmp_path / "runs" / "first.parquet")
        table, description = read_table(tmp_path / "runs" / "first.parquet", "recorded")
        for name in ("e", "bins"):
            own = table[table["estimator"] == name].drop(columns="estimator").reset_index(drop=True)
            pd.testing.assert_frame_equal(own, recorder.table(name))
        assert description["spec"]["estimators"] == {
            "e": {"kind": "exact"},
            "bins": {"kind": "uniform", "bins": 2, "range": "neuron"},
        }
        assert description["spec"]["layers"] == [*recorder.layers]
        assert description["dataset"] == {
            "inputs": 60,
            "classes": 3,
            "h_y": entropy(np.bincount(labels)),
            "labels": array_digest(labels.numpy()),
            "chance": np.bincount(labels).max() / 60,
        }
        assert description["epochs"] == [-1, 3]
        assert description["history"] == {"epoch": [-1, 3], "loss": [None, 0.5]}
        assert description["machine"]["processor"]
        with pytest.raises(
            UserError, match=r"run\.csv: a recording is written as \.parquet; rename the file"
        ):
            recorder.save(tmp_path / "run.csv")

    def test_going_on_from_a_state(self):
        inputs, labels = images()
        first = Recorder(net(), inputs, labels, estimators=ESTIMATORS)
        first.record(-1, loss=2.0)
        second = Recorder(net(), inputs, labels, estimators=ESTIMATORS)
        second.load_state_dict(first.state_dict())
        for recorder in (first, second):
            recorder.record(0, loss=1.0)
        pd.testing.assert_frame_equal(first.history(), second.history())
        for name in ESTIMATORS:
            pd.testing.assert_frame_equal(first.table(name), second.table(name))
        with pytest.raises(UserError, match=r"state: holds the layers act:1, .*, expected first; create the"):
            Recorder(net(), inputs, labels, layers="first").load_state_dict(first.state_dict())
        with pytest.raises(
            UserError, match=r"state: holds the estimators exact, .*, expected rebinned; create"
        ):
            Recorder(net(), inputs, labels, estimators="rebinned").load_state_dict(first.state_dict())


class TestNothingChanges:
    def test_modes_hooks_buffers_and_random_states(self):
        model = net()
        model.train()
        model.drop.eval()
        hooks = [
            model.act.register_forward_hook(lambda *_: None),
            model.register_forward_pre_hook(lambda *_: None),
        ]
        modes = [module.training for module in model.modules()]
        names = [name for name in vars(model) if "hooks" in name]
        before = [[dict(vars(module)[name]) for name in names] for module in model.modules()]
        state = {name: value.clone() for name, value in model.state_dict().items()}

        class Random(torch.utils.data.Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, index):
                assert 0 <= random.random() + np.random.rand() + torch.rand(()) < 3
                return torch.ones(1, 8, 8), 0

        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(1)
        expected = random.random(), np.random.rand(), float(torch.rand(())), float(torch.rand(()))
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(1)
        recorder = Recorder(model, DataLoader(Random(), 2), [0] * 4)
        recorder.record(0)
        assert (random.random(), np.random.rand(), float(torch.rand(())), float(torch.rand(()))) == expected
        assert [module.training for module in model.modules()] == modes
        assert [[dict(vars(module)[name]) for name in names] for module in model.modules()] == before
        assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
        assert torch.is_grad_enabled()
        for hook in hooks:
            hook.remove()

    def test_also_where_a_recording_fails(self):
        inputs, labels = images()
        model = net().train()
        recorder = Recorder(model, inputs, labels)
        with torch.no_grad():
            model.first.weight.fill_(math.nan)
        with pytest.raises(UserError, match="layer act:1: outputs NaN for 60 of the 60 inputs from 0 on"):
            recorder.record(0, loss=1.0)
        assert all(module.training for module in model.modules())
        assert not any(module._forward_hooks for module in model.modules())
        assert recorder.epochs == [] and recorder.history().empty
        with torch.no_grad():
            model.first.weight.fill_(0)
        recorder.record(0, loss=1.0)
        assert recorder.epochs == [0]

    def test_a_buffer_that_is_replaced_or_written_to(self):
        class Counting(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("calls", torch.zeros(()))
                self.register_buffer("last", torch.zeros(1))

            def forward(self, values):
                self.calls += 1
                self.last = values.mean(0)
                return values

        model = Counting()
        buffers = dict(model.named_buffers())
        recorded(model, torch.ones(4, 1), [0] * 4, layers="output")
        assert all(dict(model.named_buffers())[name] is buffer for name, buffer in buffers.items())
        assert float(model.calls) == float(model.last) == 0

    def test_training_goes_on_as_if_nothing_had_been_recorded(self):
        def trained(is_recorded):
            inputs, labels = images()
            model = net().train()
            torch.manual_seed(3)
            optimizer = torch.optim.Adam(model.parameters())
            recorder = Recorder(model, inputs, labels) if is_recorded else None
            for epoch in range(3):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs), labels).backward()
                optimizer.step()
                if recorder:
                    recorder.record(epoch)
            return model.state_dict()

        one, other = trained(False), trained(True)
        assert all(torch.equal(one[name], other[name]) for name in one)
