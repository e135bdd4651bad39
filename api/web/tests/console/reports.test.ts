import { describe, expect, test } from "vitest";
import { ceiling, conversationsSay, everyDay, isRange, lastDays, messagesSay, resolvedSay } from "../../console/features/usage/days";
import type { Day } from "../../console/shared/wire";

const day = (name: string, more: Partial<Day> = {}): Day => ({ day: name, conversations: 0, visitor_messages: 0, agent_messages: 0, resolved: 0, ...more });

describe("a range of days", () => {
  test("ends today, where the agent is", () => {
    expect(lastDays(7, new Date(2026, 2, 4, 23, 30))).toEqual({ first: "2026-02-26", last: "2026-03-04" });
    expect(lastDays(1, new Date(2026, 2, 4, 0, 10))).toEqual({ first: "2026-03-04", last: "2026-03-04" });
  });

  test("has every day, also those without anything, over a change of clocks", () => {
    const days = everyDay([day("2026-03-29", { resolved: 4 })], { first: "2026-03-28", last: "2026-03-30" });
    expect(days.map((one) => [one.day, one.resolved])).toEqual([["2026-03-28", 0], ["2026-03-29", 4], ["2026-03-30", 0]]);
  });

  test("must be two days in their order", () => {
    expect(isRange({ first: "2026-03-04", last: "2026-03-01" })).toBe(false);
    expect(isRange({ first: "yesterday", last: "2026-03-01" })).toBe(false);
    expect(isRange({ first: "2026-03-01", last: "2026-03-01" })).toBe(true);
  });
});

describe("the title of a chart is its answer", () => {
  const days = [day("2026-03-03", { conversations: 3, visitor_messages: 10, agent_messages: 15, resolved: 2 }), day("2026-03-04", { conversations: 1, resolved: 1 })];

  test("to how many, who, and whether we keep up", () => {
    expect(conversationsSay(days)).toBe("4 conversations started, 2 a day, most on Tuesday, Mar 3");
    expect(messagesSay(days)).toBe("Agents wrote 1.5 messages for every one from a visitor");
    expect(resolvedSay(days)).toBe("75 resolved for every 100 started");
  });

  test("counts the days from the first one that had any", () => {
    expect(conversationsSay([day("2026-03-01"), day("2026-03-02"), ...days])).toBe("4 conversations started, 2 a day, most on Tuesday, Mar 3");
    expect(conversationsSay([day("2026-03-02"), day("2026-03-03", { conversations: 5 })])).toBe("5 conversations started, most on Tuesday, Mar 3");
  });

  test("also when there is nothing to count", () => {
    const none = [day("2026-03-03")];
    expect([conversationsSay(none), messagesSay(none), resolvedSay(none)]).toEqual(["No conversation was started", "Nobody wrote", "No conversation was resolved"]);
    expect(messagesSay([day("2026-03-03", { agent_messages: 1 })])).toBe("Agents wrote 1 message, visitors none");
    expect(resolvedSay([day("2026-03-03", { resolved: 2 })])).toBe("2 conversations resolved");
  });
});

test.each([[0, 4], [4, 4], [5, 6], [68, 80], [101, 150], [2_310, 3_000]])("a chart of up to %i reaches to %i", (highest, top) => {
  expect(ceiling(highest)).toBe(top);
});
