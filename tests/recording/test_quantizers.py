"""Exact information of what PyTorch's and Brevitas' quantizers put out is that of their codes."""

import copy

import pytest
import torch
from recorded_models import images, net
from torch import nn

from infoplane import Recorder, UserError, exact_information

INFORMATION = ["h_t", "i_xt", "i_ty", "distinct"]
pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries that are to change


def row_of(table, name):
    return table.set_index("layer_name").loc[name, INFORMATION].tolist()


def information_of(codes, labels):
    return [float(each) for each in exact_information(codes.flatten(1).numpy(), labels)]


def one_byte(module):
    """The codes 0 … 2ᵇ − 1 that a fake quantizer's outputs stand for, whatever their floats are."""
    return lambda values: torch.round(values / module.scale + module.zero_point).to(torch.int64)


class TestTorch:
    """`torch.ao`'s quantization-aware training."""

    @pytest.fixture
    def quantization(self):
        return pytest.importorskip("torch.ao.quantization")

    def layers(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return [
                *(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
                *(nn.Linear(27, 2), nn.Tanh(), nn.Linear(2, 3)),
            ]

    def eager(self, quantization, is_fused=False):
        """A network with a quantizer in each module, which has seen the inputs once."""
        model = nn.Sequential(quantization.QuantStub(), *self.layers()).train()
        model.qconfig = quantization.get_default_qat_qconfig("fbgemm")
        if is_fused:
            quantization.fuse_modules_qat(model, [["1", "2", "3"]], inplace=True)
        prepared = quantization.prepare_qat(model)
        prepared(images()[0])
        return prepared

    @pytest.mark.parametrize("is_fused", [False, True])
    def test_layers_are_those_of_the_codes(self, quantization, is_fused):
        inputs, labels = images()
        model = self.eager(quantization, is_fused)
        recorder = Recorder(model, inputs, labels)
        assert recorder.layers == ("1" if is_fused else "3", "4", "7", "softmax")
        recorder.record(0)
        frozen = copy.deepcopy(model).eval().apply(quantization.disable_observer)
        with torch.no_grad():
            values = frozen[:8](inputs)
        codes = one_byte(frozen[7].activation_post_process)(values)
        assert len(codes.unique()) <= 256
        assert row_of(recorder.table(), "7") == information_of(codes, labels)

    def test_observers_do_not_move(self, quantization):
        inputs, labels = images()
        model = self.eager(quantization)
        state = copy.deepcopy(model.state_dict())
        recorder = Recorder(model, 10 * inputs, labels)
        recorder.record(0)
        after = model.state_dict()
        assert all(torch.equal(value, after[name]) for name, value in state.items())
        model(10 * inputs)
        assert not torch.equal(
            state["0.activation_post_process.scale"], model.state_dict()["0.activation_post_process.scale"]
        )

    def test_converted_networks_have_the_information_of_their_codes(self, quantization):
        inputs, labels = images()
        model = quantization.convert(self.eager(quantization, is_fused=True).eval())
        recorder = Recorder(model, inputs, labels)
        recorder.record(0)
        with torch.no_grad():
            codes = model[:2](inputs).int_repr()
        assert row_of(recorder.table(), "1") == information_of(codes, labels)

    def test_a_quantizer_behind_an_activation_function_is_the_layer(self, quantization):
        inputs, labels = images()
        quantizer = quantization.FakeQuantize(quant_min=0, quant_max=15)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.ReLU(), quantizer, nn.Linear(3, 3)).train()
        model(inputs)
        recorder = Recorder(model, inputs, labels)
        assert recorder.layers == ("3", "softmax")
        recorder.record(0)
        model.eval().apply(quantization.disable_observer)
        with torch.no_grad():
            codes = one_byte(quantizer)(model[:4](inputs))
        assert codes.max() <= 15
        assert row_of(recorder.table(), "3") == information_of(codes, labels)

    def test_graphs(self, quantization):
        quantize = pytest.importorskip("torch.ao.quantization.quantize_fx")
        inputs, labels = images()
        mapping = quantization.get_default_qat_qconfig_mapping("fbgemm")
        model = quantize.prepare_qat_fx(net().train(), mapping, (inputs,))
        model(inputs)
        recorder = Recorder(model, inputs, labels)
        recorder.record(0)
        assert len(recorder.layers) == 5
        assert all(name.startswith("activation_post_process") for name in recorder.layers[:-1])
        converted = quantize.convert_fx(copy.deepcopy(model).eval())
        assert Recorder(converted, inputs, labels).layers == ("first", "second", "pool", "relu", "softmax")


class TestBrevitas:
    @pytest.fixture
    def qnn(self):
        return pytest.importorskip("brevitas.nn")

    def model(self, qnn, kind, returns_tensors):
        ends = {"min_val": -1, "max_val": 1} if kind == "QuantHardTanh" else {}
        activation = getattr(qnn, kind)(bit_width=3, return_quant_tensor=returns_tensors, **ends)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = nn.Sequential(
                qnn.QuantConv2d(1, 2, 5, weight_bit_width=4, bias=True),
                activation,
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(8, 2),
                nn.ReLU(),
                qnn.QuantIdentity(bit_width=3, return_quant_tensor=returns_tensors),
                qnn.QuantLinear(2, 3, bias=True),
            )
            model.train()(images()[0])
        return model

    @pytest.mark.parametrize("returns_tensors", [False, True])
    @pytest.mark.parametrize("kind", ["QuantReLU", "QuantTanh", "QuantSigmoid", "QuantHardTanh"])
    def test_layers_are_those_of_the_codes(self, qnn, kind, returns_tensors):
        inputs, labels = images()
        model = self.model(qnn, kind, returns_tensors)
        state = copy.deepcopy(model.state_dict())
        recorder = Recorder(model, inputs, labels)
        assert recorder.layers == ("1", "2", "6", "softmax")
        recorder.record(0)
        assert all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
        for layer in (1, 6):
            model[layer].return_quant_tensor = True
            model.eval()
            with torch.no_grad():
                codes = model[: layer + 1](inputs).int()
            assert len(codes.unique()) <= 8
            assert row_of(recorder.table(), str(layer)) == information_of(codes, labels)

    def test_bins_of_a_tensor_with_a_scale(self, qnn):
        inputs, labels = images()
        tables = []
        for returns_tensors in (False, True):
            model = self.model(qnn, "QuantReLU", returns_tensors)
            recorder = Recorder(
                model, inputs, labels, estimators={"kind": "uniform", "bins": 4, "range": "layer"}
            )
            recorder.record(0)
            tables.append(recorder.table())
        assert tables[0].equals(tables[1])


def test_scripted_models_are_refused():
    inputs, labels = images()
    for model in (torch.jit.script(net()), torch.jit.trace(net().eval(), inputs)):
        with pytest.raises(UserError, match="model: it is a ScriptModule, whose calls cannot be observed"):
            Recorder(model, inputs, labels)
        with pytest.raises(UserError, match="model: 1 is a ScriptModule"):
            Recorder(nn.Sequential(nn.Identity(), model), inputs, labels)


def test_a_straight_through_sum_is_off_its_grid():
    """What docs/own-networks.md warns of: where q clips, x + (q(x) − x) is rounded."""

    class Straight(nn.Module):
        def forward(self, values):
            quantized = torch.round(values.clamp(0, 0.7) * 10) / 10
            return {"sum": values + (quantized - values).detach(), "grid": quantized}

    values = 10 * torch.randn(1000, 1, generator=torch.Generator().manual_seed(0))
    recorder = Recorder(Straight(), values, [0] * 1000, layers=["output[sum]", "output[grid]"])
    recorder.record(0)
    of_sum, of_grid = recorder.table()["distinct"]
    assert of_grid == 8 < of_sum
