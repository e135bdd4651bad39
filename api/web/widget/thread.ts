/** What has been said, as the visitor sees it: a fold over the changes of one conversation. */

import type { Agents, Change, ConversationPage, Receipts } from "./wire";

export interface Thread {
  /** In order of their sequence, each once. */
  readonly changes: readonly Change[];
  readonly receipts: Receipts;
  readonly agents: Agents;
  /** The last sequence seen, from which the live stream resumes. */
  readonly sequence: number;
}

export const EMPTY: Thread = { changes: [], receipts: { visitor: 0, agent: 0 }, agents: {}, sequence: 0 };

/** The thread once this change, too, has happened. A change seen before alters nothing. */
export function applied(thread: Thread, change: Change): Thread {
  const sequence = Math.max(thread.sequence, change.sequence);
  if (change.kind === "read") return { ...thread, sequence, receipts: readUpTo(thread.receipts, change) };
  if (change.sequence > thread.sequence) return { ...thread, sequence, changes: [...thread.changes, change] };
  if (thread.changes.some((known) => known.sequence === change.sequence)) return thread;
  const changes = [...thread.changes, change].sort((one, other) => one.sequence - other.sequence);
  return { ...thread, sequence, changes };
}

/** The thread with a page of the conversation laid over it; the page knows best what has been erased. */
export function withPage(thread: Thread, page: ConversationPage): Thread {
  const renewed = new Set(page.changes.map((change) => change.sequence));
  const others = thread.changes.filter((change) => !renewed.has(change.sequence));
  const receipts = {
    visitor: Math.max(thread.receipts.visitor, page.receipts.visitor),
    agent: Math.max(thread.receipts.agent, page.receipts.agent),
  };
  return {
    changes: [...others, ...page.changes].sort((one, other) => one.sequence - other.sequence),
    receipts,
    agents: { ...thread.agents, ...page.agents },
    sequence: page.changes.reduce((last, change) => Math.max(last, change.sequence), thread.sequence),
  };
}

/** The agents' messages that the visitor has not read. */
export function unread({ changes, receipts }: Thread): readonly Change[] {
  return changes.filter((one) => isAgents(one) && one.sequence > receipts.visitor);
}

export function isAgents(change: Change): boolean {
  return change.kind === "message" && change.author?.kind === "agent";
}

/** Agents who wrote and whose name is not known yet. */
export function hasStrangers({ changes, agents }: Thread): boolean {
  return changes.some((one) => isAgents(one) && !agents[one.author?.id ?? ""]);
}

function readUpTo(receipts: Receipts, { reader, up_to, sequence }: Change): Receipts {
  if (!reader) return receipts;
  return { ...receipts, [reader]: Math.max(receipts[reader], up_to ?? sequence) };
}
