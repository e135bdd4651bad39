/** The conversation on the screen: changes only the lines that differ, and stays where the visitor reads. */

import { drawn } from "./bubbles";
import { element } from "./element";
import { icon } from "./icons";
import type { Line } from "./timeline";

/** This close to the end counts as reading the newest. */
const NEAR = 48;

export class Log {
  readonly region = element("div", { class: "log", role: "log", "aria-label": "Conversation", "aria-live": "polite", tabindex: "0" });
  readonly newest = element("button", { class: "newest", type: "button", hidden: true }, icon("down"), "New messages");
  private shown = new Map<string, { look: string; row: HTMLElement }>();
  private last = "";
  /** Whether the end stays in sight: until the visitor scrolls away from it, whatever grows above or below. */
  private isFollowing = true;

  private readonly welcome = element(
    "div",
    { class: "welcome" },
    element("h3", {}, "How can we help?"),
    element("p", {}, "Ask us anything. You can leave this page and find the answer here later."),
  );

  constructor(private readonly onRetry: (id: string) => void) {
    this.region.append(this.welcome);
    this.newest.addEventListener("click", () => this.toEnd());
    this.region.addEventListener("scroll", this.scrolled, { passive: true });
    new ResizeObserver(() => this.isFollowing && this.toEnd()).observe(this.region);
  }

  show(lines: readonly Line[], isLoading: boolean): void {
    this.region.classList.toggle("loading", isLoading && lines.length === 0);
    this.welcome.hidden = isLoading || lines.length > 0;
    this.draw(lines);
    const last = lines.at(-1);
    const isNew = last !== undefined && last.key !== this.last;
    this.last = last?.key ?? "";
    if (this.isFollowing || (isNew && last.kind === "bubble" && last.isOwn)) this.toEnd();
    else if (isNew) this.newest.hidden = false;
  }

  toEnd(): void {
    this.isFollowing = true;
    this.newest.hidden = true;
    this.region.scrollTop = this.region.scrollHeight;
  }

  private readonly scrolled = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.region;
    this.isFollowing = scrollHeight - scrollTop - clientHeight < NEAR;
    this.newest.hidden ||= this.isFollowing;
  };

  private draw(lines: readonly Line[]): void {
    const before = this.shown;
    this.shown = new Map();
    let place: Element = this.welcome;
    for (const line of lines) {
      const row = this.rowOf(line, before);
      if (place.nextElementSibling !== row) place.after(row);
      place = row;
    }
    for (const [key, { row }] of before) if (this.shown.get(key)?.row !== row) row.remove();
  }

  /** The row of before if it still looks the same; a row moved or drawn anew would be read aloud again. */
  private rowOf(line: Line, before: ReadonlyMap<string, { look: string; row: HTMLElement }>): HTMLElement {
    const look = JSON.stringify(line);
    const known = before.get(line.key);
    const row = known?.look === look ? known.row : drawn(line, this.onRetry);
    if (known && known.row !== row) known.row.replaceWith(row);
    this.shown.set(line.key, { look, row });
    return row;
  }
}
