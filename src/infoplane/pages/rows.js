// A table whose rows are data: of those that are wanted, in the order that is wanted, one window is drawn.
const { columns, rows, folded } = JSON.parse(document.getElementById("data").textContent);
const WINDOW = 100;
const PRINTED = 2000;
const LONG = 120;
const body = document.querySelector("tbody");
const heads = [...document.querySelectorAll("thead th")];
const region = document.querySelector(".rows");
const wanted = document.getElementById("wanted");
const shown = document.getElementById("shown");
const all = document.getElementById("all");
const [previous, next] = ["previous", "next"].map((id) => document.getElementById(id));
const words = rows.map((row) => row.join("\n").toLowerCase());
const foldable = folded.map((name) => columns.indexOf(name)).filter((column) => column >= 0);
const hidden = new Set();
const digits = (count) => count.toLocaleString("en");
let order = rows.map((_, row) => row);
let found = order;
let first = 0;

const cellOf = (text, column) => {
  const cell = document.createElement("td");
  cell.hidden = hidden.has(column);
  mark(cell, text);
  if (text.length <= LONG) {
    cell.textContent = text;
    return cell;
  }
  const whole = document.createElement("div");
  whole.className = "clamped";
  whole.textContent = text;
  const more = document.createElement("button");
  more.type = "button";
  more.textContent = "more";
  more.setAttribute("aria-expanded", "false");
  more.setAttribute("aria-label", `more of ${columns[column]}`);
  more.addEventListener("click", () => {
    const open = !whole.classList.toggle("clamped");
    more.textContent = open ? "less" : "more";
    more.setAttribute("aria-expanded", open);
  });
  cell.append(whole, more);
  return cell;
};

const rowOf = (index) => {
  const row = document.createElement("tr");
  row.append(...rows[index].map(cellOf));
  return row;
};

const draw = (count = WINDOW) => {
  const drawn = found.slice(first, first + count);
  body.replaceChildren(...drawn.map(rowOf));
  const range = drawn.length ? `${digits(first + 1)} to ${digits(first + drawn.length)}` : "none";
  const of = found.length < rows.length ? `${digits(found.length)} found in ${digits(rows.length)}` : digits(rows.length);
  shown.textContent = `Rows ${range} of ${of}`;
  previous.disabled = first === 0;
  next.disabled = first + count >= found.length;
  fold();
};

// Less important columns fold, one by one, until the table fits.
const hide = (column, away) => {
  hidden[away ? "add" : "delete"](column);
  heads[column].hidden = away;
  for (const row of body.rows) row.cells[column].hidden = away;
};

const fold = () => {
  if (all.getAttribute("aria-pressed") === "false") {
    for (const column of foldable) {
      if (region.scrollWidth <= region.clientWidth) break;
      hide(column, true);
    }
  }
  all.hidden = hidden.size === 0 && all.getAttribute("aria-pressed") === "false";
  all.textContent = `Show all ${columns.length} columns`;
};

const unfold = () => [...hidden].forEach((column) => hide(column, false));

const select = () => {
  const asked = wanted.value.toLowerCase().split(/\s+/);
  found = wanted.value.trim() ? order.filter((row) => asked.every((word) => words[row].includes(word))) : order;
  first = 0;
  draw();
};

const turnTo = (row) => {
  first = row;
  draw();
  region.scrollTop = 0;
};

makeSortable(heads, (column, down) => {
  order = ordered(order, (row) => rows[row][column], down);
  select();
  region.scrollTop = 0;
});
wanted.addEventListener("input", select);
previous.addEventListener("click", () => turnTo(Math.max(0, first - WINDOW)));
next.addEventListener("click", () => turnTo(first + WINDOW));
all.addEventListener("click", () => {
  all.setAttribute("aria-pressed", all.getAttribute("aria-pressed") === "false");
  unfold();
  fold();
});
window.addEventListener("resize", () => {
  unfold();
  fold();
});
window.addEventListener("beforeprint", () => draw(PRINTED));
window.addEventListener("afterprint", () => draw());
draw();
