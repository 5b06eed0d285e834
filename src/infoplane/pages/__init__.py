"""Pages that a browser shows without anything from elsewhere: tables to sort and search, and an index."""

from os.path import relpath
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape

from infoplane.artifacts import read_csv, written_aside
from infoplane.templates import embedded, page_from

__all__ = ["page", "write_page"]

TEMPLATE = Path(__file__).with_name("table.html")
# A page holds so many rows at most: browsers show and sort them within a second
LIMIT = 100_000
# Columns that fold on screens where a table does not fit, the first of them first
# fmt: off
FOLDED = [
    "blocks", "median", "mean_lower", "mean_upper", "corrected_p_shows", "corrected_p_lacks",
    "status_good_fits", "p_shows", "p_lacks", "p", "injective", "failed", "turning_points",
    "fitted_at_onset", "compression_peak_epoch", "fitting_peak_epoch", "compression_onset", "fitting_onset",
    "conditional_compression", "relative_compression", "fitted_share", "headroom", "compression_margin",
    "fitting_margin", "too_few", "ceiling", "near_log2_n", "bad_fits", "bad_fit", "statement", "flips",
    "against_reading", "against_value", "value", "verdict_not_near_log2_n", "verdict_good_fits", "fragile",
    "prevalence", "lower", "upper", "distinct_std", "i_ty_std", "h_t_std", "left_out", "reading",
]
# fmt: on


def page(table: pd.DataFrame, title: str, file: str = "", limit: int = LIMIT) -> str:
    """An HTML page of a table: a click on a column's name sorts by it, words narrow the rows down.

    Args:
        table: every entry as text.
        title: of the page.
        file: the file that the page links to as the table itself.
        limit: how many rows the page holds at most, the first of the table.

    >>> '"rows":[["\\\\u003cb>"]]' in page(pd.DataFrame({"layer": ["<b>"]}), "phases")
    True
    """
    rows = table.iloc[:limit].to_numpy(str).tolist()
    left_out = f"The first {limit:,} of {len(table):,} rows are here" if len(table) > limit else ""
    return page_from(
        TEMPLATE,
        title=title,
        heads=[breakable(str(name)) for name in table],
        data=Markup(embedded({"columns": [*map(str, table)], "folded": FOLDED, "rows": rows})),
        file=file,
        left_out=left_out,
    )


def breakable(name: str) -> Markup:
    """The name of a column, in which a line may end at every underscore.

    >>> breakable("mean_<b>")
    Markup('mean_<wbr>&lt;b&gt;')
    """
    return Markup(str(escape(name)).replace("_", "_<wbr>"))


def write_page(table_path: Path, output_path: Path) -> None:
    """Write the page of a table (csv), every entry as it is written there.

    Raises:
        UserError: there is no such table.
    """
    table = read_csv(table_path)
    file = Path(relpath(table_path, output_path.parent)).as_posix()
    with written_aside(output_path) as aside:
        aside.write_text(page(table, table_path.stem, file), encoding="utf-8")
