/** What Helpr says to a visitor: changes of a conversation and their company. */

export type Side = "visitor" | "agent";

export interface Change {
  readonly sequence: number;
  readonly at: string;
  readonly kind: "started" | "message" | "resolved" | "reopened" | "read" | "note" | "assigned" | "prioritised";
  readonly actor: { readonly kind: Side | "system"; readonly id: string };
  readonly id: string | null;
  readonly author: { readonly kind: Side; readonly id: string } | null;
  readonly text: string | null;
  readonly erased: boolean;
  readonly reader: Side | null;
  readonly up_to: number | null;
}

export type Receipts = Readonly<Record<Side, number>>;

export type Agents = Readonly<Record<string, { readonly name: string }>>;

/** GET /widget/v1/conversations/{id} */
export interface ConversationPage {
  readonly changes: readonly Change[];
  readonly receipts: Receipts;
  readonly agents: Agents;
  readonly status: "open" | "resolved";
  readonly sequence: number;
}

/** The answer to a message that was taken. */
export interface Taken {
  readonly id: string;
  readonly conversation: string;
  readonly sequence: number;
}
