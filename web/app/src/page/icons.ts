// Pictures that stand beside a word, and never for it.
import { s } from "./dom.ts";
import type { Result } from "./outcome.ts";

const strokes: Record<Result | "yes" | "no" | "open" | "awaited", string> = {
  included: "M15 25l7 7 13-15",
  mismatch: "M15 20h20M15 30h20M31 13L19 37",
  unchecked: "M19 19.5a6.2 6.2 0 1 1 9.3 5.3c-2.2 1.3-3.3 2.5-3.3 5M25 35.6v.8",
  withdrawn: "M17 17l-5 5 5 5M12 22h17a6.5 6.5 0 0 1 0 13h-6",
  yes: "M14 26l8 8 15-17",
  no: "M16 16l18 18M34 16L16 34",
  open: "M16 25h18",
  awaited: "M25 14v12l7 5",
};

export function icon(name: keyof typeof strokes): SVGSVGElement {
  return s("svg", { class: "icon", viewBox: "0 0 50 50", "aria-hidden": "true", focusable: "false" }, s("circle", { cx: 25, cy: 25, r: 22 }), s("path", { d: strokes[name] }));
}
