// The way from a row to the signed total, as a picture and as a table that says the same.
import type { Row, Step } from "../verdict.ts";
import { h, s } from "./dom.ts";
import type { Words } from "./words.ts";

const gap = 38, centre = 150, aside = 82;

const short = (hash: string): string => hash.slice(0, 8);

/** picture draws the tree's nodes that a proof touches: the row at the bottom, at the top what the exchange signed. It is 300 wide, whatever the tree's depth. */
export function picture(w: Words, row: Row): SVGSVGElement {
  const steps = [...row.path, ...row.top];
  const height = gap * steps.length + 96;
  const y = (level: number): number => height - 48 - gap * level;
  const parts: SVGElement[] = [];
  steps.forEach((step, level) => {
    const x = centre + (step.side === "left" ? -aside : aside);
    parts.push(
      s("path", { class: "twig", d: `M${x} ${y(level)}V${y(level) - gap / 2}H${centre}` }),
      s("path", { class: "way", d: `M${centre} ${y(level)}V${y(level + 1)}` }),
      s("circle", { class: "other", cx: x, cy: y(level), r: 6 }),
      s("text", { class: `hash ${step.side}`, x: x + (step.side === "left" ? -12 : 12), y: y(level) + 4 }, short(step.sibling)),
    );
  });
  for (let level = 0; level <= steps.length; level++) parts.push(node(level, row.path.length, steps.length, y(level)));
  parts.push(
    s("text", { class: "label", x: centre, y: y(0) + 30 }, w.say("path.you")),
    s("text", { class: "label", x: centre, y: y(steps.length) - 22 }, w.say("path.root")),
  );
  const title = s("title", { id: "path-title" }, w.say("path.title"));
  const description = s("desc", { id: "path-text" }, describe(w, row));
  return s("svg", { class: "path", viewBox: `0 0 300 ${height}`, role: "img", "aria-labelledby": "path-title path-text" }, title, description, ...parts);
}

function node(level: number, shard: number, last: number, y: number): SVGElement {
  if (level === last) return s("path", { class: "root", d: `M${centre} ${y - 12}l12 12-12 12-12-12z` });
  if (level === 0) return s("circle", { class: "you", cx: centre, cy: y, r: 10 });
  if (level === shard) return s("rect", { class: "mine", x: centre - 7, y: y - 7, width: 14, height: 14 });
  return s("circle", { class: "mine", cx: centre, cy: y, r: 6 });
}

/** describe says the picture in a sentence or two. */
export function describe(w: Words, row: Row): string {
  const { leaf, leaves, index, count } = row.shard;
  const place = w.say("path.place", { leaf: w.number(String(leaf + 1)), leaves: w.number(String(leaves)), shard: w.number(String(index + 1)), count: w.number(String(count)) });
  return `${place} ${w.count("path.steps", row.path.length + row.top.length)}`;
}

/** table is the picture's equivalent, with every hash whole. */
export function table(w: Words, row: Row): HTMLTableElement {
  const line = (name: string, step: Step): HTMLTableRowElement =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, w.say(`path.${step.side}`)), h("td", {}, h("code", {}, step.sibling)), h("td", {}, h("code", {}, step.joined)));
  const level = (i: number): string => w.number(String(i + 1));
  return h("table", { class: "hashes" },
    h("caption", {}, w.say("path.table")),
    h("thead", {}, h("tr", {}, ...["level", "side", "sibling", "joined"].map((key) => h("th", { scope: "col" }, w.say(`path.${key}`))))),
    h("tbody", {},
      h("tr", {}, h("th", { scope: "row" }, w.say("path.you")), h("td", {}), h("td", {}), h("td", {}, h("code", {}, row.leaf))),
      ...row.path.map((step, i) => line(level(i), step)),
      ...row.top.map((step, i) => line(level(row.path.length + i), step)),
    ),
  );
}
