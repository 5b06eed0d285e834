"""From curves of single runs to aggregates, phases and tables of the whole study."""

from infoplane.statistics.aggregates import aggregate
from infoplane.statistics.phases import phases
from infoplane.statistics.tables import (
    join_correlations,
    join_fits,
    join_information,
    join_phases,
    join_violations,
    summarise_accuracy,
    summarise_errors,
    summarise_information,
    summarise_tradeoff,
    write_claims,
)
from infoplane.statistics.trace import trace

__all__ = [
    "aggregate",
    "join_correlations",
    "join_fits",
    "join_information",
    "join_phases",
    "join_violations",
    "phases",
    "summarise_accuracy",
    "summarise_errors",
    "summarise_information",
    "summarise_tradeoff",
    "trace",
    "write_claims",
]
