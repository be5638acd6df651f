"use strict";
(() => {
  const box = document.querySelector(".search");
  if (!box) return;
  const field = box.querySelector("input"), found = box.querySelector("output");
  const rows = [...document.querySelectorAll("#accounts tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const batches = [...document.querySelectorAll("#accounts details.batch")];
  const number = new Intl.NumberFormat(document.documentElement.lang + "-u-nu-latn");
  const show = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    rows.forEach((row, i) => {
      const match = wanted.every((w) => texts[i].includes(w));
      row.hidden = !match;
      if (match) n++;
    });
    for (const b of batches) b.open = wanted.length > 0 && b.querySelector("tbody tr:not([hidden])") !== null;
    found.textContent = wanted.length === 0 ? "" : found.dataset.found.replace("{n}", number.format(n)).replace("{all}", number.format(rows.length));
  };
  field.addEventListener("input", show);
  box.hidden = false;
  show();
})();
