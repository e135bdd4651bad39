import { describe, expect, test } from "vitest";
import type { Sending } from "../widget/outbox";
import { type Bubble, type Line, timeline } from "../widget/timeline";
import { agentRead, agentSays, change, minute, NOOR, threadOf, visitorSays } from "./spoken";

const now = new Date(minute(30));
const waiting = (id: string, more: Partial<Sending> = {}): Sending => ({ id, text: id, at: minute(9), state: "sending", problem: "", ...more });
const bubbles = (lines: readonly Line[]): Bubble[] => lines.filter((line) => line.kind === "bubble");
const words = (lines: readonly Line[]): string[] => lines.flatMap((line) => (line.kind === "bubble" ? [] : [line.text]));

describe("a line", () => {
  test("of an agent carries their name, or Support while it is unknown", () => {
    const thread = threadOf(agentSays(1, "Hello"));
    expect(bubbles(timeline(thread, [], now))[0]?.author?.name).toBe("Support");
    const named = { ...thread, agents: { [NOOR]: { name: "Noor" } } };
    expect(bubbles(timeline(named, [], now))[0]?.author?.name).toBe("Noor");
  });

  test("that was erased has no words, not empty ones", () => {
    const erased = visitorSays(1, "secret", { erased: true });
    expect(bubbles(timeline(threadOf(erased), [], now))[0]?.text).toBeNull();
  });

  test("that is damaged says so, and nothing else does", () => {
    const damaged = visitorSays(1, "", { text: null, damaged: true });
    expect(bubbles(timeline(threadOf(damaged), [], now))[0]).toMatchObject({ text: null, isDamaged: true });
    expect(bubbles(timeline(threadOf(visitorSays(1, "", { text: null, erased: true })), [], now))[0]?.isDamaged).toBe(false);
  });

  test("is drawn for what the visitor may see, and for nothing else", () => {
    const inside = (["started", "note", "assigned", "prioritised"] as const).map((kind, index) => change(index + 1, { kind, text: "inside" }));
    expect(timeline(threadOf(...inside), [], now)).toEqual([]);
  });

  test("says when the conversation was resolved and opened again", () => {
    const thread = threadOf(visitorSays(1, "Hello"), change(2, { kind: "resolved" }), change(3, { kind: "reopened" }));
    expect(words(timeline(thread, [], now))).toEqual(["Today", "This conversation was resolved", "This conversation was opened again"]);
  });
});

describe("days", () => {
  test("are named once, before the first line of each", () => {
    const thread = threadOf(visitorSays(1, "a", { at: minute(0, 3) }), visitorSays(2, "b", { at: minute(1, 3) }), agentSays(3, "c"));
    expect(words(timeline(thread, [], now))).toEqual(["Yesterday", "Today"]);
  });
});

describe("groups", () => {
  const ends = (lines: readonly Line[]): boolean[][] => bubbles(lines).map((line) => [line.isFirst, line.isLast]);

  test("are what one person wrote within a minute", () => {
    const thread = threadOf(visitorSays(1, "a"), visitorSays(2, "b"), visitorSays(3, "c", { at: minute(1) }));
    expect(ends(timeline(thread, [], now))).toEqual([[true, false], [false, true], [true, true]]);
  });

  test("end where somebody else writes", () => {
    const other = agentSays(3, "c", { author: { kind: "agent", id: "another" } });
    expect(ends(timeline(threadOf(visitorSays(1, "a"), agentSays(2, "b"), other), [], now))).toEqual([[true, true], [true, true], [true, true]]);
  });
});

describe("marks", () => {
  const marks = (lines: readonly Line[]): unknown[] => bubbles(lines).map((line) => line.mark);

  test("stand under the visitor's last message only", () => {
    const thread = threadOf(visitorSays(1, "a"), visitorSays(2, "b"), agentSays(3, "c"));
    expect(marks(timeline(thread, [], now))).toEqual([null, "sent", null]);
  });

  test("say read once an agent has read that far", () => {
    const thread = threadOf(visitorSays(1, "a"), agentRead(2, 1));
    expect(marks(timeline(thread, [], now))).toEqual(["read"]);
    expect(marks(timeline(threadOf(visitorSays(1, "a"), visitorSays(2, "b"), agentRead(3, 1)), [], now))).toEqual([null, "sent"]);
  });

  test("of failure stay with every message that failed", () => {
    const lines = timeline(threadOf(), [waiting("x", { state: "failed", problem: "Too long." }), waiting("y")], now);
    expect(marks(lines)).toEqual(["failed", "sending"]);
    expect(bubbles(lines)[0]?.problem).toBe("Too long.");
  });
});

test("what has arrived is not shown as on its way as well", () => {
  const lines = timeline(threadOf(visitorSays(1, "a")), [waiting("m1"), waiting("m2")], now);
  expect(bubbles(lines).map((line) => line.key)).toEqual(["m1", "m2"]);
});
