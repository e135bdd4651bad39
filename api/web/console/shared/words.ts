/** What people, states and reasons are called on every page. */

import type { Priority, Reason, Role } from "./wire";

/** Somebody as far as their name goes; `damaged` says whether it is, or which of what they said is. */
export interface Named {
  readonly id: string;
  readonly name: string | null;
  readonly erased: boolean;
  readonly damaged?: boolean | readonly string[];
}

/** What stands in the place of words that somebody changed where they are stored. */
export const DAMAGED = "Somebody changed what was stored. It is not shown, and those who run Helpr have been told.";

/** Somebody who never said their name is told apart by the end of their id. */
export function visitorName({ id, name, erased, damaged = false }: Named): string {
  if (erased) return "Erased visitor";
  if (typeof damaged === "boolean" ? damaged : damaged.includes("name")) return "Damaged name";
  return name ?? `Visitor ${id.slice(-4)}`;
}

export const PRIORITIES: readonly { readonly id: Priority; readonly name: string }[] = [
  { id: "urgent", name: "Urgent" },
  { id: "high", name: "High" },
  { id: "normal", name: "Normal" },
  { id: "low", name: "Low" },
];

export const ROLES: Readonly<Record<Role, string>> = {
  owner: "Owner",
  admin: "Administrator",
  agent: "Agent",
  compliance: "Compliance officer",
  analyst: "Analyst",
};

export const REASONS: readonly { readonly id: Reason; readonly name: string; readonly says: string }[] = [
  { id: "requested", name: "They asked for it", says: "The person asked to be erased." },
  { id: "child", name: "The person is a child", says: "The data is a child's." },
  { id: "inactive", name: "Inactive for long", says: "The person has not been here for long." },
  { id: "unlawful", name: "There was no right to keep it", says: "There was no lawful basis to keep the data." },
];

export function reasonName(reason: Reason): string {
  return REASONS.find((one) => one.id === reason)?.name ?? reason;
}

/** "1 message", "2,310 messages". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
