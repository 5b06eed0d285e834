"""The benchmarks' baseline does what the library does; their tables and slopes say what was measured."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infoplane import EstimatorSpec, UserError, estimate, exact_information, train

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import baseline
import compare
import gpu
import library
import lines
import measurement
import report
import scaling
from measurement import Comparison, Work

EPOCHS = 16
RATE = 1e-3
SPEC = library.RELU.model_copy(update={"epochs": EPOCHS, "record_every": 1, "learning_rate": RATE})


@pytest.fixture(scope="module")
def trained(synthetic):
    return train(SPEC, [0], synthetic)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("module", [measurement, report], ids=lambda module: module.__name__)
def test_examples(module):
    results = doctest.testmod(module)
    assert results.attempted and not results.failed


class TestBaseline:
    def test_is_trained_as_the_library_is(self, trained, synthetic):
        """From the same weights, with batches of its own, its losses fall as the library's do."""
        trajectory, history = trained
        torch.manual_seed(0)
        training = lines.plain_trainer(library.RELU, synthetic)
        lines.load_state(training.network, trajectory, synthetic, 0)
        training.optimizer.param_groups[0]["lr"] = RATE
        losses, train_accuracies, test_accuracies = zip(*training.train(EPOCHS, 5), strict=True)
        assert losses[-1] < 0.9 * losses[0]
        assert np.allclose(losses, history["loss"], atol=0.02)
        # Accuracies of single epochs leap while the networks begin to tell the classes apart.
        assert np.mean(train_accuracies) == pytest.approx(history["train_accuracy"].mean(), abs=0.03)
        assert np.mean(test_accuracies) == pytest.approx(history["test_accuracy"].mean(), abs=0.03)
        assert len(training.records) == 4

    @pytest.mark.parametrize("recorded", [0, EPOCHS])
    def test_its_layers_have_the_library_s_information(self, recorded, trained, synthetic):
        """On the same parameters; a code that float32 rounds to its neighbour moves little."""
        trajectory, _ = trained
        table = estimate(EstimatorSpec(kind="exact"), trajectory, synthetic)
        expected = table[table["epoch"] == trajectory.epochs[recorded]][["h_t", "i_ty"]]
        network = lines.layers_of(library.RELU)
        lines.load_state(network, trajectory, synthetic, recorded)
        codes = baseline.layer_codes(network, lines.inputs_of(library.RELU, synthetic))
        found = [baseline.information(each, synthetic.labels) for each in codes]
        assert len(found) == 6
        assert np.allclose(found, expected, atol=2e-3)

    @given(
        arrays(np.int64, st.tuples(st.integers(1, 40), st.integers(1, 5)), elements=st.integers(-2, 2)),
        st.randoms(use_true_random=False),
    )
    def test_its_information_is_exact(self, codes, random):
        labels = np.array([random.randrange(3) for _ in codes])
        expected = exact_information(codes, labels)
        assert np.allclose(baseline.information(codes, labels), (expected.h_t, expected.i_ty), atol=1e-12)

    def test_every_kernel_and_output_is_quantized(self):
        for spec, layers in ((library.RELU, 6), (library.BOTTLENECK, 5), (library.CONV, 4)):
            network = lines.layers_of(spec)
            quantizers = [each for each in network.modules() if isinstance(each, baseline.FakeQuantize)]
            assert len(quantizers) == 2 * layers


class TestMeasurement:
    def test_takes_turns(self):
        order = []
        comparison = Comparison()
        for _ in range(3):
            comparison.take_round(Work(lambda: order.append("a"), 1), Work(lambda: order.append("b"), 1))
        assert "".join(order) == "abbaab"
        assert len(comparison.ratios) == 3

    def test_ratio_is_that_of_each_round(self):
        assert Comparison([1, 2], [3, 8]).ratios == [3, 4]

    def test_without_a_plain_side_there_is_no_ratio(self):
        comparison = Comparison()
        comparison.take_round(Work(lambda: None, 1), None)
        assert len(comparison.library) == 1 and comparison.ratios == []

    def test_a_unit_is_without_the_start(self, monkeypatch):
        seconds = iter([7.0, 1.0])
        monkeypatch.setattr(measurement, "elapsed", lambda *_: next(seconds))
        assert measurement.per_unit(Work(lambda: None, 3, lambda: None)) == 2

    def test_processes_that_were_waited_for_count(self):
        """A process that takes CPU time of its own adds it to that of the call which waits for it."""
        own = "import time\nwhile time.process_time() < 0.5: pass"
        assert measurement.elapsed(lambda: subprocess.run([sys.executable, "-c", own], check=True)) >= 0.5

    @given(st.floats(0.5, 3), st.floats(1e-6, 1e3))
    def test_slope_is_the_exponent(self, exponent, factor):
        amounts = [10, 20, 40, 80]
        costs = [factor * amount**exponent for amount in amounts]
        assert measurement.fitted_slope(amounts, costs) == pytest.approx(exponent)


class TestWork:
    def test_training_counts_the_steps_between_two_lengths(self, synthetic):
        assert library.training_work(SPEC, synthetic, 20, 5).units == 20 * 5 * 13

    def test_information_counts_snapshots_after_the_start(self, trained, synthetic):
        work = library.information_work(trained[0], synthetic)
        work.run()
        work.start()
        assert work.units == EPOCHS + 1 - library.START

    def test_without_its_file_mnist_is_random_images(self, monkeypatch, tmp_path):
        monkeypatch.setattr(library, "ROOT", tmp_path)
        dataset = library.dataset_of.__wrapped__("mnist")
        assert dataset.name == "random images"
        assert dataset.inputs[dataset.train_mask].shape == (60_000, 28, 28)
        with pytest.raises(UserError, match="run the workflow again"):
            library.dataset_of("mnist", tmp_path / "nowhere.npz")


class TestCommands:
    def test_table_of_two_lines(self, capsys, tmp_path):
        compare.main(
            ["--quick", "--only", "information", "training-tanh", "--output", str(tmp_path / "t.md")]
        )
        assert capsys.readouterr().out == ""
        text = (tmp_path / "t.md").read_text()
        header, *rows = [cells(line) for line in text.splitlines() if line.startswith("| ")]
        information, training = [dict(zip(header, row, strict=True)) for row in rows]
        assert information["work"] == lines.LINES["information"].about
        assert (information["target"], information["target ratio"]) == ("200 µs", "200 ×")
        assert float(information["ratio"].removesuffix(" ×")) > 0
        assert (training["plain"], training["ratio"], training["target ratio"]) == ("", "", "")
        assert f"numpy {np.__version__}" in text and "load" in text

    def test_lines_with_a_target_ratio_have_a_plain_side(self):
        for line in lines.LINES.values():
            assert line.ratio is None or line.plain is not None

    def test_mistakes_are_one_line(self, monkeypatch, capsys):
        monkeypatch.setattr(sys, "argv", ["compare.py"])
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        for main, arguments, remedy in [
            (compare.main, ["--only", "steps"], "use some of training, training-tanh"),
            (compare.main, ["--rounds", "0"], "give a whole number"),
            (compare.main, ["--output", "nowhere/table.md"], "make it"),
            (gpu.main, [], "PyTorch finds no GPU"),
            (scaling.main, ["--output", "plot.txt"], "end it in one of .pdf, .png, .svg"),
            (scaling.main, ["--output", "nowhere/plot.pdf"], "make it"),
        ]:
            assert report.run(lambda main=main, given=arguments: main(given)) == 1
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("compare.py: ") and remedy in line

    def test_tables_of_a_gpu(self, monkeypatch, capsys):
        """A processor in its place: PyTorch trains there, and the kernels replay for both sides."""
        monkeypatch.setattr(gpu, "DEVICE", "cpu")
        monkeypatch.setattr(
            gpu, "TRAININGS", [gpu.TRAININGS[0]._replace(widths=(1, 2), epochs=1, epochs_by_kernels=50)]
        )
        monkeypatch.setattr(gpu, "SNAPSHOTS", [gpu.SNAPSHOTS[0]._replace(epochs=50)])
        own = gpu.training.MEMBERS_ON_GPU
        gpu.main(["--rounds", "1"])
        printed = capsys.readouterr().out
        _, *trainings, _, snapshots = [cells(line) for line in printed.splitlines() if line.startswith("| ")]
        assert [row[1] for row in trainings] == ["1", "2"]
        assert snapshots[-1] == "0 of 66" and "GPU: cpu" in printed
        assert own == gpu.training.MEMBERS_ON_GPU

    def test_costs_of_two_points_make_a_plot(self, monkeypatch, capsys, tmp_path):
        monkeypatch.setattr(scaling, "EPOCHS", 10)
        scaling.main(["--quick", "--output", str(tmp_path / "plot.svg")])
        rows = [cells(line) for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
        assert len({(stage, axis) for stage, axis, *_ in rows}) == len(rows) == 8
        assert (tmp_path / "plot.svg").stat().st_size > 0

    def test_plot_and_table_of_known_costs(self):
        amounts = (10, 20, 40, 80)
        curves = [
            scaling.Curve(
                axis, stage, amounts, 1e-3 * np.array([[1.0, 1.1]]) * np.array([amounts]).T ** power
            )
            for axis in "abcd"
            for stage, power in (("training", 1), ("exact information", 2))
        ]
        rows = scaling.curve_table(curves, dict.fromkeys("abcd", "1")).splitlines()[2:]
        assert [cells(row)[4] for row in rows] == ["1.00", "2.00"] * 4
        figure = scaling.draw(curves)
        for panel in figure.axes:
            labels = [text.get_text() for text in panel.get_legend().get_texts()]
            assert labels == ["training, slope 1.00", "exact information, slope 2.00"]
