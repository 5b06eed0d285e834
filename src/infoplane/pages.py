"""Tables as pages that a browser shows, sorts and searches, without anything from elsewhere."""

from html import escape
from pathlib import Path

import pandas as pd

from infoplane.artifacts import read_csv, written_aside

__all__ = ["page", "write_page"]

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px sans-serif; margin: 1em; }}
table {{ border-collapse: collapse; }}
th, td {{ border-bottom: 1px solid #ccc; padding: 0.2em 0.6em; text-align: left; vertical-align: top; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
td.long {{ min-width: 24em; }}
th {{ background: #eee; cursor: pointer; position: sticky; top: 0; white-space: nowrap; }}
th[aria-sort=ascending]::after {{ content: " \\25b2"; }}
th[aria-sort=descending]::after {{ content: " \\25bc"; }}
</style>
</head>
<body>
<p><input id="wanted" type="search" placeholder="rows with …"> <span id="shown"></span></p>
{table}
<script>
const rows = [...document.querySelectorAll("tbody tr")];
const number = (text) => (text.trim() === "" ? NaN : Number(text));
for (const cell of document.querySelectorAll("td")) {{
  cell.classList.toggle("number", !isNaN(number(cell.textContent)));
  cell.classList.toggle("long", cell.textContent.length > 40);
}}
for (const [column, head] of [...document.querySelectorAll("th")].entries()) {{
  head.addEventListener("click", () => {{
    const down = head.getAttribute("aria-sort") === "ascending";
    const text = (row) => row.cells[column].textContent;
    rows.sort((one, other) => {{
      const [a, b] = [text(one), text(other)];
      const numbers = [number(a), number(b)];
      if (numbers.every(isNaN)) return down ? b.localeCompare(a) : a.localeCompare(b);
      if (numbers.some(isNaN)) return isNaN(numbers[0]) ? 1 : -1;
      return down ? numbers[1] - numbers[0] : numbers[0] - numbers[1];
    }});
    document.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    document.querySelector("tbody").append(...rows);
  }});
}}
const wanted = document.getElementById("wanted");
const show = () => {{
  const words = wanted.value.toLowerCase().split(/\\s+/);
  rows.forEach((row) => (row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word))));
  const count = rows.filter((row) => !row.hidden).length;
  document.getElementById("shown").textContent = `${{count}} of ${{rows.length}} rows`;
}};
wanted.addEventListener("input", show);
show();
</script>
</body>
</html>
"""


def page(table: pd.DataFrame, title: str) -> str:
    """An HTML page of a table: a click on a column's name sorts by it, words narrow the rows down.

    >>> "<td>&lt;b&gt;</td>" in page(pd.DataFrame({"layer": ["<b>"]}), "phases")
    True
    """
    with pd.option_context("display.max_colwidth", None):
        return PAGE.format(title=escape(title), table=table.to_html(index=False, border=0))


def write_page(table_path: Path, output_path: Path) -> None:
    """Write the page of a table (csv), every entry as it is written there.

    Raises:
        UserError: there is no such table.
    """
    table = read_csv(table_path)
    with written_aside(output_path) as aside:
        aside.write_text(page(table, table_path.stem), encoding="utf-8")
