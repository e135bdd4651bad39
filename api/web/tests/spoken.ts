/** Changes as Helpr sends them, for tests. */

import { applied, EMPTY, type Thread } from "../widget/thread";
import type { Change } from "../widget/wire";

export const NOOR = "0192f000-0000-7000-8000-0000000000a1";
export const MARA = "0192f000-0000-7000-8000-0000000000b1";

export function change(sequence: number, more: Partial<Change> = {}): Change {
  const nothing = { id: null, author: null, text: null, erased: false, damaged: false, assignee: null, priority: null, reader: null, up_to: null };
  return { sequence, at: minute(0), kind: "message", actor: { kind: "system", id: "" }, ...nothing, ...more };
}

export function visitorSays(sequence: number, text: string, more: Partial<Change> = {}): Change {
  return change(sequence, { id: `m${sequence}`, author: { kind: "visitor", id: MARA }, text, ...more });
}

export function agentSays(sequence: number, text: string, more: Partial<Change> = {}): Change {
  return change(sequence, { id: `m${sequence}`, author: { kind: "agent", id: NOOR }, text, ...more });
}

export function agentRead(sequence: number, up_to: number): Change {
  return change(sequence, { kind: "read", reader: "agent", up_to });
}

export function threadOf(...changes: readonly Change[]): Thread {
  return changes.reduce(applied, EMPTY);
}

/** So many minutes after nine on the 4th of March, where the test runs. */
export function minute(after: number, day = 4): string {
  return new Date(2026, 2, day, 9, after).toISOString();
}
