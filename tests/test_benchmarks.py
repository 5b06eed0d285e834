"""The benchmarks' baseline does what the library does; their tables and slopes say what was measured."""

import doctest
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infoplane import EstimatorSpec, UserError, estimate, exact_information, load_dataset, train
from infoplane.trajectory import save_trajectory

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import baseline
import compare
import library
import lines
import measurement
import profile_snapshot
import profile_step
import report
import scaling
from measurement import Comparison, Seconds, Work

EPOCHS = 8
RATE = 1e-3
SPEC = library.RELU.model_copy(
    update={"epochs": EPOCHS, "record_every": 1, "learning_rate": RATE, "compile": False}
)


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


@pytest.fixture(scope="module")
def trained(synthetic):
    return train(SPEC, [0], synthetic)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("module", [measurement, profile_step, report], ids=lambda module: module.__name__)
def test_examples(module):
    results = doctest.testmod(module)
    assert results.attempted and not results.failed


class TestBaseline:
    def test_is_trained_as_the_library_is(self, trained, synthetic):
        """From the same weights, with batches of its own, its losses fall as the library's do."""
        trajectory, history = trained
        torch.manual_seed(0)
        training = lines.eager_training(library.RELU, synthetic)
        state = library.network_state(trajectory, synthetic, 0)
        baseline.load(training.network, [(kernel, bias, (-6.0, 6.0)) for kernel, bias, _ in state])
        training.optimizer.param_groups[0]["lr"] = RATE
        losses, train_accuracies, test_accuracies = zip(*training.train(EPOCHS, 5), strict=True)
        assert losses[-1] < 0.9 * losses[0]
        assert np.allclose(losses, history["loss"], atol=0.02)
        assert np.allclose(train_accuracies, history["train_accuracy"], atol=0.03)
        assert np.allclose(test_accuracies, history["test_accuracy"], atol=0.05)
        assert len(training.records) == 2

    @pytest.mark.parametrize("recorded", [0, EPOCHS])
    def test_its_layers_have_the_library_s_information(self, recorded, trained, synthetic):
        """On the same parameters; a code that float32 rounds to its neighbour moves little."""
        trajectory, _ = trained
        table = estimate(EstimatorSpec(kind="exact"), trajectory, synthetic)
        expected = table[table["epoch"] == trajectory.epochs[recorded]][["h_t", "i_ty"]]
        network = lines.layers_of(library.RELU)
        baseline.load(network, library.network_state(trajectory, synthetic, recorded))
        codes = baseline.layer_codes(network, lines.shown(library.RELU, synthetic))
        found = [baseline.information(each, synthetic.labels) for each in codes]
        assert len(found) == 6
        assert np.allclose(found, expected, atol=2e-3)

    @settings(deadline=None)
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
        ours, theirs = [Seconds(1, 9), Seconds(2, 9)], [Seconds(3, 1), Seconds(8, 1)]
        assert Comparison(ours, theirs).ratios == [3, 4]

    def test_a_unit_is_without_the_start(self, monkeypatch):
        seconds = iter([Seconds(7.0, 10.0), Seconds(1.0, 2.0)])
        monkeypatch.setattr(measurement, "elapsed", lambda _: next(seconds))
        assert measurement.per_unit(Work(lambda: None, 3, lambda: None)) == (2, pytest.approx(8 / 3))

    @settings(deadline=None)
    @given(st.floats(0.5, 3), st.floats(1e-6, 1e3))
    def test_slope_is_the_exponent(self, exponent, factor):
        amounts = [10, 20, 40, 80]
        costs = [factor * amount**exponent for amount in amounts]
        assert measurement.fitted_slope(amounts, costs) == pytest.approx(exponent)

    def test_peak_memory_is_that_of_one_process(self):
        held = np.ones(2**26)  # 512 MiB here, and none of it there
        assert measurement.peak_memory() >= held.nbytes / 2**20
        assert measurement.in_own_process(measurement.peak_memory) < held.nbytes / 2**20


class TestWork:
    def test_steps_of_all_members_are_counted(self, synthetic):
        work = library.Parts(SPEC, synthetic).step_work(3)
        work.run()
        assert work.units == 30

    def test_training_counts_the_steps_between_two_lengths(self, synthetic):
        assert library.training_work(SPEC, synthetic, 20, 5).units == 20 * 5 * 13

    def test_information_counts_snapshots_after_the_start(self, trained, synthetic):
        work = library.information_work(trained[0], synthetic)
        work.run()
        work.start()
        assert work.units == EPOCHS + 1 - library.START

    def test_without_its_file_mnist_is_random_images(self, monkeypatch, tmp_path):
        monkeypatch.setattr(library, "ROOT", tmp_path)
        dataset = library.dataset_of("mnist")
        assert dataset.name == "random images"
        assert dataset.inputs[dataset.train_mask].shape == (60_000, 28, 28)
        with pytest.raises(UserError, match="run the workflow again"):
            library.dataset_of("mnist", tmp_path / "nowhere.npz")


class TestCommands:
    def test_table_of_one_line(self, monkeypatch, capsys):
        monkeypatch.setattr(compare, "in_own_process", lambda function, *arguments: function(*arguments))
        compare.main(["--quick", "--only", "layer"])
        printed = [cells(line) for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
        about = lines.LINES["layer"].about
        (header, speed), (_, memory) = printed[:2], printed[2:]
        assert speed[0] == memory[0] == about
        assert speed[header.index("target")] == "≥ 50 ×"
        assert float(speed[header.index("faster")].removesuffix(" ×")) > 0
        assert memory[2].endswith(" MiB")

    def test_mistakes_are_one_line(self, monkeypatch, capsys):
        monkeypatch.setattr(sys, "argv", ["compare.py"])
        for main, arguments, remedy in [
            (compare.main, ["--only", "steps"], "use some of step, training"),
            (compare.main, ["--rounds", "0"], "give a whole number"),
            (profile_step.main, ["--experiment", "relu"], "use one of synthetic-relu-8bit"),
            (profile_snapshot.main, ["nowhere.safetensors"], "run the workflow again"),
            (scaling.main, ["--output", "plot.txt"], "end it in one of .pdf, .png, .svg"),
            (scaling.main, ["--output", "nowhere/plot.pdf"], "make it"),
        ]:
            assert report.run(lambda main=main, given=arguments: main(given)) == 1
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("compare.py: ") and remedy in line

    def test_parts_of_a_step_make_up_the_whole(self):
        names = (
            profile_step.ALL_IN,
            profile_step.SHUFFLING,
            profile_step.STEP,
            profile_step.TEST,
            profile_step.RECORDING,
            profile_step.FORWARD,
        )
        seconds = dict(zip(names, (100e-6, 10e-6, 60e-6, 15e-6, 5e-6, 40e-6), strict=True))
        shown = dict(profile_step.breakdown(seconds))
        assert shown["the rest"] == pytest.approx(10e-6)
        parts = [time for name, time in shown.items() if not name.startswith(" ")]
        assert sum(parts) == pytest.approx(2 * shown[profile_step.ALL_IN])

    def test_parts_of_a_snapshot_are_those_of_the_whole(self, tmp_path, capsys, synthetic):
        path = tmp_path / "trajectory.safetensors"
        save_trajectory(path, library.train_quietly(SPEC, synthetic, 2, 20))
        profile_snapshot.main([str(path), "--rounds", "1"])
        printed = capsys.readouterr().out
        assert "42 snapshots of" in printed
        rows = [cells(line) for line in printed.splitlines() if "%" in line]
        *parts, whole = (float(share.rstrip("%")) for _, _, share in rows)
        assert len(parts) == 3 and min(parts) > 0
        assert sum(parts) == pytest.approx(whole, abs=0.2) == 100

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
