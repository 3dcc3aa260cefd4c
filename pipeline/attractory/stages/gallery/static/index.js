"use strict";
// Narrows the cards to what is asked for; the address keeps the question, so that it can be sent to somebody.
(() => {
  const form = document.getElementById("filters");
  const list = document.getElementById("systems");
  const found = document.getElementById("found");
  const search = document.getElementById("search");
  const from = document.getElementById("from");
  const to = document.getElementById("to");
  const tag = document.getElementById("tag");
  const sort = document.getElementById("sort");
  const groups = ["kind", "behaviour", "dimension"];
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f_]/g, (sign) => (sign === "_" ? " " : ""));

  const cards = [...list.children].map((item, place) => ({
    item,
    place,
    name: fold(item.querySelector("b").textContent),
    words: fold(`${item.querySelector("b").textContent} ${item.querySelector(".what").textContent} ${item.dataset.words}`),
    tags: item.dataset.tags.split("|"),
    exponent: item.dataset.exponent === undefined ? NaN : Number(item.dataset.exponent),
    count: Number(item.dataset.count ?? NaN),
    year: Number(item.dataset.year ?? NaN),
  }));
  const boxes = groups.map((group) => [...form.querySelectorAll(`input[name=${group}]`)]);

  const asked = () => ({
    words: fold(search.value).split(/\s+/).filter(Boolean),
    from: from.value === "" ? -Infinity : Number(from.value),
    to: to.value === "" ? Infinity : Number(to.value),
    tag: tag.value,
    groups: boxes.map((group) => new Set(group.filter((box) => box.checked).map((box) => box.value))),
  });

  // Whether a card fits all that is asked, but for one group: what the numbers beside its choices count.
  const fits = (card, question, but) =>
    question.words.every((word) => card.words.includes(word)) &&
    (question.tag === "" || card.tags.includes(question.tag)) &&
    ((question.from === -Infinity && question.to === Infinity) || (card.exponent >= question.from && card.exponent <= question.to)) &&
    groups.every((group, place) => place === but || !question.groups[place].size || question.groups[place].has(card.item.dataset[group]));

  const last = (value) => (Number.isNaN(value) ? Infinity : value);
  const orders = {
    name: (a, b) => a.place - b.place,
    exponent: (a, b) => last(-a.exponent) - last(-b.exponent) || a.place - b.place,
    dimension: (a, b) => last(a.count) - last(b.count) || a.place - b.place,
    year: (a, b) => last(a.year) - last(b.year) || a.place - b.place,
  };
  let order = "name";

  const keep = () => {
    const kept = new URLSearchParams();
    for (const field of [search, from, to, tag]) if (field.value !== "") kept.set(field.id, field.value);
    if (sort.value !== "name") kept.set("sort", sort.value);
    boxes.forEach((group, place) => group.filter((box) => box.checked).forEach((box) => kept.append(groups[place], box.value)));
    const text = kept.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };

  const recall = () => {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const field of [search, from, to, tag]) field.value = kept.get(field.id) ?? "";
    if (tag.selectedIndex < 0) tag.value = "";
    sort.value = kept.get("sort") in orders ? kept.get("sort") : "name";
    boxes.forEach((group, place) => group.forEach((box) => (box.checked = kept.getAll(groups[place]).includes(box.value))));
  };

  const show = () => {
    const question = asked();
    let count = 0;
    for (const card of cards) {
      const shown = fits(card, question, -1);
      card.item.hidden = !shown;
      count += shown;
    }
    boxes.forEach((group, place) => {
      const left = cards.filter((card) => fits(card, question, place));
      for (const box of group) {
        const fitting = left.filter((card) => card.item.dataset[groups[place]] === box.value).length;
        box.parentElement.querySelector("small").textContent = fitting;
        box.parentElement.classList.toggle("empty", fitting === 0 && !box.checked);
      }
    });
    if (order !== sort.value) {
      order = sort.value;
      list.append(...[...cards].sort(orders[order]).map((card) => card.item));
    }
    found.textContent = count === cards.length ? `${count} systems` : `${count} of ${cards.length} systems`;
    if (count === 0) found.textContent = "No system fits all of this.";
    form.classList.toggle("asked", count !== cards.length);
  };

  const changed = () => {
    show();
    keep();
  };
  form.addEventListener("input", changed);
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    recall();
    show();
  });

  const links = () => cards.map((card) => card.item).filter((item) => !item.hidden).sort((a, b) => (a.compareDocumentPosition(b) & 4 ? -1 : 1)).map((item) => item.firstElementChild);
  const columns = (all) => all.filter((link) => link.offsetTop === all[0].offsetTop).length || 1;

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
      links()[0]?.focus();
    } else if (list.contains(event.target)) {
      const all = links();
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(all), ArrowDown: columns(all) }[event.key];
      const next = step && all[all.indexOf(event.target) + step];
      if (next) {
        event.preventDefault();
        next.focus();
      } else if (event.key === "ArrowUp") {
        event.preventDefault();
        search.focus();
      }
    }
  });

  recall();
  show();
})();
