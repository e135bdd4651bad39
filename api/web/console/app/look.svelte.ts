/** Light, dark, or as the system has it. */

import { storedLook, storeLook } from "../shared/stored";

export type Look = "system" | "light" | "dark";

export const LOOKS: readonly { readonly id: Look; readonly name: string }[] = [
  { id: "system", name: "As the system" },
  { id: "light", name: "Light" },
  { id: "dark", name: "Dark" },
];

class Chosen {
  now = $state<Look>(LOOKS.find((one) => one.id === storedLook())?.id ?? "system");

  choose(look: Look): void {
    this.now = look;
    storeLook(look === "system" ? null : look);
    this.apply();
  }

  apply(): void {
    if (this.now === "system") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset["theme"] = this.now;
  }
}

export const look = new Chosen();
