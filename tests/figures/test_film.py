"""The film: its frames are epochs in their order, its bytes depend on content alone."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from infoplane.artifacts import parse_description
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures import film
from infoplane.figures.descriptions import figure_description
from infoplane.figures.drawing import write_figure
from infoplane.figures.film import FRAMES_PER_SECOND, MOVING, STILL, first_frame, frame_epochs
from infoplane.figures.tables import read_tables

from .study import EPOCHS, figure_spec

MEGABYTE = 2**20


@pytest.fixture
def short(monkeypatch):
    """A film of few frames."""
    monkeypatch.setattr(film, "MOVING", 4)
    monkeypatch.setattr(film, "STILL", 1)


@given(st.sets(st.integers(-1, 10**5), min_size=1, max_size=50))
def test_frames_are_recorded_epochs_in_their_order_evenly_in_their_logarithm(epochs):
    recorded = np.array(sorted(epochs))
    shown = np.array(frame_epochs(recorded))
    assert len(shown) == MOVING + STILL == 10 * FRAMES_PER_SECOND
    assert {*shown} <= epochs and (np.diff(shown) >= 0).all()
    assert shown[0] == recorded[0] and (shown[MOVING - 1 :] == recorded[-1]).all()
    spots = np.linspace(*np.log(recorded[[0, -1]] + 2), MOVING)
    gaps = np.abs(np.log(recorded + 2) - spots[:, None]).min(1)
    np.testing.assert_allclose(np.abs(np.log(shown[:MOVING] + 2) - spots), gaps, rtol=0, atol=1e-12)


def test_trails_end_at_the_mean_of_the_epoch_and_dots_are_its_runs(study):
    spec = figure_spec("film", ("failed",))
    tables = read_tables(spec, study.tables(spec))
    figure, shown = first_frame(spec, tables)
    means, single = (tables[kind]["failed", "exact"] for kind in ("aggregates", "information"))
    axes = figure.axes[0]
    seen = []
    for epoch in shown:
        seen.append(epoch)
        now = means.query("epoch == @epoch and part == 'main' and runs == 'all' and layer == 6")
        mean = now.set_index("quantity")["mean"][["i_xt", "i_ty"]]
        line, mark = axes.lines[-2:]
        np.testing.assert_array_equal(line.get_xydata()[-1], mean)
        np.testing.assert_array_equal(mark.get_xydata(), [mean])
        runs = single.query("epoch == @epoch and part == 'main' and layer == 6 and repetition != 2")
        np.testing.assert_array_equal(axes.lines[-3].get_xydata(), runs[["i_xt", "i_ty"]])
        assert len(line.get_xydata()) == (np.unique(single["epoch"]) <= epoch).sum()
    assert seen[0] == -1 and seen[-1] == EPOCHS - 50


@pytest.mark.parametrize(
    "experiments", [("fine",), ("fine", "prefit"), ("none",), ("hourglass", "single", "bad")]
)
def test_is_written_whatever_happened(study, short, experiments, tmp_path):
    spec = figure_spec("film", experiments, note="a note")
    write_figure(spec, study.tables(spec), [tmp_path / "a.gif"])
    with Image.open(tmp_path / "a.gif") as picture:
        assert np.asarray(picture.convert("L")).std() > 5
        assert picture.info["loop"] == 0
        assert picture.n_frames == (1 if experiments == ("none",) else 4)
    described = parse_description(figure_description(tmp_path / "a.gif"), tmp_path / "a.gif", "figure")
    assert described["spec"]["experiments"] == [*experiments]


def test_bytes_depend_on_content_alone(study, short, tmp_path):
    spec = figure_spec("film")
    for name in ("first", "second"):
        write_figure(spec, study.tables(spec), [tmp_path / f"{name}.gif"])
    first, second = ((tmp_path / f"{name}.gif").read_bytes() for name in ("first", "second"))
    assert first == second


def test_takes_eight_seconds_and_then_stands_still(study, tmp_path):
    spec = figure_spec("film")
    write_figure(spec, study.tables(spec), [tmp_path / "a.gif"])
    assert (tmp_path / "a.gif").stat().st_size < 2 * MEGABYTE
    with Image.open(tmp_path / "a.gif") as picture:
        lengths = []
        for frame in range(picture.n_frames):
            picture.seek(frame)
            lengths.append(picture.info["duration"])
    # a GIF counts hundredths of a second
    assert sum(lengths) == pytest.approx(10_000, abs=10 * (MOVING + STILL))
    assert lengths[-1] >= 1900


def test_other_formats_are_refused(study, tmp_path):
    spec = figure_spec("film")
    with pytest.raises(UserError, match=r"a\.pdf: a film is written as \.gif or \.mp4; rename the output"):
        write_figure(spec, study.tables(spec), [tmp_path / "a.pdf"])


def test_mp4_is_asked_for_and_of_films_alone():
    assert figure_spec("film").formats == ("gif",)
    assert figure_spec("film", mp4=True).formats == ("gif", "mp4")
    with pytest.raises(ValueError, match="kind plane takes no mp4; remove it"):
        figure_spec("plane", mp4=True)
    assert FigureSpec.model_fields["mp4"].default is False


def test_mp4_without_ffmpeg_is_one_line(study, short, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    spec = figure_spec("film", mp4=True)
    with pytest.raises(UserError, match="mp4 needs ffmpeg, which is not there; pip install"):
        write_figure(spec, study.tables(spec), [tmp_path / "a.mp4"])
    assert [*tmp_path.iterdir()] == []


def test_mp4_is_whole(study, short, tmp_path):
    try:
        program = film.ffmpeg()
    except UserError:
        pytest.skip("ffmpeg is not installed, nor the package imageio-ffmpeg")
    spec = figure_spec("film", mp4=True)
    write_figure(spec, study.tables(spec), [tmp_path / "a.mp4"])
    read = subprocess.run(
        [program, "-v", "error", "-i", str(tmp_path / "a.mp4"), "-f", "null", "-"], capture_output=True
    )
    assert read.returncode == 0 and not read.stderr
