/** The panel: who one talks to, what was said, where one writes. */

import { element, say } from "./element";
import { icon } from "./icons";

const PHONE = "(max-width: 480px)";
const REACHABLE = "button, textarea, input, [tabindex='0']";

export interface Parts {
  readonly introduction: HTMLElement;
  readonly log: HTMLElement;
  readonly newest: HTMLElement;
  readonly composer: HTMLElement;
}

export class Panel {
  readonly dialog: HTMLElement;
  private readonly tile = element("span", { class: "tile", "aria-hidden": "true" }, icon("message"));
  private readonly title = element("h2", { id: "title" }, "Chat with us");
  private readonly writer = element("span");
  private readonly writing = element("p", { class: "writing", hidden: true }, dots(), this.writer);
  private readonly notice = element("p", { class: "notice", role: "status" });

  constructor(
    parts: Parts,
    private readonly onClose: () => void,
  ) {
    const close = element("button", { class: "close", type: "button", "aria-label": "Close chat", title: "Close" }, icon("close"));
    close.addEventListener("click", onClose);
    this.dialog = element(
      "section",
      { class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
      element("header", {}, this.tile, this.title, close),
      parts.introduction,
      parts.log,
      element("div", { class: "between" }, this.writing, parts.newest),
      this.notice,
      parts.composer,
    );
    this.dialog.addEventListener("keydown", this.pressed);
  }

  get isOpen(): boolean {
    return !this.dialog.hidden;
  }

  open(): void {
    this.dialog.hidden = false;
    this.dialog.setAttribute("aria-modal", String(matchMedia(PHONE).matches));
  }

  close(): void {
    this.dialog.hidden = true;
  }

  /** The organisation's name, once it is known. */
  greet(organisation: string): void {
    say(this.title, organisation);
  }

  show(writer: string | null, notice: string): void {
    this.writing.hidden = writer === null;
    if (writer) say(this.writer, `${writer} is writing`);
    say(this.notice, notice);
  }

  private readonly pressed = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "Escape") this.onClose();
    else if (event.key === "Tab") this.turn(event);
  };

  /** Keeps the focus inside: after the last comes the first, and the other way round. */
  private turn(event: KeyboardEvent): void {
    const all = Array.from(this.dialog.querySelectorAll<HTMLElement>(REACHABLE)).filter((one) => one.getClientRects().length > 0);
    const from = event.shiftKey ? all[0] : all.at(-1);
    const to = event.shiftKey ? all.at(-1) : all[0];
    if ((this.dialog.getRootNode() as ShadowRoot).activeElement !== from) return;
    event.preventDefault();
    to?.focus();
  }
}

function dots(): HTMLElement {
  return element("span", { class: "dots", "aria-hidden": "true" }, element("i"), element("i"), element("i"));
}
