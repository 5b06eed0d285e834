"""Verification of a folder of results: artifacts are whole, consistent, and obey the laws of information."""

from infoplane.verify.remake import verify_by_remaking
from infoplane.verify.results import verify

__all__ = ["verify", "verify_by_remaking"]
