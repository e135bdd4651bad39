/** How one line of the conversation looks. */

import { element } from "./element";
import { icon } from "./icons";
import type { Bubble, Line, Mark, Words } from "./timeline";
import { exactly, minuteOf } from "./times";

const HUES = 12;
const MARKS: Readonly<Record<Mark, string>> = { sending: "Sending", sent: "Sent", read: "Read", failed: "Not sent." };

export function drawn(line: Line, retry: (id: string) => void): HTMLElement {
  return line.kind === "bubble" ? bubble(line, retry) : words(line);
}

export function initials(name: string): string {
  const parts = name.trim().split(/\s+/u);
  const first = (part: string | undefined): string => Array.from(part ?? "")[0] ?? "";
  return (first(parts[0]) + (parts.length > 1 ? first(parts.at(-1)) : "")).toUpperCase();
}

/** The same person has the same hue on every page. */
export function hueOf(id: string): number {
  return Array.from(id).reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 7) % HUES;
}

function words({ kind, text, at }: Words): HTMLElement {
  return element("p", { class: kind, title: exactly(at) }, text);
}

function bubble(line: Bubble, retry: (id: string) => void): HTMLElement {
  const side = line.isOwn ? "own" : "theirs";
  const ends = `${line.isFirst ? " first" : ""}${line.isLast ? " last" : ""}`;
  const row = element("div", { class: `row ${side}${ends}` });
  if (line.author && line.isFirst) row.append(person(line.author));
  if (line.isOwn) row.append(element("span", { class: "aside" }, "You: "));
  row.append(line.text === null ? gone(line.isDamaged) : element("p", { class: "bubble", title: exactly(line.at) }, line.text));
  if (line.isLast || line.mark) row.append(foot(line, retry));
  return row;
}

function person({ id, name }: { id: string; name: string }): HTMLElement {
  const avatar = element("span", { class: `avatar hue-${hueOf(id)}`, "aria-hidden": "true" }, initials(name));
  return element("div", { class: "person" }, avatar, name);
}

/** Erased words leave a hatched place, damaged ones say so. */
function gone(isDamaged: boolean): HTMLElement {
  if (isDamaged) return element("p", { class: "bubble" }, "This message is damaged and cannot be shown");
  const inPlace = element("span", { class: "aside" }, "Erased message");
  return element("p", { class: "bubble erased", title: "This message was erased" }, inPlace);
}

function foot(line: Bubble, retry: (id: string) => void): HTMLElement {
  const made = element("div", { class: `foot ${line.mark ?? ""}` });
  if (line.mark !== "failed") made.append(element("time", { datetime: line.at, title: exactly(line.at) }, minuteOf(line.at)));
  if (line.mark) made.append(icon(line.mark), element("span", { class: "mark" }, MARKS[line.mark]), line.problem);
  if (line.mark === "failed") {
    const again = element("button", { class: "link", type: "button" }, "Try again");
    again.addEventListener("click", () => retry(line.key));
    made.append(again);
  }
  return made;
}
