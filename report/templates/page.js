// Sorts a table by the column whose heading is clicked: figures by value, words by letter. The
// page says the same without it.
const valueOf = (cell) => {
  const found = cell.textContent.replaceAll(",", "").match(/-?\d+(\.\d+)?(e[-+]?\d+)?/);
  return found ? Number(found[0]) : Number.NEGATIVE_INFINITY;
};
const byText = new Intl.Collator("en", { numeric: true });

for (const head of document.querySelectorAll("th")) {
  const table = head.closest("table");
  const column = [...head.parentNode.children].indexOf(head);
  const sort = () => {
    const rising = head.ariaSort !== "ascending";
    for (const other of head.parentNode.children) other.ariaSort = "none";
    head.ariaSort = rising ? "ascending" : "descending";
    const compare = head.classList.contains("figure")
      ? (a, b) => valueOf(a) - valueOf(b)
      : (a, b) => byText.compare(a.textContent, b.textContent);
    const body = table.tBodies[0];
    const rows = [...body.rows].sort(
      (a, b) => (rising ? 1 : -1) * compare(a.cells[column], b.cells[column]),
    );
    body.append(...rows);
  };
  if (table.tBodies[0].rows.length < 3) continue;
  head.tabIndex = 0;
  head.classList.add("sortable");
  head.addEventListener("click", sort);
  head.addEventListener("keydown", (event) => event.key === "Enter" && sort());
}

// Says which tables are wider than the page, and lets the arrow keys scroll those.
const told = () => {
  for (const area of document.querySelectorAll(".scroll")) {
    const wider = area.scrollWidth > area.clientWidth + 1;
    area.closest("figure").classList.toggle("scrolls", wider);
    if (wider) area.tabIndex = 0;
    else area.removeAttribute("tabindex");
  }
};
told();
window.addEventListener("resize", told);
