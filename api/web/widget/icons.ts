/** The few icons of the widget: drawings of lucide (ISC licence), 16 px, stroke 1.75. */

const DRAWINGS = {
  message: ["M2.992 16.342a2 2 0 0 1 .094 1.167l-1.065 3.29a1 1 0 0 0 1.236 1.168l3.413-.998a2 2 0 0 1 1.099.092 10 10 0 1 0-4.777-4.719"],
  close: ["M18 6 6 18", "m6 6 12 12"],
  send: ["m5 12 7-7 7 7", "M12 19V5"],
  sent: ["M20 6 9 17l-5-5"],
  read: ["M18 6 7 17l-5-5", "m22 10-7.5 7.5L13 16"],
  sending: ["M12 6v6l4 2", "M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20"],
  failed: ["M12 8v4", "M12 16h.01", "M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20"],
  down: ["M12 5v14", "m19 12-7 7-7-7"],
  person: ["M19 21v-2a4 4 0 0 0-4-4H9a4 4 0 0 0-4 4v2", "M12 3a4 4 0 1 0 0 8 4 4 0 1 0 0-8"],
} as const;

export type IconName = keyof typeof DRAWINGS;

const SVG = "http://www.w3.org/2000/svg";
const LOOK = {
  viewBox: "0 0 24 24",
  width: "16",
  height: "16",
  fill: "none",
  stroke: "currentColor",
  "stroke-width": "1.75",
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
  "aria-hidden": "true",
};

export function icon(name: IconName): SVGSVGElement {
  const drawing = document.createElementNS(SVG, "svg");
  for (const [attribute, value] of Object.entries(LOOK)) drawing.setAttribute(attribute, value);
  for (const d of DRAWINGS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    drawing.append(path);
  }
  return drawing;
}
