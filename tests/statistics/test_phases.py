"""Phases of single runs: known answers on curves made by hand, laws, and what a table of them says."""

import numpy as np
import pandas as pd
import pytest
import simulation
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pandas.testing import assert_frame_equal
from statistics_oracle import compression as compression_by_hand
from statistics_oracle import fitting as fitting_by_hand

from infoplane.statistics.phases import COLUMNS, MEASURED, best_division, phases

FITS = pd.Series(dtype="boolean")
EPOCHS = 400
H_Y = 1.0
BITS = st.floats(0, 12)


def table(i_xt, i_ty=None, distinct=1, epochs=None) -> pd.DataFrame:
    """Rows of the curves (repetitions, epochs) of a single layer."""
    i_xt = np.atleast_2d(np.asarray(i_xt, float))
    i_ty = i_xt if i_ty is None else np.broadcast_to(np.asarray(i_ty, float), i_xt.shape)
    epochs = range(-1, i_xt.shape[1] - 1) if epochs is None else epochs
    index = pd.MultiIndex.from_product([range(len(i_xt)), epochs], names=["repetition", "epoch"])
    values = pd.DataFrame({"i_xt": i_xt.ravel(), "i_ty": i_ty.ravel()}, index)
    distinct = np.broadcast_to(distinct, i_xt.shape).ravel()
    return values.assign(distinct=distinct).reset_index().assign(part="main", layer=1)


def measured(
    i_xt, i_ty=None, distinct=1, inputs=4096, failed=(), bad=FITS, sample=False, epochs=None
) -> pd.DataFrame:
    return phases(table(i_xt, i_ty, distinct, epochs), inputs, H_Y, failed, bad, sample)


def course(*corners: tuple[float, float]) -> np.ndarray:
    """A curve through corners (share of the training, bits)."""
    time, bits = zip(*corners, strict=True)
    return np.interp(np.linspace(0, 1, EPOCHS), time, bits)


# A block is four of 400 epochs, the tail their last 20. What a slope changes over the first 1.5 epochs of a
# block, on average over its four, is what a corner loses.
RISING = course((0, 5), (1, 9))
FALLING = course((0, 9), (1, 5))
EARLY = course((0, 5), (0.05, 9), (0.9, 6), (1, 6))
LATE = course((0, 5), (0.85, 9), (0.95, 6), (1, 6))
IN_THE_TAIL = course((0, 5), (0.97, 9), (1, 8.95))
PLATEAU = course((0, 5), (0.2, 9), (0.6, 9), (0.8, 7), (1, 7))
ZIGZAG = course((0, 5), (0.1, 9), (0.3, 6), (0.5, 8.5), (0.7, 6), (0.8, 7), (0.9, 6), (1, 6))
FLAT = course((0, 7), (1, 7))
SLOPE = 4 / (EPOCHS - 1)


class TestCompression:
    @pytest.mark.parametrize(
        ("curve", "expected", "within"),
        [
            # the last block before the tail, epochs 376 to 379, less the mean of epochs 380 to 399
            (RISING, -12 * SLOPE, 1e-12),
            # the first block, epochs 0 to 3, less the same
            (FALLING, (389.5 - 1.5) * SLOPE, 1e-12),
            (EARLY, 3, 4 * (5 - 9) / -0.05 / EPOCHS),
            (LATE, 3, 4 * 30 / EPOCHS),
            (PLATEAU, 2, 1e-12),
            (ZIGZAG, 3, 4 * 40 / EPOCHS),
            (FLAT, 0, 0),
        ],
        ids=["rising", "falling", "early peak", "late peak", "plateau", "zig-zag", "flat"],
    )
    def test_of_known_curves(self, curve, expected, within):
        found = measured(curve)["compression"].item()
        assert found == pytest.approx(expected, abs=max(within, 1e-12))
        assert measured(curve)["compresses"].item() == (expected > 0.1)

    def test_a_peak_in_the_tail_is_none(self):
        """A curve that rises until the tail has nowhere to have compressed from."""
        assert measured(IN_THE_TAIL)["compression"].item() < 0

    @pytest.mark.parametrize("jitter", [0.01, 0.03])
    def test_jitter_alone_is_no_compression(self, jitter):
        """As large as it is in real curves."""
        noise = np.random.default_rng(0).standard_normal((1000, EPOCHS))
        result = measured(FLAT + jitter * noise)
        assert not result["compresses"].any()
        # the standard error of the mean of 1000 runs, each of which has that of two readings and of the tail
        assert abs(result["compression"].mean()) < 4 * jitter * np.sqrt((1 / 4 + 1 / 20) / 1000)

    def test_jitter_of_a_hundredth_bit_turns_no_curve(self):
        """Means of four have half of the standard deviation: 0.1 bit are twenty of it."""
        noise = np.random.default_rng(0).standard_normal((1000, EPOCHS))
        assert (measured(FLAT + 0.01 * noise)["turning_points"] == 0).all()

    def test_each_run_has_a_peak_of_its_own(self):
        curves = [np.r_[np.full(shift, 5.0), EARLY[: EPOCHS - shift]] for shift in (0, 40, 160)]
        result = measured(curves)
        assert result["compression_peak_epoch"].diff().dropna().tolist() == [40, 120]
        assert result["compresses"].all()

    def test_relative_and_conditional(self):
        i_ty = course((0, 0), (0.5, 0), (0.9, 0.5), (1, 0.5))
        result = measured(PLATEAU, i_ty)
        assert result["peak"].item() == pytest.approx(9)
        assert result["relative_compression"].item() == pytest.approx(2 / 9)
        # from 9 − 0 at epoch 200 to 7 − 0.5 at the end; the plateau ends at epoch 240
        assert result["conditional_compression"].item() == pytest.approx(2.5, abs=4 / EPOCHS)

    def test_information_on_the_label_can_hide_it(self):
        i_ty = course((0, 0), (0.5, 0), (0.9, 0.9), (1, 0.9))
        result = measured(FLAT + i_ty, i_ty)
        assert result["compression"].item() < 0
        assert result["conditional_compression"].item() == pytest.approx(0, abs=1e-12)

    def test_a_layer_without_information_has_no_relative_compression(self):
        result = measured(np.zeros(EPOCHS))
        assert result["compression"].item() == 0 and np.isnan(result["relative_compression"].item())

    def test_onset_is_where_the_margin_is_left_behind(self):
        i_xt = np.full(100, 10.0)
        i_xt[:20] = np.r_[np.full(4, 8), np.full(16, 10)]
        i_xt[10] = 9  # a single epoch is no onset
        i_xt[50:] = 9.85
        result = measured(i_xt)
        assert (result["compression_peak_epoch"].item(), result["compression_onset"].item()) == (3, 49)

    def test_a_compression_that_equals_the_margin_is_none(self):
        result = measured(np.r_[np.full(20, 0.1), np.zeros(20)])
        assert result["compression"].item() == 0.1 and not result["compresses"].item()
        assert result["compression_onset"].isna().item()

    @given(arrays(float, 40, elements=BITS))
    def test_of_a_rising_curve_is_never_positive(self, curve):
        assert measured(np.sort(curve))["compression"].item() <= 1e-12

    @given(arrays(float, 40, elements=BITS))
    def test_of_a_falling_curve_is_never_negative(self, curve):
        assert measured(-np.sort(-curve))["compression"].item() >= -1e-12

    @given(arrays(int, (3, 43), elements=st.integers(0, 12 * 2**20)), st.integers(-4, 4), st.integers(-3, 3))
    def test_goes_with_the_unit_and_not_with_the_zero(self, curves, shift, exponent):
        """Of multiples of 2⁻²⁰ no sum is rounded, so that no value becomes equal to another."""
        curves, scale = curves / 2**20, 2.0**exponent
        first, second = measured(curves), measured(scale * curves + shift)
        np.testing.assert_allclose(second["compression"], scale * first["compression"], atol=1e-9)
        np.testing.assert_allclose(second["fitting"], scale * first["fitting"], atol=1e-9)

    @given(arrays(float, (2, 50), elements=BITS), arrays(float, (2, 50), elements=BITS))
    def test_is_what_a_second_reading_of_the_rules_says(self, i_xt, i_ty):
        result = measured(i_xt, i_ty)
        hand = [[compression_by_hand(x), fitting_by_hand(y)] for x, y in zip(i_xt, i_ty, strict=True)]
        np.testing.assert_allclose(result[["compression", "fitting"]], hand, atol=1e-12)


class TestFitting:
    def test_by_hand(self):
        i_ty = course((0, 0.2), (0.1, 0.9), (0.5, 0.9), (1, 0.7))
        result = measured(FLAT, i_ty)
        assert result["fitting"].item() == pytest.approx(0.7)
        assert result["headroom"].item() == pytest.approx(H_Y - 0.2)
        assert result["fitted_share"].item() == pytest.approx(0.7 / 0.8)
        # by 0.01 bit at once: 0.7 bit take 40 epochs
        assert result["fitting_onset"].item() == 0
        assert result["fits"].item()

    def test_starts_at_epoch_minus_one_and_looks_for_its_peak_from_epoch_zero_on(self):
        i_ty = np.r_[0.9, np.full(39, 0.5)]
        result = measured(i_ty, i_ty)
        assert result["fitting"].item() == pytest.approx(-0.4) and not result["fits"].item()
        assert result["fitting_peak_epoch"].item() == 0

    def test_the_tail_counts(self):
        i_ty = np.r_[np.zeros(397), 0.5, 0.5, 0.5, 0.5]
        assert measured(np.zeros(401), i_ty)["fitting"].item() == pytest.approx(0.5)

    def test_nothing_left_to_fit(self):
        result = measured(np.full(40, 12.0), np.full(40, H_Y))
        assert result["headroom"].item() == 0 and np.isnan(result["fitted_share"].item())
        assert not result["fits"].item()

    def test_onset_is_beyond_the_margin_and_not_at_it(self):
        i_ty = np.r_[0, 0.01, np.full(38, 0.5)]
        assert measured(np.zeros(40), i_ty)["fitting_onset"].item() == 1


class TestOrder:
    @pytest.mark.parametrize(("end", "expected"), [(0.2, 1), (0.8, 0.5)])
    def test_share_of_the_fitting_that_is_done_when_compression_begins(self, end, expected):
        """I(X;T) falls by 4 bit from the fortieth part of the training on, and is 0.1 bit lower soon."""
        i_xt = course((0, 9), (0.4, 9), (0.8, 5), (1, 5))
        i_ty = course((0, 0), (end, 0.8), (1, 0.8))
        found = measured(i_xt, i_ty)["fitted_at_onset"].item()
        assert found == pytest.approx(expected, abs=0.03)

    def test_runs_that_do_not_do_both_have_no_order(self):
        result = measured([RISING, FALLING], [RISING / 9, np.zeros(EPOCHS)])
        assert result["fitted_at_onset"].isna().all()

    @pytest.mark.parametrize(
        ("curve", "turns"), [(RISING, 0), (FALLING, 0), (EARLY, 1), (PLATEAU, 1), (ZIGZAG, 5)]
    )
    def test_turning_points(self, curve, turns):
        assert measured(curve)["turning_points"].item() == turns


class TestTable:
    def test_columns_and_types(self):
        result = measured([EARLY, LATE])
        assert [*result] == COLUMNS
        assert {name: str(result[name].dtype) for name in MEASURED} == MEASURED
        assert (result["blocks"] == 95).all()

    @pytest.mark.parametrize("epochs", [1, 3, 4, 8, 11])
    def test_without_two_blocks_before_the_tail_nothing_is_measured(self, epochs):
        result = measured(np.arange(2.0 * epochs).reshape(2, epochs))
        assert (result["blocks"] < 2).all() and result[[*MEASURED]].isna().all(axis=None)
        assert not result["failed"].any()

    def test_the_shortest_that_is_measured(self):
        assert measured(np.arange(9.0))["blocks"].item() == 1
        assert measured(np.arange(12.0))["compression"].notna().item()

    def test_epochs_are_those_that_were_recorded(self):
        epochs = [-1, *range(0, 5 * (EPOCHS - 1), 5)]
        result = measured(PLATEAU, epochs=epochs)
        assert set(result[["compression_peak_epoch", "compression_onset"]].iloc[0]) <= set(epochs)

    def test_a_failed_repetition_is_marked_and_nothing_of_it_measured(self):
        curves = np.random.default_rng(0).random((5, 40))
        broken = curves.copy()
        broken[2, 30:] = np.nan
        bad = pd.Series(pd.array([False, False, None, True, False], dtype="boolean"), name="bad_fit")
        result = measured(broken, failed=[2], bad=bad)
        assert result["failed"].tolist() == [False, False, True, False, False]
        assert result["bad_fit"].tolist() == [False, False, pd.NA, True, False]
        assert result.loc[2, [*MEASURED]].isna().all() and not result.loc[2, "near_log2_n"]
        whole = measured(curves, bad=bad)
        assert_frame_equal(result.drop(index=2)[[*MEASURED]], whole.drop(index=2)[[*MEASURED]])

    def test_all_failed(self):
        result = measured(np.full((3, 40), np.nan), failed=[0, 1, 2])
        assert result[[*MEASURED]].isna().all(axis=None)

    def test_near_log2_n_is_about_samples(self):
        high, low = np.full(40, 0.81 * 12), np.full(40, 0.79 * 12)
        assert measured([high, low], sample=True)["near_log2_n"].tolist() == [True, False]
        assert measured([high, low], sample=False)["near_log2_n"].tolist() == [False, False]

    def test_injective_is_every_epoch(self):
        distinct = np.full((2, 40), 4096)
        distinct[1, 7] = 4095
        assert measured(np.full((2, 40), 12.0), distinct=distinct)["injective"].tolist() == [True, False]

    def test_a_prefit_part_changes_nothing(self):
        curves = np.random.default_rng(0).random((4, 40))
        main, prefit = table(curves), table(9 - curves).assign(part="prefit")
        both, alone = (phases(rows, 4096, H_Y, [], FITS, True) for rows in (pd.concat([prefit, main]), main))
        assert_frame_equal(both, alone)

    def test_layers_are_measured_apart(self):
        rows = [table(curve).assign(layer=layer) for layer, curve in ((1, EARLY), (2, LATE))]
        result = phases(pd.concat(rows), 4096, H_Y, [], FITS, False)
        apart = [measured(curve) for curve in (EARLY, LATE)]
        assert result["layer"].tolist() == [1, 2]
        assert_frame_equal(result[[*MEASURED]], pd.concat(apart, ignore_index=True)[[*MEASURED]])

    def test_order_and_number_of_runs_change_nothing(self):
        """Runs are measured one by one."""
        rows = simulation.information(range(6), 1200, 10)
        whole = phases(rows, 4096, H_Y, [], FITS, True)
        shuffled = phases(rows.sample(frac=1, random_state=0), 4096, H_Y, [], FITS, True)
        assert_frame_equal(whole, shuffled)
        one = phases(rows[rows["repetition"] == 3], 4096, H_Y, [], FITS, True)
        assert_frame_equal(whole[whole["repetition"] == 3].reset_index(drop=True), one)


@given(arrays(float, (4, 30), elements=BITS))
def test_an_onset_is_there_where_the_phase_is(curves):
    result = measured(curves)
    compresses, fits = (result[name].astype(bool) for name in ("compresses", "fits"))
    assert (result["compression_onset"].notna() == compresses).all()
    assert (result["fitting_onset"].notna() == fits).all()
    after, before = result[compresses], result[fits]
    assert (after["compression_onset"] >= after["compression_peak_epoch"]).all()
    assert (before["fitting_onset"] > -1).all()
    assert (before["fitting_onset"] <= before["fitting_peak_epoch"] + 4).all()


@given(arrays(bool, 9), st.integers(0, 8))
def test_an_onset_leaves_the_fewest_epochs_on_the_wrong_side(after, first):
    wrong = {start: after[first:start].sum() + (~after[start:]).sum() for start in range(first, 9)}
    assert best_division(after, np.arange(9) >= first).item() == min(wrong, key=wrong.__getitem__)
