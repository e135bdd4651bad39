/** A conversation as agents see it: a fold over its changes. */

import type { Change, ChangesPage, ConversationPage, PartyKind, Priority, Receipts, Status } from "../wire";

export interface Thread {
  /** In order of their sequence, each once; receipts stand beside them. */
  readonly changes: readonly Change[];
  readonly receipts: Receipts;
  readonly status: Status;
  readonly priority: Priority;
  readonly assignee: string | null;
  /** The last sequence seen, from which the live stream resumes. */
  readonly sequence: number;
  /** Older changes are still with Helpr. */
  readonly hasMore: boolean;
}

export const EMPTY: Thread = {
  changes: [],
  receipts: { visitor: 0, agent: 0 },
  status: "open",
  priority: "normal",
  assignee: null,
  sequence: 0,
  hasMore: false,
};

/** The thread once this change, too, has happened. A change seen before alters nothing. */
export function applied(thread: Thread, change: Change): Thread {
  const isNew = change.sequence > thread.sequence;
  const seen = isNew ? standing({ ...thread, sequence: change.sequence }, change) : thread;
  if (change.kind === "read") return withReceipt(seen, change.reader, change.up_to ?? change.sequence);
  if (isNew) return { ...seen, changes: [...thread.changes, change] };
  return thread.changes.some((known) => known.sequence === change.sequence) ? thread : { ...thread, changes: inOrder([...thread.changes, change]) };
}

/** The thread with a page laid over it; the page knows best what has been erased. */
export function withPage(thread: Thread, page: ChangesPage): Thread {
  const renewed = new Set(page.changes.map((change) => change.sequence));
  const others = thread.changes.filter((change) => !renewed.has(change.sequence));
  const first = thread.changes[0]?.sequence ?? Infinity;
  const isOldest = (page.changes[0]?.sequence ?? first) <= first;
  return {
    ...thread,
    changes: inOrder([...others, ...page.changes]),
    receipts: { visitor: Math.max(thread.receipts.visitor, page.receipts.visitor), agent: Math.max(thread.receipts.agent, page.receipts.agent) },
    sequence: page.changes.reduce((last, change) => Math.max(last, change.sequence), thread.sequence),
    hasMore: isOldest ? page.has_more : thread.hasMore,
  };
}

/** The thread as its last page shows it, joined to what is known of it unless something between the two is missing. */
export function opened(page: ConversationPage, known: Thread = EMPTY): Thread {
  const { status, priority, assignee, sequence } = page.conversation;
  const isJoined = !page.has_more || (page.changes[0]?.sequence ?? 0) <= known.sequence + 1;
  const thread = withPage(isJoined ? known : EMPTY, page);
  return isJoined && known.sequence >= sequence ? thread : { ...thread, status, priority, assignee };
}

/** The thread without a word of anybody's. */
export function erased(thread: Thread): Thread {
  const isText = (change: Change): boolean => change.kind === "message" || change.kind === "note";
  return { ...thread, changes: thread.changes.map((one) => (isText(one) ? { ...one, text: null, erased: true } : one)) };
}

export function withReceipt(thread: Thread, reader: PartyKind | null, upTo: number): Thread {
  if (!reader || upTo <= thread.receipts[reader]) return thread;
  return { ...thread, receipts: { ...thread.receipts, [reader]: upTo } };
}

/** The visitor's last message; zero when there is none. */
export function lastOfVisitor({ changes }: Thread): number {
  return changes.findLast((one) => one.kind === "message" && one.author?.kind === "visitor")?.sequence ?? 0;
}

function standing(thread: Thread, change: Change): Thread {
  switch (change.kind) {
    case "assigned": return { ...thread, assignee: change.assignee };
    case "prioritised": return { ...thread, priority: change.priority ?? thread.priority };
    case "resolved": return { ...thread, status: "resolved" };
    case "reopened": return { ...thread, status: "open" };
    default: return thread;
  }
}

function inOrder(changes: readonly Change[]): readonly Change[] {
  return [...changes].sort((one, other) => one.sequence - other.sequence);
}
