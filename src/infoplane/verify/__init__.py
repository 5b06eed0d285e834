"""Whether a folder of results is whole, fits together, and obeys the laws of information."""

from infoplane.verify.results import verify

__all__ = ["verify"]
