"use strict";
// Narrows the rows to what is asked for; the address keeps the question. Without a script everything is there, in its first order.
(() => {
  const form = document.getElementById("filters");
  const list = document.getElementById("places");
  const found = document.getElementById("found");
  const search = document.getElementById("search");
  const sort = document.getElementById("sort");
  const boxes = [...form.querySelectorAll("input[name=verdict]")];
  const all = found.textContent;
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/_/g, " ");

  const rows = [...list.children].map((item, place) => ({
    item,
    place,
    verdict: item.dataset.verdict,
    name: item.dataset.name.toLowerCase(),
    words: fold(`${item.dataset.name} ${item.dataset.words} ${item.querySelector(".line").textContent}`),
  }));

  const asked = () => ({
    words: fold(search.value).split(/\s+/).filter(Boolean),
    verdicts: new Set(boxes.filter((box) => box.checked).map((box) => box.value)),
  });
  const says = (row, question) => question.words.every((word) => row.words.includes(word));
  const fits = (row, question) => says(row, question) && (!question.verdicts.size || question.verdicts.has(row.verdict));
  const orders = {
    verdict: (a, b) => a.place - b.place,
    name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.place - b.place),
  };
  let order = "verdict";

  const show = () => {
    const question = asked();
    let count = 0;
    for (const row of rows) {
      const shown = fits(row, question);
      row.item.hidden = !shown;
      count += shown;
    }
    for (const box of boxes) {
      const fitting = rows.filter((row) => row.verdict === box.value && says(row, question)).length;
      box.parentElement.querySelector("small").textContent = fitting;
      box.parentElement.classList.toggle("empty", fitting === 0 && !box.checked);
    }
    if (order !== sort.value) {
      order = sort.value;
      list.append(...[...rows].sort(orders[order]).map((row) => row.item));
    }
    found.textContent = count === rows.length ? all : count ? `${count} of ${rows.length} rows` : "Nothing fits all of this.";
    form.classList.toggle("asked", count !== rows.length);
  };

  const keep = () => {
    const kept = new URLSearchParams();
    if (search.value !== "") kept.set("search", search.value);
    if (sort.value !== "verdict") kept.set("sort", sort.value);
    for (const box of boxes) if (box.checked) kept.append("verdict", box.value);
    const text = kept.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };
  const recall = () => {
    const hash = location.hash.slice(1);
    if (!hash || document.getElementById(hash)) return false; // a section of the page, not a question
    const kept = new URLSearchParams(hash);
    search.value = kept.get("search") ?? "";
    sort.value = kept.get("sort") in orders ? kept.get("sort") : "verdict";
    for (const box of boxes) box.checked = kept.getAll("verdict").includes(box.value);
    return true;
  };

  // What a link leads to has the focus, so that the keyboard goes on from there.
  const follow = () => {
    if (recall()) show();
    else document.getElementById(location.hash.slice(1))?.focus({ preventScroll: true });
  };
  const changed = () => {
    show();
    keep();
  };
  form.addEventListener("input", changed);
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);

  const heads = () => [...list.children].filter((item) => !item.hidden).map((item) => item.querySelector("h3"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !(typing && event.target.type !== "checkbox")) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && event.target === search && search.value) {
      event.preventDefault();
      search.value = "";
      changed();
    } else if (event.target === search && (event.key === "ArrowDown" || event.key === "Enter")) {
      event.preventDefault();
      heads()[0]?.focus();
    } else if (event.target.matches("#places > li > h3")) {
      const all = heads();
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const next = step && all[all.indexOf(event.target) + step];
      if (next) {
        event.preventDefault();
        next.focus();
      } else if (event.key === "Enter") {
        const details = event.target.parentElement.querySelector("details");
        if (details) details.open = !details.open;
      }
    }
  });

  follow();
  show();
})();
