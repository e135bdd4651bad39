/** The parts of the inbox: whose conversations, in which state, in which order. */

import type { Counts, Row, Sort, Status } from "../../../shared/wire";

export type ViewName = "mine" | "unassigned" | "open" | "resolved";

export interface View {
  readonly name: ViewName;
  readonly status: Status;
  /** An agent's id; "none" is nobody, null is anybody. */
  readonly assignee: string | null;
  readonly sort: Sort;
}

export const VIEWS: readonly { readonly name: ViewName; readonly title: string; readonly count: keyof Counts }[] = [
  { name: "mine", title: "Mine", count: "mine" },
  { name: "unassigned", title: "Unassigned", count: "unassigned" },
  { name: "open", title: "All open", count: "open" },
  { name: "resolved", title: "Resolved", count: "resolved" },
];

export const SORTS: readonly { readonly id: Sort; readonly name: string }[] = [
  { id: "newest", name: "Newest first" },
  { id: "oldest", name: "Oldest first" },
  { id: "priority", name: "Most urgent first" },
];

export function viewOf(query: URLSearchParams, me: string): View {
  const name = VIEWS.find((one) => one.name === query.get("view"))?.name ?? "open";
  const sort = SORTS.find((one) => one.id === query.get("sort"))?.id ?? "newest";
  const assignee = name === "mine" ? me : name === "unassigned" ? "none" : null;
  return { name, sort, assignee, status: name === "resolved" ? "resolved" : "open" };
}

/** The address of a view, with a conversation open in it. */
export function addressOf(view: Pick<View, "name" | "sort">, conversation: string | null = null): string {
  const query = new URLSearchParams();
  if (view.name !== "open") query.set("view", view.name);
  if (view.sort !== "newest") query.set("sort", view.sort);
  const path = conversation ? `/inbox/${conversation}` : "/inbox";
  return query.size ? `${path}?${query}` : path;
}

/** The question to Helpr that fills the view. */
export function questionOf(view: View, after: string | null, limit: number): string {
  const query = new URLSearchParams({ status: view.status, sort: view.sort, limit: `${limit}` });
  if (view.assignee) query.set("assignee", view.assignee);
  if (after) query.set("after", after);
  return `/v1/conversations?${query}`;
}

export function belongs(row: Row, { status, assignee }: View): boolean {
  return row.status === status && (assignee === null || row.assignee === (assignee === "none" ? null : assignee));
}

const RANKS: Readonly<Record<Row["priority"], number>> = { low: 0, normal: 1, high: 2, urgent: 3 };

/** Which of two rows stands higher: the order in which Helpr pages through them. */
export function order(sort: Sort): (one: Row, other: Row) => number {
  const later = (one: Row, other: Row): number => compare(other.last_at, one.last_at) || compare(other.id, one.id);
  if (sort === "newest") return later;
  if (sort === "oldest") return (one, other) => later(other, one);
  return (one, other) => RANKS[other.priority] - RANKS[one.priority] || later(one, other);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
