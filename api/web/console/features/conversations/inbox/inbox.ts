/** The list of conversations: a fold over pages and what the live stream says. */

import type { Row } from "../../../shared/wire";
import { belongs, order, type View } from "./views";

export interface Inbox {
  readonly view: View;
  /** In the view's order, each once, without holes down to the last one. */
  readonly rows: readonly Row[];
  /** Where the next page begins; null when everything is here. */
  readonly next: string | null;
  /** The last row of the last page as it then was: what sorts below it comes with later pages. */
  readonly edge: Row | null;
}

export type InboxChange =
  | { readonly kind: "began"; readonly rows: readonly Row[]; readonly next: string | null }
  | { readonly kind: "page"; readonly rows: readonly Row[]; readonly next: string | null }
  | { readonly kind: "rows"; readonly rows: readonly Row[] }
  | { readonly kind: "read"; readonly conversation: string }
  | { readonly kind: "erased"; readonly visitor: string };

export function empty(view: View): Inbox {
  return { view, rows: [], next: null, edge: null };
}

/** The list once this, too, has happened. */
export function applied(inbox: Inbox, change: InboxChange): Inbox {
  switch (change.kind) {
    case "began": return withPage(empty(inbox.view), change.rows, change.next);
    case "page": return withPage(inbox, change.rows, change.next);
    case "rows": return withRows(inbox, change.rows);
    case "read": return { ...inbox, rows: inbox.rows.map((row) => (row.id === change.conversation ? { ...row, unread: 0 } : row)) };
    case "erased": return { ...inbox, rows: inbox.rows.map((row) => (row.visitor.id === change.visitor ? erased(row) : row)) };
  }
}

/** What remains of a conversation whose visitor was erased. */
export function erased(row: Row): Row {
  const preview = row.preview && { ...row.preview, text: null, erased: true };
  return { ...row, preview, visitor: { ...row.visitor, name: null, erased: true } };
}

function withPage(inbox: Inbox, rows: readonly Row[], next: string | null): Inbox {
  const known = new Map(inbox.rows.map((row) => [row.id, row]));
  const news = rows.filter((row) => row.sequence > (known.get(row.id)?.sequence ?? 0));
  return { ...inbox, rows: merged(inbox, news), next, edge: next === null ? null : (rows.at(-1) ?? inbox.edge) };
}

/** The stream may say the same sequence again, with a new name. */
function withRows(inbox: Inbox, rows: readonly Row[]): Inbox {
  const known = new Map(inbox.rows.map((row) => [row.id, row]));
  const news = rows.filter((row) => row.sequence >= (known.get(row.id)?.sequence ?? 0));
  const { edge, view } = inbox;
  const isFetched = (row: Row): boolean => edge === null || order(view.sort)(row, edge) <= 0;
  return { ...inbox, rows: merged(inbox, news).filter(isFetched) };
}

function merged({ rows, view }: Inbox, news: readonly Row[]): readonly Row[] {
  const all = new Map([...rows, ...news].map((row) => [row.id, row]));
  return [...all.values()].filter((row) => belongs(row, view)).sort(order(view.sort));
}
