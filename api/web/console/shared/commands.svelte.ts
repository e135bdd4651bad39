/** Everything that can be done from the keyboard: one list for the keys, the palette and the page of keys. */

import { untrack } from "svelte";

export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: "Go to" | "Conversation" | "Person" | "Look and session";
  /** A single key, pressed outside of fields; the palette's is Ctrl-K. */
  readonly key?: string;
  /** More words to find it by. */
  readonly also?: string;
  readonly run: () => void;
}

class Commands {
  private givers = $state.raw<readonly (() => readonly Command[])[]>([]);

  get all(): readonly Command[] {
    return this.givers.flatMap((give) => give());
  }

  /** Offers commands for as long as the returned function is not called: `$effect(() => commands.offer(...))`. */
  offer(give: () => readonly Command[]): () => void {
    untrack(() => (this.givers = [...this.givers, give]));
    return () => untrack(() => (this.givers = this.givers.filter((one) => one !== give)));
  }

  /** Does what a key pressed outside of fields stands for; false when it stands for nothing. */
  press(key: string): boolean {
    const command = this.all.find((one) => one.key === key);
    command?.run();
    return command !== undefined;
  }
}

export const commands = new Commands();

/** Keys typed into a field, a dialog or a menu, or with a modifier, are no commands. */
export function isCommandKey(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target instanceof Element ? event.target : null;
  if (event.key === "Enter" && target?.closest("button, a")) return false;
  return !target?.closest("input, textarea, select, [contenteditable], dialog, [role=menu], [data-keys=own]");
}

/** The rank of a title for what was typed: 0 is no match; earlier and denser letters rank higher. */
export function rank(title: string, typed: string): number {
  const hay = title.toLowerCase();
  const words = typed.toLowerCase().trim().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return 1;
  const ranks = words.map((word): number => (hay.startsWith(word) ? 3 : hay.includes(` ${word}`) ? 2 : hay.includes(word) ? 1 : 0));
  return ranks.includes(0) ? 0 : ranks.reduce((sum, one) => sum + one, 0);
}
