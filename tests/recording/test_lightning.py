"""The callback in real trainings by Lightning."""

import numpy as np
import pandas as pd
import pytest
import torch
from recorded_models import images, net
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from infoplane import Recorder, UserError

lightning = pytest.importorskip("lightning.pytorch")
pytestmark = pytest.mark.filterwarnings("ignore")


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = net()

    def forward(self, inputs):
        return self.model(inputs)

    def training_step(self, batch, _):
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("loss", loss, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        self.log("accuracy", (self(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.01)


def fit(folder, callbacks, epochs=3, module=None, checkpoint=None, **arguments):
    lightning.seed_everything(0, verbose=False)
    pairs = DataLoader(TensorDataset(*images()), 20)
    module = module or Module()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        callbacks=callbacks,
        default_root_dir=folder,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"logger": lightning.loggers.CSVLogger(folder)} | arguments,
    )
    trainer.fit(module, pairs, pairs, ckpt_path=checkpoint)
    return trainer, module


@pytest.fixture
def plane():
    from infoplane.lightning import InformationPlane

    return InformationPlane


def test_every_epoch_is_recorded_and_logged(tmp_path, plane):
    inputs, labels = images()
    callback = plane(inputs, labels, estimators=["exact", {"kind": "adaptive", "bins": 2}])
    trainer, module = fit(tmp_path, [callback])
    recorder = callback.recorder
    assert recorder.layers == ("model.act:1", "model.act:2", "model.pool", "model.relu", "softmax")
    assert recorder.epochs == [-1, 0, 1, 2]
    own = Recorder(module, inputs, labels)
    own.record(2)
    last = recorder.table("exact").query("epoch == 2").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, own.table(), check_exact=True)
    history = recorder.history()
    assert history["loss_epoch"].notna().tolist() == [False, True, True, True]
    assert history["accuracy"].notna().tolist() == [False, True, True, True]

    logged = pd.read_csv(f"{trainer.log_dir}/metrics.csv")
    for name in ("exact", "adaptive-2"):
        table = recorder.table(name)
        for layer, quantity in [("model.pool", "i_xt"), ("softmax", "i_ty")]:
            expected = table[table["layer_name"] == layer][quantity]
            np.testing.assert_allclose(logged[f"{name}/{quantity}/{layer}"].dropna(), expected)
        figure = (tmp_path / "lightning_logs" / "version_0" / f"plane-{name}.png").read_bytes()
        assert figure.startswith(b"\x89PNG") and len(figure) > 10_000


def test_recording_does_not_change_the_training(tmp_path, plane):
    _, alone = fit(tmp_path, [])
    _, recorded = fit(tmp_path, [plane(*images(), every=2)])
    for one, other in zip(alone.parameters(), recorded.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_loader_and_mixed_precision(tmp_path, plane):
    callback = plane(DataLoader(TensorDataset(*images(levels=50)), 16), layers="model.last")
    fit(tmp_path, [callback], epochs=1, precision="bf16-mixed", logger=False)
    inputs, labels = images(levels=50)
    own = Recorder(callback.recorder.model, inputs, labels, layers="model.last", batch_size=16)
    with torch.autocast("cpu", torch.bfloat16):
        own.record(0)
    recorded = callback.recorder.table().query("epoch == 0").reset_index(drop=True)
    pd.testing.assert_frame_equal(recorded, own.table(), check_exact=True)
    assert (tmp_path / "plane-exact.png").exists()


def test_a_resumed_training_goes_on_recording(tmp_path, plane):
    inputs, labels = images()
    first = plane(inputs, labels)
    trainer, _ = fit(tmp_path, [first], epochs=2)
    trainer.save_checkpoint(tmp_path / "two.ckpt")
    second = plane(inputs, labels)
    _, module = fit(tmp_path, [second], epochs=4, checkpoint=tmp_path / "two.ckpt")
    found, own = second.recorder.table(), Recorder(module, inputs, labels)
    assert second.recorder.epochs == [-1, 0, 1, 2, 3]
    pd.testing.assert_frame_equal(found.query("epoch < 2"), first.recorder.table(), check_exact=True)
    own.record(3)
    last = found.query("epoch == 3").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, own.table(), check_exact=True)


def test_a_second_training_is_another_recording(tmp_path, plane):
    callback = plane(*images(), layers="model.pool")
    for _ in range(2):
        fit(tmp_path, [callback], epochs=1)
        assert callback.recorder.epochs == [-1, 0]


def test_loggers_that_take_figures_get_them(tmp_path, plane):
    figures = []

    class Experiment:
        def add_figure(self, tag, figure, step):
            figures.append((tag, len(figure.axes), step))

    class Logger(lightning.loggers.CSVLogger):
        @property
        def experiment(self):
            return Experiment()

        def log_metrics(self, metrics, step=None):
            pass

        def log_hyperparams(self, *_):
            pass

        def save(self):
            pass

        def finalize(self, _):
            pass

    fit(tmp_path, [plane(*images())], epochs=1, logger=Logger(tmp_path))
    assert figures == [("plane/exact", 2, 3)]


def test_an_unknown_layer_ends_the_fit_before_it_starts(tmp_path, plane):
    with pytest.raises(UserError, match=r"layer model\.pol: is unknown; did you mean 'model\.pool'"):
        fit(tmp_path, [plane(*images(), layers="model.pol")])
