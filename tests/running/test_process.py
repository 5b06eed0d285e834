"""The child process of a run: what it tells until it is cut off, and that nothing of it goes on."""

import io
import signal
from types import SimpleNamespace

import pytest

from infoplane.running.process import Child


@pytest.fixture
def child():
    """A child without a process."""
    return Child.__new__(Child)


def test_a_line_that_is_cut_off_is_left_out(child):
    child.events = io.StringIO('{"event": "job_info"}\n{"event": "jo')
    assert [*child.listen()] == [{"event": "job_info"}]


def test_a_second_interrupt_ends_the_patience_and_not_the_kill(child, monkeypatch):
    sent, waits = [], []

    def wait(*patience: float) -> None:
        waits.append(patience)
        if patience:
            raise KeyboardInterrupt

    child.events, child.process = io.StringIO(), SimpleNamespace(wait=wait)
    monkeypatch.setattr(child, "send", sent.append)
    with pytest.raises(KeyboardInterrupt):
        child.stop(5)
    assert (sent, waits) == ([signal.SIGINT, signal.SIGKILL], [(5,), ()])
