/** "Tell us who you are": an offer, never a hurdle. */

import { Refused } from "./door";
import { element, say } from "./element";
import { icon } from "./icons";
import type { Identity } from "./wire";

type Field = "name" | "email";

export class Introduction {
  readonly section: HTMLElement;
  private readonly summary = element("span", { class: "who" });
  private readonly toggle: HTMLButtonElement;
  private readonly name = element("input", { id: "name", autocomplete: "name", maxlength: "320" });
  private readonly email = element("input", { id: "email", type: "email", autocomplete: "email", maxlength: "320", inputmode: "email" });
  private readonly problem = element("p", { class: "problem", role: "alert" });
  private readonly form: HTMLFormElement;
  private known: Identity = {};

  constructor(private readonly onTell: (identity: Identity) => Promise<void>) {
    this.toggle = element("button", { class: "link", type: "button", "aria-expanded": "false", "aria-controls": "introduction" });
    this.toggle.addEventListener("click", () => this.open(this.form.hidden === true));
    this.form = element(
      "form",
      { id: "introduction", hidden: true, novalidate: true },
      element("label", { for: "name" }, "Name"),
      this.name,
      element("label", { for: "email" }, "E-mail"),
      this.email,
      this.problem,
      element("button", { class: "primary", type: "submit" }, "Save"),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
    this.section = element("div", { class: "introduction" }, element("p", {}, icon("person"), this.summary, this.toggle), this.form);
    this.show({});
  }

  show(known: Identity): void {
    this.known = known;
    const who = [known.name, known.email].filter(Boolean).join(" · ");
    say(this.summary, who);
    this.summary.title = who;
    say(this.toggle, who ? "Change" : "Tell us who you are");
  }

  private open(isOpen: boolean): void {
    this.form.hidden = !isOpen;
    this.toggle.setAttribute("aria-expanded", String(isOpen));
    say(this.problem, "");
    if (!isOpen) return this.toggle.focus();
    this.name.value = this.known.name ?? "";
    this.email.value = this.known.email ?? "";
    this.name.focus();
  }

  private async submit(): Promise<void> {
    const identity: Partial<Record<Field, string>> = {};
    if (this.name.value.trim()) identity.name = this.name.value.trim();
    if (this.email.value.trim()) identity.email = this.email.value.trim();
    const isWrong = !this.email.validity.valid;
    this.email.setAttribute("aria-invalid", String(isWrong));
    if (isWrong) return this.complain("Write the e-mail address as name@example.com.", this.email);
    try {
      await this.onTell(identity);
      this.open(false);
    } catch (problem) {
      const isRefused = problem instanceof Refused && problem.detail;
      this.complain(isRefused ? problem.detail : "Not saved: no connection. What you wrote is still here; try again.", this.name);
    }
  }

  private complain(problem: string, field: HTMLInputElement): void {
    say(this.problem, problem);
    field.focus();
  }
}
