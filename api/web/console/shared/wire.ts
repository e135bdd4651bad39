/** What Helpr's API says to agents. Written by hand; `client/schema.d.ts` is generated from the same contract. */

export type PartyKind = "visitor" | "agent";
export type Status = "open" | "resolved";
export type Priority = "low" | "normal" | "high" | "urgent";
export type Role = "owner" | "admin" | "agent" | "compliance" | "analyst";
export type Permission = "read" | "converse" | "audit" | "erase" | "reports";

export interface Agent {
  readonly id: string;
  /** Empty once the agent was erased. */
  readonly name: string | null;
  readonly email: string | null;
  readonly role: Role;
}

export interface Me {
  readonly agent: Agent;
  readonly organisation: { readonly id: string; readonly name: string; readonly slug: string };
  readonly permissions: readonly Permission[];
  readonly is_demo: boolean;
}

export interface Actor {
  readonly kind: PartyKind | "system";
  readonly id: string;
}

/** A conversation in the list. */
export interface Row {
  readonly id: string;
  readonly visitor: { readonly id: string; readonly name: string | null; readonly erased: boolean };
  readonly status: Status;
  readonly priority: Priority;
  readonly assignee: string | null;
  readonly started_at: string;
  readonly last_at: string;
  readonly waiting_since: string | null;
  readonly unread: number;
  readonly sequence: number;
  readonly preview: { readonly author: PartyKind; readonly text: string | null; readonly erased: boolean } | null;
}

export interface Counts {
  readonly open: number;
  readonly mine: number;
  readonly unassigned: number;
  readonly resolved: number;
}

/** One thing that happened in a conversation; pages and the live stream say it alike. */
export interface Change {
  readonly sequence: number;
  readonly at: string;
  readonly kind: "started" | "message" | "note" | "read" | "assigned" | "prioritised" | "resolved" | "reopened";
  readonly actor: Actor;
  readonly id: string | null;
  readonly author: { readonly kind: PartyKind; readonly id: string } | null;
  readonly text: string | null;
  readonly erased: boolean;
  readonly assignee: string | null;
  readonly priority: Priority | null;
  readonly reader: PartyKind | null;
  readonly up_to: number | null;
}

export type Receipts = Readonly<Record<PartyKind, number>>;

export interface ChangesPage {
  readonly changes: readonly Change[];
  readonly has_more: boolean;
  readonly receipts: Receipts;
}

export interface ConversationPage extends ChangesPage {
  readonly conversation: Row;
  readonly visitor: Visitor;
}

/** The answer to a write in a conversation. */
export interface Done {
  readonly conversation: string;
  readonly sequence: number;
}

export interface Visitor {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly conversations: number;
  readonly erased: boolean;
  readonly device: { readonly browser?: string | null; readonly os?: string | null; readonly type?: string | null } | null;
  readonly place: { readonly city?: string | null; readonly region?: string | null; readonly country?: string | null } | null;
  readonly page: Readonly<Record<string, string | null>> | null;
}

/** One fact of a conversation's trail. */
export interface Entry {
  readonly sequence: number;
  readonly position: number;
  readonly at: string;
  readonly fact: string;
  readonly actor: Actor;
  readonly event: string;
  readonly command: string | null;
  readonly correlation: string | null;
  readonly causation: string | null;
}

/** What a conversation looked like at a moment. */
export interface Moment {
  readonly at: string;
  readonly status: Status;
  readonly priority: Priority;
  readonly assignee: string | null;
  readonly changes: readonly Change[];
  readonly receipts: Receipts;
}

export type Reason = "requested" | "child" | "inactive" | "unlawful";

export interface Erasure {
  readonly visitor: string;
  readonly reason: Reason;
  readonly state: "decided" | "shredded" | "proved";
  readonly decided_at: string;
  readonly shredded_at: string | null;
  readonly proved_at: string | null;
  readonly keys: number;
}

export interface Day {
  readonly day: string;
  readonly conversations: number;
  readonly visitor_messages: number;
  readonly agent_messages: number;
  readonly resolved: number;
}
