// The columns of every table of class `sortable` sort it: by a click on their names, or by Enter and space.
for (const table of document.querySelectorAll("table.sortable")) {
  const number = (text) => (text.trim() === "" ? NaN : Number(text.replace("−", "-")));
  for (const cell of table.querySelectorAll("td")) {
    cell.classList.toggle("number", !isNaN(number(cell.textContent)));
    cell.classList.toggle("long", cell.textContent.length > 40);
  }
  for (const [column, head] of [...table.querySelectorAll("thead th")].entries()) {
    head.scope = "col";
    head.tabIndex = 0;
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const text = (row) => row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows].sort((one, other) => {
        const [a, b] = [text(one), text(other)];
        const numbers = [number(a), number(b)];
        if (numbers.every(isNaN)) return down ? b.localeCompare(a) : a.localeCompare(b);
        if (numbers.some(isNaN)) return isNaN(numbers[0]) ? 1 : -1;
        return down ? numbers[1] - numbers[0] : numbers[0] - numbers[1];
      });
      table.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort();
    });
  }
}
