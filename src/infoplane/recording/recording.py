"""Recordings: the information of a model's layers at some epochs, as tables and as an artifact."""

import math
import warnings
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from infoplane.artifacts import array_digest, describe, machine, write_table
from infoplane.config.layers import column_of_layers, layers_in
from infoplane.config.recorded import ACCURACIES, refuse_other_shares
from infoplane.config.suggestions import suggestion
from infoplane.entropy import Information, entropy
from infoplane.errors import UserError, WrongValue
from infoplane.recording.calls import Call, observed
from infoplane.recording.estimators import Estimators, named_estimators
from infoplane.recording.inputs import Inputs, output_of
from infoplane.recording.layers import RecordedLayer, choose_layers, unseen_activations
from infoplane.recording.passes import gather, refuse_random_layers, tallies_of
from infoplane.recording.probabilities import with_numbers
from infoplane.recording.state import preserved, unwrapped
from infoplane.recording.tallies import Ends, LayerExtremes
from infoplane.refusals import refuse_other_types, short_text

__all__ = ["NO_ENDS", "Recording", "as_metrics", "positive", "refuse_other_epochs"]

NO_ENDS: Ends = (math.nan, math.nan)

# A layer is looked for in the run of so few inputs.
FEW = 2


class Recording:
    """Record of the information H(T), I(X;T) and I(T;Y) of the layers of a PyTorch model at some epochs.

    Attributes:
        layers: the names of the recorded layers, in their order.
        epochs: those of which there is information.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Any,
        labels: Any,
        layers: Any,
        estimators: Estimators,
        batch_size: int,
        bits: int,
    ) -> None:
        refuse_other_types("model", model, nn.Module, "a module of PyTorch")
        self.model = unwrapped(model)
        with preserved(self.model):  # a loader draws a random number for each pass
            self.inputs = Inputs(inputs, labels, positive("batch_size", batch_size))
        self.bits = positive("bits", bits)
        self.estimators = named_estimators(estimators, bits)
        self.recorded = find_layers(self.model, self.inputs, layers)
        self.numbers = {
            name: layers_in(each.spec, len(self.recorded)) for name, each in self.estimators.items()
        }
        self.epochs = list[int]()
        self.information = {name: list[Information]() for name in self.estimators}
        self.metrics = dict[int, dict[str, float]]()

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.recorded)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {', '.join(self.estimators)} of {len(self.layers)} layers on "
            f"{len(self.inputs):,} inputs, {len(self.epochs)} epochs>"
        )

    def table(self, estimator: str | None = None) -> pd.DataFrame:
        """Information by one estimator.

        Args:
            estimator: its name; there is no need for it where there is only one.

        Returns:
            The columns of `infoplane.estimate`: repetition (0), part (`main`), epoch, layer (1-based), h_t,
            i_xt, i_ty (bits), distinct; and layer_name. What `attrs` hold of the inputs tells
            `infoplane.plot_plane` where H(X) and H(Y) are.

        Raises:
            UserError: there are several estimators, or none of that name.
        """
        names = [*self.estimators]
        if estimator is None:
            if len(names) > 1:
                raise UserError(f"table: there are several estimators; name one of {', '.join(names)}")
            (estimator,) = names
        if estimator not in names:
            raise UserError(f"table: estimator {estimator!r} is unknown; {suggestion(str(estimator), names)}")
        numbers = self.numbers[estimator]
        epochs, layers = len(self.epochs), len(numbers)
        values = np.array(self.information[estimator], float).reshape(epochs, 4, layers).swapaxes(1, 2)
        names_of_layers = np.array([self.layers[number - 1] for number in numbers], object)
        table = pd.DataFrame(
            {
                "repetition": np.zeros(epochs * layers, np.int32),
                "part": np.full(epochs * layers, "main"),
                "epoch": np.repeat(np.array(self.epochs, np.int32), layers),
                "layer": np.tile(column_of_layers(numbers, len(self.layers)), epochs),
                "layer_name": np.tile(names_of_layers, epochs),
            }
            | dict(zip(Information._fields, values.reshape(-1, 4).T, strict=True))
        ).astype({"distinct": np.int32})
        table.attrs["dataset"] = self.dataset
        return table

    @property
    def dataset(self) -> dict[str, Any]:
        """What is known of the inputs: N, the number of classes, H(Y), a digest of the labels, chance."""
        labels = self.inputs.labels
        counts = np.bincount(labels)
        return {
            "inputs": len(labels),
            "classes": len(counts),
            "h_y": entropy(counts),
            "labels": array_digest(labels),
            "chance": float(counts.max() / len(labels)),
        }

    def history(self) -> pd.DataFrame:
        """Metrics by epoch: repetition (0), part (`main`), epoch, and a column for each metric."""
        names = dict.fromkeys(name for metrics in self.metrics.values() for name in metrics)
        columns = {
            name: np.array([metrics.get(name, np.nan) for metrics in self.metrics.values()], float)
            for name in names
        }
        keys = {
            "repetition": np.zeros(len(self.metrics), np.int32),
            "part": np.full(len(self.metrics), "main"),
            "epoch": np.array([*self.metrics], np.int32),
        }
        return pd.DataFrame(keys | columns)

    def save(self, path: str | Path) -> None:
        """Write the tables of all estimators as one, with a column `estimator`, and their description.

        The description holds the specs of the estimators, the names of the layers, N, H(Y), a digest of the
        labels, the history, and the versions and the machine that the numbers come from.

        Raises:
            UserError: the path does not end in .parquet, or cannot be written.
        """
        path = Path(path)
        if path.suffix != ".parquet":
            raise UserError(f"{path}: a recording is written as .parquet; rename the file")
        tables = {name: self.table(name) for name in self.estimators}
        history = self.history().drop(columns=["repetition", "part"])
        description = describe(
            "recorded",
            {
                "estimators": {name: each.spec.differences() for name, each in self.estimators.items()},
                "layers": [*self.layers],
                "bits": self.bits,
            },
            repetitions=[0],
            dataset=self.dataset,
            layers=len(self.layers),
            epochs=self.epochs,
            history={str(name): [*map(finite, values)] for name, values in history.items()},
            machine=machine(),
        )
        table = pd.concat(tables, names=["estimator"]).reset_index("estimator").reset_index(drop=True)
        table.attrs = {}  # which would be written beside the description
        write_table(path, table, description)

    def state_dict(self) -> dict[str, Any]:
        """What has been recorded so far, for a checkpoint: numbers, texts, lists and dicts."""
        return {
            "layers": [*self.layers],
            "epochs": [*self.epochs],
            "metrics": {epoch: dict(metrics) for epoch, metrics in self.metrics.items()},
            "information": {
                name: [[each.tolist() for each in values] for values in found]
                for name, found in self.information.items()
            },
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` has returned.

        Raises:
            UserError: it is of other layers or estimators.
        """
        for what, found, expected in (
            ("layers", state["layers"], self.layers),
            ("estimators", state["information"], self.estimators),
        ):
            if [*found] != [*expected]:
                raise UserError(
                    f"state: holds the {what} {', '.join(found)}, expected {', '.join(expected)}; create the "
                    "recorder as before"
                )
        self.epochs, self.metrics = [*state["epochs"]], dict(state["metrics"])
        self.information = {
            name: [Information(*map(np.array, values)) for values in found]
            for name, found in state["information"].items()
        }

    def refuse_epoch(self, epoch: Any) -> None:
        """Refuse an epoch that is no whole number from −1 on, or not later than the one before."""
        refuse_other_epochs(epoch)
        last = max(self.metrics, default=-2)
        if epoch <= last:
            raise UserError(
                f"epoch {epoch}: comes after epoch {last}; record each epoch once, in their order"
            )

    def extremes(self) -> Ends:
        """The lowest and the highest activation of all layers of the model as it is now.

        Raises:
            UserError: one is NaN or infinite.
        """
        found = {layer: LayerExtremes(layer.name) for layer in self.recorded}
        gather(self.model, self.inputs, {layer: [each] for layer, each in found.items()})
        return min(each.low for each in found.values()), max(each.high for each in found.values())

    def count(self, epoch: int, ends: Ends) -> None:
        """Add the information of the model as it is now.

        Args:
            epoch: the epoch after which it is as it is.
            ends: the range `global`, if an estimator has it.

        Raises:
            UserError: a layer outputs NaN, or what else has no information; or the model is random in
                evaluation mode, which is tried on the first batch of the first recording.
        """
        if not self.epochs:
            refuse_random_layers(self.model, self.inputs, self.recorded)
        estimators = {
            layer: {name: each for name, each in self.estimators.items() if number in self.numbers[name]}
            for number, layer in enumerate(self.recorded, 1)
        }
        tallies = tallies_of(estimators, self.inputs.labels, ends)
        gather(self.model, self.inputs, tallies)
        found = {
            layer: {name: each for tally in own for name, each in tally.information.items()}
            for layer, own in tallies.items()
        }
        self.epochs.append(epoch)
        for name, values in self.information.items():
            of_layers = [found[self.recorded[number - 1]][name] for number in self.numbers[name]]
            values.append(Information(*(np.concatenate(each) for each in zip(*of_layers, strict=True))))


def find_layers(model: nn.Module, inputs: Inputs, layers: Any) -> list[RecordedLayer]:
    """The layers of a model that are meant, found in a run on its first inputs."""
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise UserError(
                f"model: {name or 'it'} is a ScriptModule, whose calls cannot be observed; record the module "
                "that it was made from"
            )
    calls = list[Call]()
    with preserved(model), observed(model, lambda call: calls.append(with_numbers(call, calls))):
        batch = inputs.first(model, FEW)
        output_of(model, batch.values)
    chosen = choose_layers(model, layers, calls)
    if layers is None and (unseen := unseen_activations(model, calls)):
        names = ", ".join(f"{name or 'the model'} ({what})" for name, what in unseen.items())
        warnings.warn(
            f"layers: no activation functions were seen in {names}; if they count, name what to record, "
            'as by layers=["lstm[0]", nn.ReLU, "softmax"]',
            stacklevel=4,  # where `Recorder` or `from_states` is called
        )
    outputs = {(call.name, call.number): call.output for call in calls}
    return [layer.measured(outputs[layer.path, layer.number], batch) for layer in chosen]


def refuse_other_epochs(epoch: Any) -> None:
    """Refuse an epoch that is no whole number from −1 on."""
    if not isinstance(epoch, Integral) or isinstance(epoch, bool) or epoch < -1:
        raise UserError(
            f"epoch {short_text(epoch)}: is not a whole number ≥ −1; count the passes over the data"
        )


def positive(name: str, value: Any) -> int:
    """A whole number of at least 1."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise WrongValue(f"{name}: {short_text(value)} is not a whole number ≥ 1; give one")
    return int(value)


def as_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Metrics as numbers.

    Raises:
        UserError: one is no number, an accuracy is no share, or one has the name of another column.
    """
    numbers = {}
    for name, value in metrics.items():
        if name in ("repetition", "part", "epoch"):
            raise UserError(f"metric {name}: is a column of the history; give it another name")
        try:
            numbers[name] = float(value.detach() if isinstance(value, torch.Tensor) else value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"metric {name}: {value!r} is not a number; give one number per epoch") from error
        if name in ACCURACIES:
            refuse_other_shares(f"metric {name}", numbers[name])
    return numbers


def finite(value: Any) -> Any:
    """A number as JSON has it, which knows neither NaN nor infinity."""
    return value if math.isfinite(value) else None
