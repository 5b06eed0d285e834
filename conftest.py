"""Modules that need an optional package are collected only where it is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("lightning") else ["src/infoplane/lightning.py"]
