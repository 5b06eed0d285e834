"""Which layers are recorded, by default and by names, types and modules."""

import warnings
from collections import OrderedDict

import numpy as np
import pytest
import torch
from recorded_models import Net, dense, images, net, outputs_of
from torch import nn
from torch.nn import functional

from infoplane import Recorder, UserError, binned_information


def layers_of(model, inputs, layers=None):
    return Recorder(model, inputs, [0] * len(inputs), layers=layers).layers


def ones(*shape):
    return torch.ones(3, *shape)


class Function(nn.Module):
    """A module of one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, values):
        return self.function(values)


class Residual(nn.Module):
    """Activation functions inside of a module, as a module and as a function."""

    def __init__(self):
        super().__init__()
        self.inner, self.act = nn.Linear(4, 4), nn.GELU()

    def forward(self, values):
        return torch.tanh(values + self.act(self.inner(values)))


class Reading(nn.Module):
    """The sequences that a recurrent network returns, without its last state."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, values):
        return self.inner(values)[0]


class Unused(nn.Module):
    """A module with an activation function that it does not call."""

    def __init__(self):
        super().__init__()
        self.spare = nn.ReLU()

    def forward(self, values):
        return values


class TestDefault:
    def test_activations_pools_functions_and_the_softmax(self):
        assert layers_of(net(), images()[0]) == ("act:1", "act:2", "pool", "relu", "softmax")

    def test_inside_of_modules(self):
        model = nn.Sequential(Residual(), Residual(), nn.Linear(4, 2))
        assert layers_of(model, ones(4)) == ("0.act", "0.tanh", "1.act", "1.tanh", "softmax")

    @pytest.mark.parametrize(
        "function",
        [
            *(functional.relu, torch.relu, torch.relu_, torch.Tensor.relu_, functional.leaky_relu),
            *(functional.elu, functional.gelu, functional.silu, functional.selu, functional.softplus),
            *(torch.tanh, torch.Tensor.tanh, functional.hardtanh, torch.sigmoid, torch.special.expit),
            functional.logsigmoid,
        ],
    )
    def test_functions(self, function):
        model = nn.Sequential(nn.Linear(4, 4), Function(lambda values: function(values)), nn.Linear(4, 2))
        (name, last) = layers_of(model, ones(4))
        assert name.startswith("1.") and last == "softmax"

    @pytest.mark.parametrize(
        "pool", [functional.max_pool2d, functional.avg_pool2d, functional.adaptive_max_pool2d]
    )
    def test_pools_as_functions(self, pool):
        model = nn.Sequential(Function(lambda values: pool(values, 2)), nn.Flatten(), nn.Linear(4, 2))
        assert layers_of(model, ones(1, 4, 4)) == (f"0.{pool.__name__}", "softmax")

    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            (nn.Identity(), "softmax"),
            (nn.Softmax(1), "softmax"),
            (nn.LogSoftmax(1), "softmax"),
            (Function(lambda values: functional.softmax(values, 1)), "softmax"),
            (Function(lambda values: functional.log_softmax(values, 1)), "softmax"),
            (Function(lambda values: (values.sum(), values)), "softmax"),
            (Function(lambda values: {"loss": values.sum(), "scores": values}), "softmax"),
            (Function(lambda values: (values[:, :, None], values, values > 0)), "softmax"),
            (Function(lambda values: {"scores": [values[:, 0]]}), "sigmoid"),
            (Function(lambda values: OrderedDict(hidden=values, logits=values[:, :2])), "softmax"),
            (Function(lambda values: values[:, 0]), "sigmoid"),
            (Function(lambda values: values[:, :1]), "sigmoid"),
            (Function(lambda values: values.argmax(1)), "output"),
            (Function(lambda values: values[:, :, None]), "output"),
        ],
    )
    def test_the_output(self, last, expected):
        model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), last)
        assert layers_of(model, ones(4)) == ("1", expected)

    @pytest.mark.parametrize(
        ("last", "items", "first"),
        [
            (lambda values: (torch.tanh(values), values), "[0], [1]", "softmax[0]"),
            (lambda values: (values, values[:, :1]), "[0], [1]", "softmax[0]"),
            (lambda values: {"hidden": values, "scores": values}, "[hidden], [scores]", "softmax[hidden]"),
            (lambda values: (values > 0, [values, values]), "[0], [1][0], [1][1]", "softmax[1][0]"),
            (lambda values: [values[:, :, None], values[:, None]], "[0], [1]", "output[0]"),
        ],
    )
    def test_logits_that_cannot_be_told_are_asked_for(self, last, items, first):
        model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), Function(last))
        for layers in (None, "softmax"):
            with pytest.raises(UserError) as caught:
                layers_of(model, ones(4), layers)
            assert str(caught.value) == (
                f"layers: the model outputs {items}, and it is not clear which are the logits; "
                f'give layers= with "{first}" among them'
            )
        assert layers_of(model, ones(4), [nn.ReLU, first]) == ("1", first)
        with pytest.raises(UserError, match=r"^layer softmax\[9\]: has no such item; the model outputs \["):
            layers_of(model, ones(4), "softmax[9]")

    @pytest.mark.parametrize(
        ("last", "layers"),
        [
            (lambda values: values, "softmax"),
            (lambda values: (torch.tanh(values), values), "softmax[1]"),
            (lambda values: (torch.tanh(values), functional.softmax(values, 1)), "softmax[1]"),
            (lambda values: {"hidden": torch.tanh(values), "logits": values}, "softmax"),
            (
                lambda values: {"hidden": torch.tanh(values), "own": {"scores": values}},
                "softmax[own][scores]",
            ),
        ],
    )
    def test_the_softmax_is_that_of_the_logits_wherever_they_are(self, last, layers):
        inputs = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
        model = dense(4, 3, 5)
        (logits,) = outputs_of(model, inputs, "2")
        shares = torch.softmax(torch.from_numpy(logits), 1).float().numpy()
        bins = {"kind": "uniform", "bins": 9, "range": (0, 1)}
        recorder = Recorder(
            nn.Sequential(*model, Function(last)),
            inputs,
            torch.arange(50) % 3,
            layers=layers,
            estimators=bins,
        )
        recorder.record(0)
        found = recorder.table().iloc[0]
        expected = binned_information(shares, np.arange(50) % 3, bins=9, range=(0, 1))
        assert found["layer_name"] == layers
        assert [found[name] for name in expected._fields] == [float(each) for each in expected]

    def test_the_softmax_is_that_of_the_logits_once(self):
        inputs = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
        bins = {"kind": "uniform", "bins": 20, "range": (0, 1)}
        tables = []
        for last in (nn.Identity(), nn.Softmax(1), nn.LogSoftmax(1)):
            model = nn.Sequential(*dense(4, 3, 3), last)
            recorder = Recorder(model, inputs, [0] * 50, estimators=bins)
            recorder.record(0)
            tables.append(recorder.table().iloc[-1]["distinct"])
        assert len(set(tables)) == 1 and tables[0] > 1

    def test_an_activation_function_at_the_end_is_one_layer(self):
        assert layers_of(nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), ones(4)) == ("1",)

    def test_attention_is_no_layer(self):
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation=nn.ReLU())
        assert layers_of(nn.Sequential(layer, nn.Flatten()), ones(2, 4)) == ("0.activation", "softmax")

    @pytest.mark.parametrize(
        ("module", "found"),
        [
            (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), "0 (TransformerEncoderLayer)"),
            (
                nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2),
                "0.layers.0 (TransformerEncoderLayer), 0.layers.1 (TransformerEncoderLayer)",
            ),
            (Reading(nn.LSTM(4, 4, batch_first=True)), "0.inner (LSTM)"),
            (Reading(nn.GRU(4, 4, batch_first=True)), "0.inner (GRU)"),
            (Unused(), "0.spare (ReLU, not called)"),
        ],
    )
    def test_activation_functions_that_are_not_seen_are_warned_of(self, module, found):
        model = nn.Sequential(module, nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
        with pytest.warns(UserWarning, match="^layers: ") as caught:
            assert layers_of(model, ones(2, 4)) == ("1", "softmax")
        (warning,) = [str(each.message) for each in caught if str(each.message).startswith("layers: ")]
        assert warning == (
            f"layers: no activation functions were seen in {found}; if they count, name what to record, "
            'as by layers=["lstm[0]", nn.ReLU, "softmax"]'
        )

    def test_layers_that_are_named_are_not_warned_of(self):
        model = nn.Sequential(Reading(nn.LSTM(4, 4, batch_first=True)), nn.Flatten())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert layers_of(model, ones(2, 4), ["0.inner[0]", "softmax"]) == ("0.inner[0]", "softmax")
            layers_of(net(), images()[0])

    def test_a_recurrent_network_alone_is_asked_for_its_output(self):
        with pytest.raises(UserError, match=r'are the logits; give layers= with "output\[0\]" among them$'):
            layers_of(nn.LSTM(4, 4, batch_first=True), ones(2, 4))

    def test_a_pool_that_also_returns_where(self):
        model = nn.Sequential(nn.MaxPool1d(2, return_indices=True))
        assert layers_of(model, ones(4, 4)) == ("0[0]",)

    def test_a_traced_graph(self):
        model = torch.fx.symbolic_trace(net())
        assert layers_of(model, images()[0]) == ("act:1", "act:2", "pool", "relu", "softmax")


class TestNames:
    def test_names_types_and_modules(self):
        model, inputs = net(), images()[0]
        assert layers_of(model, inputs, "pool") == ("pool",)
        assert layers_of(model, inputs, ["last", "act:2"]) == ("last", "act:2")
        assert layers_of(model, inputs, nn.Conv2d) == ("first", "second")
        assert layers_of(model, inputs, [nn.ReLU, "softmax"]) == ("act:1", "act:2", "softmax")
        assert layers_of(model, inputs, model.norm) == ("norm",)
        assert layers_of(model, inputs, ["relu", "output", model]) == ("relu", "output")

    def test_the_output_is_what_the_model_returns(self):
        inputs, labels = images()
        recorder = Recorder(net(), inputs, labels, layers=["output", "last"])
        recorder.record(0)
        assert recorder.table().groupby("layer")["distinct"].first().nunique() == 1

    def test_a_module_of_that_name_comes_first(self):
        model = nn.Sequential(OrderedDict(softmax=nn.Linear(4, 5), output=nn.Linear(5, 2)))
        recorder = Recorder(model, ones(4), [0] * 3, layers=["softmax", "output"])
        assert [layer.width for layer in recorder.recorded] == [5, 2]

    def test_a_module_with_two_names(self):
        class Shared(Net):
            def __init__(self):
                super().__init__()
                self.alias = self.pool

        assert layers_of(Shared(), images()[0], ["alias", "pool"]) == ("pool",)

    def test_items_of_tuples_and_mappings(self):
        model = nn.LSTM(4, 5, batch_first=True)
        inputs = ones(2, 4)
        assert Recorder(model, inputs, [0] * 3, layers="output[0]").recorded[0].width == 10
        nested = Function(lambda values: {"a": [values, (values, values[:, 0])], "b": None})
        for item, width in (("", 20), ("[a]", 20), ("[a][1]", 12), ("[a][1][1]", 4)):
            assert Recorder(nested, inputs, [0] * 3, layers=f"output{item}").recorded[0].width == width

    @pytest.mark.parametrize(
        "wrap", [nn.DataParallel, torch.compile, lambda model: nn.DataParallel(torch.compile(model))]
    )
    def test_names_of_wrapped_models(self, wrap):
        inputs = images()[0]
        for name in ("pool", "module.pool", "_orig_mod.pool", "module._orig_mod.pool"):
            assert layers_of(wrap(net()), inputs, name) == ("pool",)
        assert layers_of(wrap(net()), inputs) == layers_of(net(), inputs)

    def test_compiled_parts_are_not_compiled_anew(self):
        def backend(*_):
            raise AssertionError("is compiled")

        model = nn.Sequential(nn.Flatten(), torch.compile(dense(64, 3, 2), backend=backend))
        assert layers_of(model, images()[0]) == ("1._orig_mod.1", "softmax")


class TestRefusals:
    @pytest.mark.parametrize(
        ("layers", "message"),
        [
            ("pol", "layer pol: is unknown; did you mean 'pool'?"),
            ("zzz", "layer zzz: is unknown; give names as of named_modules()"),
            ("act", "layer act: is called 2 times when the model runs; name one call, act:1 to act:2"),
            ("act:3", "layer act:3: is called only 2 times when the model runs"),
            ("pool:2", "layer pool:2: is called only 1 times when the model runs"),
            ("pool[1]", "layer pool[1]: has no such item; it outputs one tensor"),
            (nn.Tanh, "layers: no Tanh is called when the model runs; name other layers"),
            (nn.ReLU(), "layers: ReLU is not a part of the model; give its own modules"),
            ([], "layers: none are given; name some, or give None to select them automatically"),
            (3, "layers: 3 is not a name, type or module; give names as of named_modules()"),
            (["pool", 3], "layers: 3 is not a name, type or module"),
            ("", "layers: '' is not a name, type or module"),
        ],
    )
    def test_layers(self, layers, message):
        with pytest.raises(UserError) as caught:
            layers_of(net(), images()[0], layers)
        assert str(caught.value).startswith(message) and "\n" not in str(caught.value)

    def test_a_layer_that_is_never_called(self):
        model = net()
        model.spare = nn.Linear(2, 2)
        for wanted in ("spare", model.spare):
            with pytest.raises(
                UserError, match="layer spare: is never called when the model runs; name another"
            ):
                layers_of(model, images()[0], wanted)

    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (
                lambda values: None,
                "layer output: outputs NoneType, which is not a tensor; name another layer",
            ),
            (
                lambda values: values.sum(),
                "layer output: outputs the shape () for 2 inputs, expected (2, …)",
            ),
            (lambda values: values[:1], "layer output: outputs the shape (1, 4) for 2 inputs"),
            (lambda values: values.repeat(2, 1), "layer output: outputs the shape (4, 4) for 2 inputs"),
            (
                lambda values: (values, values[:1]),
                "layer output: outputs [1] of the shape (1, 4) for 2 inputs, expected (2, …); "
                "name one of [0], [1] behind it",
            ),
            (
                lambda values: (values, values > 0),
                "layer output: outputs torch.float32 and torch.int64; name one of [0], [1] behind it",
            ),
            (lambda values: values[:, :0], "layer output: outputs no numbers; name another layer"),
        ],
    )
    def test_outputs(self, function, message):
        with pytest.raises(UserError) as caught:
            layers_of(Function(function), ones(4), "output")
        assert str(caught.value).startswith(message)

    def test_a_batch_that_changes_later(self):
        class Cut(nn.Module):
            def forward(self, values):
                return values[:2]

        recorder = Recorder(Cut(), ones(4), [0] * 3, layers="output")
        with pytest.raises(
            UserError, match=r"layer output: outputs the shape \(2, 4\) for 3 inputs, expected \(3"
        ):
            recorder.record(0)
