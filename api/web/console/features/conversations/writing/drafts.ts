/** What was typed and not sent, kept for each conversation until the tab is closed. */

import { store, stored } from "../../../shared/stored";

export type Kind = "message" | "note";

export interface Draft {
  readonly kind: Kind;
  readonly message: string;
  readonly note: string;
}

export const NO_DRAFT: Draft = { kind: "message", message: "", note: "" };

function all(): Record<string, Draft> {
  const kept = stored("drafts");
  return typeof kept === "object" && kept !== null ? (kept as Record<string, Draft>) : {};
}

export function draftOf(conversation: string): Draft {
  const { kind, message, note }: Partial<Draft> = all()[conversation] ?? NO_DRAFT;
  return { kind: kind === "note" ? "note" : "message", message: String(message ?? ""), note: String(note ?? "") };
}

export function keepDraft(conversation: string, draft: Draft): void {
  const { [conversation]: _, ...others } = all();
  store("drafts", draft.message || draft.note ? { ...others, [conversation]: draft } : others);
}
