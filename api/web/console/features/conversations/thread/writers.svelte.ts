/** Who else is writing in a conversation, until they stop or fall silent. */

import type { Actor } from "../../../shared/wire";

const LASTS = 6_000;

export class Writers {
  all = $state.raw<readonly Actor[]>([]);
  private readonly silences = new Map<string, ReturnType<typeof setTimeout>>();

  heard(who: Actor, isWriting: boolean): void {
    clearTimeout(this.silences.get(who.id));
    const others = this.all.filter((one) => one.id !== who.id);
    if (!isWriting && others.length === this.all.length) return;
    this.all = isWriting ? [...others, who] : others;
    if (isWriting) this.silences.set(who.id, setTimeout(() => this.heard(who, false), LASTS));
  }

  clear(): void {
    this.all = [];
  }
}
