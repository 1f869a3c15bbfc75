"use strict";
// A click on a head sorts the bodies of its table. Without this, tables stay in the order in which they were written.
for (const head of document.querySelectorAll("table.sortable th[data-key]")) {
  // No button element: where a printed table goes on, browsers leave those out of its head.
  const button = document.createElement("span");
  button.setAttribute("role", "button");
  button.tabIndex = 0;
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    button.click();
  });
  button.addEventListener("click", () => {
    const table = head.closest("table");
    const key = head.dataset.key;
    const first = head.dataset.first || "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? second : first;
    for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const value = (body) => body.dataset[key] ?? "";
    const numeric = head.dataset.kind === "number";
    const sign = order === "ascending" ? 1 : -1;
    const bodies = [...table.tBodies];
    bodies.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * (numeric ? x - y : x.localeCompare(y));
    });
    table.append(...bodies);
  });
}
