import { describe, expect, test } from "vitest";
import { applied, EMPTY } from "../../console/shared/thread/thread";
import { isBubble, timeline, words, type Bubble, type Company, type Line, type Sending } from "../../console/shared/thread/timeline";
import type { Change } from "../../console/shared/wire";
import { agentDoes, agentSays, AMIR, change, MARA, minute, OLGA, visitorSays } from "./told";

const names: Readonly<Record<string, string>> = { [OLGA]: "Olga", [AMIR]: "Amir", [MARA]: "Mara" };
const company: Company = { me: OLGA, nameOf: ({ id }) => names[id] ?? "", now: new Date(minute(30)), newAfter: null };
const sending = (id: string, more: Partial<Sending> = {}): Sending => ({ id, conversation: "a", kind: "message", text: `text of ${id}`, at: minute(20), state: "sending", problem: "", ...more });

function linesOf(changes: readonly Change[], waiting: readonly Sending[] = [], more: Partial<Company> = {}): readonly Line[] {
  return timeline(changes.reduce(applied, EMPTY), waiting, { ...company, ...more });
}
const bubbles = (lines: readonly Line[]): readonly Bubble[] => lines.filter(isBubble);

describe("the lines of a thread", () => {
  test("begin each day with its name", () => {
    const lines = linesOf([visitorSays(1, "Hello", { at: new Date(2026, 2, 3, 9).toISOString() }), visitorSays(2, "Again", { at: minute(1) })]);
    expect(lines.map((line) => line.kind)).toEqual(["day", "message", "day", "message"]);
    expect(lines.filter((line) => line.kind === "day").map((line) => line.text)).toEqual(["Yesterday", "Today"]);
  });

  test("group what one person says within a minute, but not notes with messages", () => {
    const lines = linesOf([agentSays(1, "a", { at: minute(1) }), agentSays(2, "b", { at: minute(1, 40) }), agentSays(3, "c", { kind: "note", at: minute(1, 50) }), agentSays(4, "d", { at: minute(3) })]);
    expect(bubbles(lines).map((one) => [one.isFirst, one.isLast])).toEqual([[true, false], [false, true], [true, true], [true, true]]);
  });

  test("mark the last one sent, and every one that failed", () => {
    const lines = linesOf([agentSays(1, "a"), agentSays(3, "b")], [sending("x", { state: "failed", problem: "Too long." }), sending("y")]);
    expect(bubbles(lines).map((one) => one.mark)).toEqual([null, null, "failed", "sending"]);
  });

  test("say when the visitor has read the last one", () => {
    const read = change(3, { kind: "read", reader: "visitor", up_to: 2 });
    expect(bubbles(linesOf([agentSays(1, "a"), agentSays(2, "b"), read])).map((one) => one.mark)).toEqual([null, "read"]);
    expect(bubbles(linesOf([agentSays(1, "a"), agentSays(4, "b"), read])).map((one) => one.mark)).toEqual([null, "sent"]);
  });

  test("show what is on its way once, also when it has already arrived", () => {
    expect(bubbles(linesOf([agentSays(1, "a")], [sending("m1", { state: "sent" })]))).toHaveLength(1);
  });

  test("never give erased words an empty string to show", () => {
    const [one] = bubbles(linesOf([visitorSays(1, "", { text: null, erased: true })]));
    expect(one?.isErased).toBe(true);
  });

  test("tell damaged words from erased ones", () => {
    const [one] = bubbles(linesOf([visitorSays(1, "", { text: null, damaged: true })]));
    expect([one?.isErased, one?.isDamaged]).toEqual([false, true]);
  });

  test("draw a line above what is new, and none above a conversation that is new as a whole", () => {
    const said = [visitorSays(1, "a"), agentSays(2, "b"), visitorSays(3, "c")];
    expect(linesOf(said, [], { newAfter: 2 }).map((line) => line.kind)).toEqual(["day", "message", "message", "new", "message"]);
    expect(linesOf(said, [], { newAfter: 0 }).map((line) => line.kind)).not.toContain("new");
  });
});

describe("what was done is said in words", () => {
  test.each([
    [agentDoes(1, "assigned", { assignee: AMIR }), "You assigned this to Amir"],
    [agentDoes(1, "assigned", { assignee: OLGA }), "You took this"],
    [agentDoes(1, "assigned"), "You unassigned this"],
    [agentDoes(1, "assigned", { actor: { kind: "agent", id: AMIR }, assignee: OLGA }), "Amir assigned this to you"],
    [agentDoes(1, "assigned", { actor: { kind: "agent", id: AMIR }, assignee: AMIR }), "Amir took this"],
    [agentDoes(1, "prioritised", { priority: "high" }), "You set the priority to high"],
    [agentDoes(1, "resolved", { actor: { kind: "agent", id: AMIR } }), "Amir resolved this"],
    [agentDoes(1, "reopened"), "You reopened this"],
    [agentDoes(1, "reopened", { actor: { kind: "visitor", id: MARA } }), "Reopened by a new message"],
    [visitorSays(1, "Hello"), ""],
  ])("%#: %s", (done, says) => {
    expect(words(done, company)).toBe(says);
  });
});
