/** The lines a visitor sees, top to bottom: days, messages, and small words about the conversation itself. */

import type { Sending } from "./outbox";
import type { Thread } from "./thread";
import { dayOf, minuteOf } from "./times";
import type { Change } from "./wire";

export type Mark = "sending" | "sent" | "failed" | "read";

export interface Bubble {
  readonly kind: "bubble";
  readonly key: string;
  readonly isOwn: boolean;
  readonly author: { readonly id: string; readonly name: string } | null;
  /** Null when it has been erased, or is damaged: somebody changed what was stored. */
  readonly text: string | null;
  readonly isDamaged: boolean;
  readonly at: string;
  /** First and last of what one person wrote within a minute. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly mark: Mark | null;
  readonly problem: string;
}

export interface Words {
  readonly kind: "day" | "system";
  readonly key: string;
  readonly text: string;
  readonly at: string;
}

export type Line = Bubble | Words;

const SAYINGS: Partial<Record<Change["kind"], string>> = {
  resolved: "This conversation was resolved",
  reopened: "This conversation was opened again",
};

/** Everything said, then what is still on its way. */
export function timeline(thread: Thread, sending: readonly Sending[], now: Date): readonly Line[] {
  const said = new Set(thread.changes.map((change) => change.id));
  const waiting = sending.filter((one) => !said.has(one.id)).map(onItsWay);
  const lines = [...thread.changes.flatMap((change) => lineOf(change, thread)), ...waiting];
  return marked(grouped(withDays(lines, now)));
}

function lineOf(change: Change, { agents, receipts }: Thread): Line[] {
  const saying = SAYINGS[change.kind];
  if (saying) return [{ kind: "system", key: `s${change.sequence}`, text: saying, at: change.at }];
  if (change.kind !== "message" || !change.author) return [];
  const isOwn = change.author.kind === "visitor";
  const author = isOwn ? null : { id: change.author.id, name: agents[change.author.id]?.name ?? "Support" };
  const mark = isOwn ? (change.sequence <= receipts.agent ? "read" : "sent") : null;
  const said = bubble(change.id ?? `m${change.sequence}`, isOwn, author, change.erased ? null : change.text, change.at, mark);
  return [{ ...said, isDamaged: change.damaged && !change.erased }];
}

function onItsWay(one: Sending): Bubble {
  return { ...bubble(one.id, true, null, one.text, one.at, one.state), problem: one.problem };
}

function bubble(key: string, isOwn: boolean, author: Bubble["author"], text: string | null, at: string, mark: Mark | null): Bubble {
  return { kind: "bubble", key, isOwn, author, text, isDamaged: false, at, isFirst: true, isLast: true, mark, problem: "" };
}

function withDays(lines: readonly Line[], now: Date): readonly Line[] {
  let day = "";
  return lines.flatMap((line): Line[] => {
    const text = dayOf(line.at, now);
    if (text === day) return [line];
    day = text;
    return [{ kind: "day", key: `d${line.at.slice(0, 10)}${text}`, text, at: line.at }, line];
  });
}

function isTogether(one: Line | undefined, other: Line | undefined): boolean {
  if (one?.kind !== "bubble" || other?.kind !== "bubble") return false;
  return one.isOwn === other.isOwn && one.author?.id === other.author?.id && minuteOf(one.at) === minuteOf(other.at);
}

function grouped(lines: readonly Line[]): readonly Line[] {
  return lines.map((line, index) =>
    line.kind === "bubble"
      ? { ...line, isFirst: !isTogether(lines[index - 1], line), isLast: !isTogether(line, lines[index + 1]) }
      : line,
  );
}

/** A failed message always says so; of the others only the visitor's last one says how far it got. */
function marked(lines: readonly Line[]): readonly Line[] {
  const last = lines.findLast((line) => line.kind === "bubble" && line.isOwn && line.mark !== "failed");
  return lines.map((line) =>
    line.kind === "bubble" && line !== last && line.mark !== "failed" ? { ...line, mark: null } : line,
  );
}
