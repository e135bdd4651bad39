/** What Helpr says to agents, for tests. */

import type { Change, Entry, Row } from "../../console/shared/wire";

export const OLGA = "0192f000-0000-7000-8000-0000000000c1";
export const AMIR = "0192f000-0000-7000-8000-0000000000c2";
export const MARA = "0192f000-0000-7000-8000-0000000000b1";

/** So many minutes after nine on the 4th of March, where the test runs. */
export function minute(after: number, seconds = 0): string {
  return new Date(2026, 2, 4, 9, after, seconds).toISOString();
}

export function change(sequence: number, more: Partial<Change> = {}): Change {
  const nothing = { id: null, author: null, text: null, erased: false, damaged: false, assignee: null, priority: null, reader: null, up_to: null };
  return { sequence, at: minute(0), kind: "message", actor: { kind: "system", id: "" }, ...nothing, ...more };
}

export function visitorSays(sequence: number, text: string, more: Partial<Change> = {}): Change {
  const mara = { kind: "visitor", id: MARA } as const;
  return change(sequence, { id: `m${sequence}`, actor: mara, author: mara, text, ...more });
}

export function agentSays(sequence: number, text: string, more: Partial<Change> = {}): Change {
  const olga = { kind: "agent", id: OLGA } as const;
  return change(sequence, { id: `m${sequence}`, actor: olga, author: olga, text, ...more });
}

export function agentDoes(sequence: number, kind: Change["kind"], more: Partial<Change> = {}): Change {
  return change(sequence, { kind, actor: { kind: "agent", id: OLGA }, ...more });
}

export function row(id: string, more: Partial<Row> = {}): Row {
  return {
    id,
    visitor: { id: `v-${id}`, name: `Visitor of ${id}`, erased: false, damaged: false },
    status: "open",
    priority: "normal",
    assignee: null,
    started_at: minute(0),
    last_at: minute(0),
    waiting_since: null,
    unread: 0,
    sequence: 1,
    preview: { author: "visitor", text: `words of ${id}`, erased: false, damaged: false },
    ...more,
  };
}

export function entry(sequence: number, more: Partial<Entry> = {}): Entry {
  const ids = { event: `event-${sequence}`, command: `command-${sequence}`, correlation: `command-${sequence}`, causation: null };
  return { sequence, position: sequence + 100, at: minute(sequence), fact: "conversations.MessageSent", actor: { kind: "visitor", id: MARA }, ...ids, ...more };
}
