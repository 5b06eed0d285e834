"""A callback that records the information plane of a model while Lightning trains it."""

from pathlib import Path
from typing import Any

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "infoplane.lightning needs Lightning: pip install infoplane[lightning]"
    ) from error

from matplotlib.figure import Figure

from infoplane.artifacts import written_aside
from infoplane.plotting import plot_plane
from infoplane.recording import Recorder
from infoplane.recording.estimators import Estimators

__all__ = ["InformationPlane"]

COLUMNS = {"repetition", "part", "epoch"}


class InformationPlane(Callback):
    """Records a model before the first step and after each epoch, as `infoplane.Recorder` does.

    I(X;T) and I(T;Y) of every layer go to all loggers of the trainer, as `exact/i_xt/relu`. What else was
    logged at the end of an epoch goes into the history. At the end the information plane of each estimator is
    drawn into the folder of the logs, as `plane-exact.png`, and added to loggers that take figures. The model
    runs in the trainer's precision; of several processes the first one alone records. A training that is
    resumed from a checkpoint goes on with what had been recorded.

    All arguments are those of `infoplane.Recorder`.

    Attributes:
        recorder: the `infoplane.Recorder`, from the start of the fit on.
    """

    recorder: Recorder

    def __init__(
        self,
        inputs: Any,
        labels: Any = None,
        layers: Any = None,
        estimators: Estimators = "exact",
        every: int = 1,
        batch_size: int = 256,
        bits: int = 32,
    ) -> None:
        self.arguments = inputs, labels, layers, estimators, every, batch_size, bits
        self.resumed: dict[str, Any] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        continues = trainer.current_epoch > 0 and hasattr(self, "recorder")
        if trainer.is_global_zero and not continues:
            with trainer.precision_plugin.forward_context():
                self.recorder = Recorder(pl_module, *self.arguments)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero and self.resumed:
            self.recorder.load_state_dict(self.resumed)
        self.resumed = {}
        if trainer.is_global_zero and trainer.global_step == 0:
            self.record(trainer, -1, {})

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            metrics = {
                name: float(value) for name, value in trainer.callback_metrics.items() if name not in COLUMNS
            }
            self.record(trainer, trainer.current_epoch, metrics)

    def record(self, trainer: Trainer, epoch: int, metrics: dict[str, float]) -> None:
        """Record an epoch, and log it if it is one that is counted."""
        with trainer.precision_plugin.forward_context():
            self.recorder.record(epoch, **metrics)
        if epoch not in self.recorder.epochs:
            return
        for name in self.recorder.estimators:
            table = self.recorder.table(name)
            values = {
                f"{name}/{quantity}/{row['layer_name']}": row[quantity]
                for row in table[table["epoch"] == epoch].to_dict("records")
                for quantity in ("i_xt", "i_ty")
            }
            for logger in trainer.loggers:
                logger.log_metrics(values, step=trainer.global_step)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        folder = Path(trainer.log_dir or trainer.default_root_dir)  # which all processes have to ask for
        if not trainer.is_global_zero:
            return
        for name in self.recorder.estimators:
            figure = Figure((6, 4.5), layout="constrained")
            plot_plane(self.recorder.table(name), figure.subplots())
            with written_aside(folder / f"plane-{name}.png") as aside:
                figure.savefig(aside, format="png", dpi=200)
            for logger in trainer.loggers:
                experiment: Any = getattr(logger, "experiment", None)
                if hasattr(experiment, "add_figure"):
                    experiment.add_figure(f"plane/{name}", figure, trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        return self.recorder.state_dict() if hasattr(self, "recorder") else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.resumed = state_dict
