/** The lines of a thread, top to bottom: days, messages, private notes, and small words about what was done. */

import { dayOf, minuteOf } from "../../../widget/times";
import type { Actor, Change } from "../wire";
import type { Thread } from "./thread";

export type Mark = "sending" | "sent" | "read" | "failed";

/** What is on its way to Helpr. */
export interface Sending {
  readonly id: string;
  readonly conversation: string;
  readonly kind: "message" | "note";
  readonly text: string;
  readonly at: string;
  readonly state: "sending" | "sent" | "failed";
  readonly problem: string;
}

export interface Bubble {
  readonly kind: "message" | "note";
  readonly key: string;
  readonly sequence: number;
  readonly author: Actor;
  readonly name: string;
  readonly isVisitor: boolean;
  readonly isErased: boolean;
  readonly isDamaged: boolean;
  readonly text: string;
  readonly at: string;
  /** First and last of what one person wrote within a minute. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly mark: Mark | null;
  readonly problem: string;
}

export interface Words {
  readonly kind: "day" | "system" | "new";
  readonly key: string;
  readonly text: string;
  readonly at: string;
  /** Who did it, when exactly, and which change it was. */
  readonly why: string;
}

export type Line = Bubble | Words;

export interface Company {
  readonly me: string;
  readonly nameOf: (who: Actor) => string;
  readonly now: Date;
  /** The sequence after which everything is new to this agent; null shows no line. */
  readonly newAfter: number | null;
}

/** Everything said and done, then what is still on its way. */
export function timeline(thread: Thread, sending: readonly Sending[], company: Company): readonly Line[] {
  const said = new Set(thread.changes.map((change) => change.id));
  const waiting = sending.filter((one) => !said.has(one.id)).map((one) => onItsWay(one, company));
  const lines = withNews(thread.changes, company).flatMap((one) => (isLine(one) ? [one] : lineOf(one, thread, company)));
  return marked(grouped(withDays([...lines, ...waiting], company.now)));
}

function lineOf(change: Change, thread: Thread, company: Company): Line[] {
  const text = words(change, company);
  if (text) return [{ kind: "system", key: `s${change.sequence}`, text, at: change.at, why: company.nameOf(change.actor) }];
  if ((change.kind !== "message" && change.kind !== "note") || !change.author) return [];
  const isVisitor = change.author.kind === "visitor";
  const read = change.sequence <= thread.receipts.visitor ? "read" : "sent";
  return [
    {
      kind: change.kind,
      key: change.id ?? `m${change.sequence}`,
      sequence: change.sequence,
      author: change.author,
      name: company.nameOf(change.author),
      isVisitor,
      isErased: change.erased || (change.text === null && !change.damaged),
      isDamaged: change.damaged && !change.erased,
      text: change.text ?? "",
      at: change.at,
      isFirst: true,
      isLast: true,
      mark: isVisitor || change.kind === "note" ? null : read,
      problem: "",
    },
  ];
}

/** What was done to the conversation, as a sentence; empty for what was said in it. */
export function words(change: Change, { me, nameOf }: Pick<Company, "me" | "nameOf">): string {
  const actor = change.actor.id === me && change.actor.kind === "agent" ? "You" : nameOf(change.actor);
  const whom = change.assignee === me ? "you" : nameOf({ kind: "agent", id: change.assignee ?? "" });
  const isOwn = change.assignee !== null && change.assignee === change.actor.id;
  switch (change.kind) {
    case "started": return "Conversation started";
    case "assigned":
      if (!change.assignee) return `${actor} unassigned this`;
      return isOwn ? `${actor} took this` : `${actor} assigned this to ${whom}`;
    case "prioritised": return `${actor} set the priority to ${change.priority ?? "normal"}`;
    case "resolved": return `${actor} resolved this`;
    case "reopened": return change.actor.kind === "visitor" ? "Reopened by a new message" : `${actor} reopened this`;
    default: return "";
  }
}

function onItsWay(one: Sending, { me, nameOf }: Company): Bubble {
  const author: Actor = { kind: "agent", id: me };
  const { kind, id, text, at, state, problem } = one;
  const mark = kind === "note" && state === "sent" ? null : state;
  return { kind, key: id, sequence: Infinity, author, name: nameOf(author), isVisitor: false, isErased: false, isDamaged: false, text, at, isFirst: true, isLast: true, mark, problem };
}

function isLine(one: Change | Line): one is Line {
  return "key" in one;
}

/** A line above the first of the visitor's messages that nobody had read. */
function withNews(changes: readonly Change[], { newAfter }: Company): readonly (Change | Line)[] {
  if (newAfter === null) return changes;
  const first = changes.findIndex((one) => one.sequence > newAfter && one.kind === "message" && one.author?.kind === "visitor");
  const found = changes[first];
  if (!found || first === 0) return changes;
  const news: Words = { kind: "new", key: "new", text: "New", at: found.at, why: "" };
  return [...changes.slice(0, first), news, ...changes.slice(first)];
}

function withDays(lines: readonly Line[], now: Date): readonly Line[] {
  let day = "";
  return lines.flatMap((line): Line[] => {
    const text = dayOf(line.at, now);
    if (text === day) return [line];
    day = text;
    return [{ kind: "day", key: `d${line.at.slice(0, 10)}${text}`, text, at: line.at, why: "" }, line];
  });
}

export function isBubble(line: Line | undefined): line is Bubble {
  return line?.kind === "message" || line?.kind === "note";
}

function isTogether(one: Line | undefined, other: Line | undefined): boolean {
  if (!isBubble(one) || !isBubble(other)) return false;
  return one.kind === other.kind && one.author.id === other.author.id && minuteOf(one.at) === minuteOf(other.at) && one.mark !== "failed" && other.mark !== "failed";
}

function grouped(lines: readonly Line[]): readonly Line[] {
  return lines.map((line, index) =>
    isBubble(line) ? { ...line, isFirst: !isTogether(lines[index - 1], line), isLast: !isTogether(line, lines[index + 1]) } : line,
  );
}

/** What failed or is on its way says so; of the rest only the last one sent says how far it got. */
function marked(lines: readonly Line[]): readonly Line[] {
  const last = lines.findLast((line) => isBubble(line) && line.mark !== null && line.mark !== "failed");
  return lines.map((line) => (isBubble(line) && line !== last && line.mark !== "failed" ? { ...line, mark: null } : line));
}
