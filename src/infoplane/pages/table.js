// What every table on a page needs: columns that sort by a click on their names, or by Enter and space.
const number = (text) => (text.trim() === "" ? NaN : Number(text.replace("−", "-")));
const collator = new Intl.Collator();

// Rows in the order of their texts: numbers first and by value, then words.
const ordered = (rows, text, down) =>
  rows
    .map((row) => ({ row, text: text(row), value: number(text(row)) }))
    .sort((one, other) => {
      const words = [isNaN(one.value), isNaN(other.value)];
      if (words[0] !== words[1]) return words[0] ? 1 : -1;
      const order = words[0] ? collator.compare(one.text, other.text) : one.value - other.value;
      return down ? -order : order;
    })
    .map((each) => each.row);

// Marks a cell by what it holds.
const mark = (cell, text) => {
  cell.classList.toggle("number", !isNaN(number(text)));
  cell.classList.toggle("long", text.length > 40);
};

// Calls `sort` with the number of a column, and whether it falls, whenever the reader asks for it.
const makeSortable = (heads, sort) =>
  heads.forEach((head, column) => {
    head.scope = "col";
    head.tabIndex = 0;
    const turn = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(column, down);
    };
    head.addEventListener("click", turn);
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      turn();
    });
  });

for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("td").forEach((cell) => mark(cell, cell.textContent));
  makeSortable([...table.querySelectorAll("thead th")], (column, down) =>
    table.tBodies[0].append(...ordered([...table.tBodies[0].rows], (row) => row.cells[column].textContent, down)),
  );
}
