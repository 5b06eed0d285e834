"""From curves of single runs to aggregates, phases, verdicts and tables of the whole study.

Tables of one experiment are written by `infoplane.statistics.tables`, those of several by
`infoplane.statistics.joins`. What their columns mean is said by `phases`, `cells`, `differences` and
`verdicts`.
"""

from infoplane.statistics.aggregates import aggregate
from infoplane.statistics.joins import (
    join_correlations,
    join_differences,
    join_errors,
    join_fits,
    join_information,
    join_levels,
    join_phases,
    join_prevalence,
    join_reliability,
    join_resolution,
    join_settings,
    join_signs,
    join_violations,
    write_claims,
)
from infoplane.statistics.phases import phases
from infoplane.statistics.tables import (
    summarise_accuracy,
    summarise_errors,
    summarise_information,
    summarise_tradeoff,
)
from infoplane.statistics.trace import trace

__all__ = [
    "aggregate",
    "join_correlations",
    "join_differences",
    "join_errors",
    "join_fits",
    "join_information",
    "join_levels",
    "join_phases",
    "join_prevalence",
    "join_reliability",
    "join_resolution",
    "join_settings",
    "join_signs",
    "join_violations",
    "phases",
    "summarise_accuracy",
    "summarise_errors",
    "summarise_information",
    "summarise_tradeoff",
    "trace",
    "write_claims",
]
