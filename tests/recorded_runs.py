"""Small runs of a PyTorch model, recorded into files."""

import torch
from recorded_models import dense
from torch import nn

import infoplane

INPUTS = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6)
LABELS = (INPUTS.sum(1) > 3).long()
TRAINED = {}
BINS = {"kind": "uniform", "bins": 8, "range": "layer"}


def recorder_of(seed=0, activation=nn.Tanh, widths=(6, 4, 3, 2), labels=LABELS, **options):
    """A recorder of a dense network; exact and by bins unless `estimators` says otherwise."""
    model = dense(*widths, seed=seed, activation=activation)
    return infoplane.Recorder(model, INPUTS, labels, **{"estimators": ["exact", BINS], **options})


def train(recorder, epochs=range(-1, 12), metrics=("loss", "train_accuracy", "test_accuracy")):
    """Train the model of a recorder on all inputs, and record it at some epochs."""
    model = recorder.model
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    for epoch in range(-1, max(epochs) + 1):
        loss = nn.functional.cross_entropy(model(INPUTS), LABELS)
        if epoch >= 0:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        correct = float((model(INPUTS).argmax(1) == LABELS).float().mean())
        known = {"loss": loss.item(), "train_accuracy": correct, "test_accuracy": correct, "other": 1.0}
        if epoch in epochs:
            recorder.record(epoch, **({name: known[name] for name in metrics} if epoch >= 0 else {}))
    return recorder


def save_runs(folder, name="run", seeds=range(2), **options):
    """Save some runs as `folder/name-seed.parquet`, and return the paths."""
    paths = [folder / f"{name}-{seed}.parquet" for seed in seeds]
    for seed, path in zip(seeds, paths, strict=True):
        run_of(seed, **options).save(path)
    return paths


def run_of(seed, **options):
    """A recorder of a whole training. Equal ones are trained once."""
    if (key := (seed, repr(options))) not in TRAINED:
        how = {key: options[key] for key in ("epochs", "metrics") if key in options}
        own = {key: options[key] for key in options if key not in how}
        TRAINED[key] = train(recorder_of(seed, **own), **how)
    return TRAINED[key]
