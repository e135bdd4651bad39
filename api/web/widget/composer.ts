/** Where the visitor writes. What they have typed stays until it is sent. */

import { element, say } from "./element";
import { icon } from "./icons";

/** Characters Helpr takes in one message. */
export const LONGEST = 10_000;
const NEARLY = 9_500;
const TALLEST = 5;
const DRAFT_AFTER = 300;

export interface Author {
  readonly onSend: (text: string) => void;
  readonly onWrite: () => void;
  readonly onDraft: (text: string) => void;
}

export class Composer {
  readonly form: HTMLFormElement;
  private readonly field = element("textarea", {
    "aria-label": "Message",
    placeholder: "Write a message",
    rows: "1",
    enterkeyhint: "send",
    autocomplete: "off",
    "aria-describedby": "room",
  });
  private readonly button = element("button", { class: "send", type: "submit", "aria-label": "Send", title: "Send" }, icon("send"));
  private readonly room = element("p", { class: "room", id: "room", hidden: true });
  private draft: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly author: Author) {
    this.form = element("form", { class: "composer" }, this.field, this.button, this.room);
    this.field.addEventListener("input", this.wrote);
    this.field.addEventListener("keydown", this.pressed);
    this.form.addEventListener("submit", this.submit);
    window.addEventListener("pagehide", this.keepDraft);
    this.fit();
  }

  /** A draft from an earlier page, unless the visitor is already writing. */
  restore(draft: string): void {
    if (draft && !this.field.value) this.field.value = draft;
    this.fit();
  }

  focus(): void {
    this.field.focus();
  }

  /** The panel has become visible, so the text can be measured. */
  fit(): void {
    const left = LONGEST - this.field.value.length;
    this.room.hidden = left > LONGEST - NEARLY;
    say(this.room, left < 0 ? `${-left} characters too many` : `${left} characters left`);
    this.button.classList.toggle("ready", this.isReady);
    this.field.rows = 1;
    const line = parseFloat(getComputedStyle(this.field).lineHeight) || 20;
    const padding = this.field.clientHeight - line;
    this.field.rows = Math.max(1, Math.min(TALLEST, Math.round((this.field.scrollHeight - padding) / line)));
  }

  stop(): void {
    clearTimeout(this.draft);
    window.removeEventListener("pagehide", this.keepDraft);
  }

  private get isReady(): boolean {
    return this.field.value.trim() !== "" && this.field.value.length <= LONGEST;
  }

  private readonly wrote = (): void => {
    this.fit();
    if (this.isReady) this.author.onWrite();
    clearTimeout(this.draft);
    this.draft = setTimeout(this.keepDraft, DRAFT_AFTER);
  };

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  };

  private readonly submit = (event: Event): void => {
    event.preventDefault();
    if (this.isReady) {
      this.author.onSend(this.field.value.trim());
      this.field.value = "";
      this.keepDraft();
      this.fit();
    }
    this.field.focus();
  };

  private readonly keepDraft = (): void => {
    clearTimeout(this.draft);
    this.author.onDraft(this.field.value);
  };
}
