"""Recordings of one's own PyTorch models."""

from infoplane.recording.recorder import Recorder
from infoplane.recording.recording import Recording
from infoplane.recording.states import from_states

__all__ = ["Recorder", "Recording", "from_states"]
