/** The active chat as it is kept between pages and visits, under `helpr_chat`. */

import { drop, keep, readObject } from "./storage";

export interface Unsent {
  readonly id: string;
  readonly text: string;
  readonly at: string;
}

export interface Chat {
  readonly organisation: string;
  /** With the visitor's id, the right to ask on their behalf. */
  readonly secret: string;
  readonly conversation: string | null;
  /** The tab that marks the visitor's presence. */
  readonly tab: string | null;
  readonly draft: string;
  readonly unsent: readonly Unsent[];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function isUnsent(value: unknown): value is Unsent {
  const one = value as Partial<Unsent> | null;
  return !!one && [one.id, one.text, one.at].every((part) => typeof part === "string" && part !== "");
}

/** The chat of this organisation; null when there is none, or it belongs to another one. */
export function chatOf(organisation: string): Chat | null {
  const kept = readObject("helpr_chat");
  if (!kept || kept.organisation !== organisation || !text(kept.secret)) return null;
  return {
    organisation,
    secret: text(kept.secret),
    conversation: text(kept.conversation) || null,
    tab: text(kept.tab) || null,
    draft: text(kept.draft),
    unsent: Array.isArray(kept.unsent) ? kept.unsent.filter(isUnsent) : [],
  };
}

export function keepChat(chat: Chat): void {
  keep("helpr_chat", JSON.stringify(chat));
}

/** Another tab may have written a moment ago, so every change starts from what is kept now. */
export function changeChat(organisation: string, change: Partial<Chat>): void {
  const chat = chatOf(organisation);
  if (chat) keepChat({ ...chat, ...change });
}

export function dropChat(): void {
  drop("helpr_chat");
}
