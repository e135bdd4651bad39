/** The button in the corner, with the number of answers that wait. */

import { element, say } from "./element";
import { icon } from "./icons";

export class Launcher {
  readonly button: HTMLButtonElement;
  private readonly badge = element("span", { class: "badge", id: "unread", hidden: true });

  constructor(onOpen: () => void) {
    this.button = element(
      "button",
      { class: "launcher", type: "button", "aria-label": "Chat with us", "aria-haspopup": "dialog", "aria-expanded": "false" },
      icon("message"),
      element("span", { class: "label", "aria-hidden": "true" }, "Chat with us"),
      this.badge,
    );
    this.button.setAttribute("aria-describedby", "unread");
    this.button.addEventListener("click", onOpen);
  }

  show(isOpen: boolean, unread: number): void {
    this.button.hidden = isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
    this.badge.hidden = unread === 0;
    this.badge.setAttribute("aria-label", unread === 1 ? "1 new message" : `${unread} new messages`);
    say(this.badge, unread > 9 ? "9+" : unread ? String(unread) : "");
  }
}
