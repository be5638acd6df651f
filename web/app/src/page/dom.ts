// Elements, made without markup: no text of a file or of a person is ever read as HTML.

export type Child = Node | string | false | null | undefined;
export type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;

/** h makes an element. An attribute that is a function listens to the event of that name; false and undefined leave it out. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  put(element, attributes, children);
  return element;
}

/** s makes an element of SVG. */
export function s<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  put(element, attributes, children);
  return element;
}

/** fill puts children in place of what an element held. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter(there));
}

const there = (child: Child): child is Node | string => child !== false && child !== null && child !== undefined && child !== "";

function put(element: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter(there));
}
