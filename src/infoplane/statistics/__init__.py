"""From curves of single runs to aggregates, phases, verdicts and tables of the whole study.

Tables of one experiment are written by `infoplane.statistics.tables`, those of several by
`infoplane.statistics.joins`. What their columns mean is said by `phases`, `cells`, `differences` and
`verdicts`.
"""
