import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Unsent } from "../widget/chat";
import { Refused, Unreachable } from "../widget/door";
import { type Deliver, Outbox } from "../widget/outbox";

const message = (id: string): Unsent => ({ id, text: `text of ${id}`, at: "2026-03-04T09:00:00Z" });

/** An outbox, what it keeps, and the answers Helpr will give, the last one for ever. */
function outboxWith(...answers: readonly (Error | null)[]) {
  const asked: string[] = [];
  let kept: readonly Unsent[] = [];
  const deliver = vi.fn<Deliver>(async ({ id }) => {
    asked.push(id);
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (answer) throw answer;
  });
  const outbox = new Outbox(deliver, (unsent) => (kept = unsent), () => undefined);
  const states = (): unknown[] => outbox.all.map(({ id, state }) => [id, state]);
  return { outbox, asked, states, kept: () => kept.map((one) => one.id) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a message", () => {
  test("is kept from the moment it is written until Helpr has taken it", async () => {
    const { outbox, states, kept } = outboxWith(null);
    outbox.add(message("a"));
    expect(kept()).toEqual(["a"]);
    await vi.runAllTimersAsync();
    expect(kept()).toEqual([]);
    expect(states()).toEqual([["a", "sent"]]);
  });

  test("goes out in its turn, and once", async () => {
    const { outbox, asked } = outboxWith(null);
    outbox.add(message("a"), message("b"));
    outbox.add(message("a"), message("c"));
    await vi.runAllTimersAsync();
    expect(asked).toEqual(["a", "b", "c"]);
  });

  test("is tried again while there is no answer, under the same id", async () => {
    const { outbox, asked, states } = outboxWith(new Unreachable(), new Refused(503, "", 1), null);
    outbox.add(message("a"));
    await vi.runAllTimersAsync();
    expect(asked).toEqual(["a", "a", "a"]);
    expect(states()).toEqual([["a", "sent"]]);
  });

  test("that nobody answers fails at last, is kept, and does not hold up the next one for ever", async () => {
    const { outbox, states, kept } = outboxWith(new Unreachable(), new Unreachable(), new Unreachable(), new Unreachable(), null);
    outbox.add(message("a"), message("b"));
    await vi.runAllTimersAsync();
    expect(states()).toEqual([["a", "failed"], ["b", "sent"]]);
    expect(kept()).toEqual(["a"]);
  });

  test("that is refused is not sent again by itself, and says why", async () => {
    const { outbox, asked } = outboxWith(new Refused(422, "It is empty.", 0));
    outbox.add(message("a"));
    await vi.runAllTimersAsync();
    outbox.retryUnanswered();
    await vi.runAllTimersAsync();
    expect(asked).toEqual(["a"]);
    expect(outbox.all[0]?.problem).toBe("It is empty.");
  });

  test("without an answer is sent once more when the connection is back", async () => {
    const none = new Unreachable();
    const { outbox, states } = outboxWith(none, none, none, none, null);
    outbox.add(message("a"));
    await vi.runAllTimersAsync();
    expect(states()).toEqual([["a", "failed"]]);
    outbox.retryUnanswered();
    await vi.runAllTimersAsync();
    expect(states()).toEqual([["a", "sent"]]);
  });

  test("leaves the outbox when it stands in the thread", async () => {
    const { outbox, states } = outboxWith(null);
    outbox.add(message("a"), message("b"));
    await vi.runAllTimersAsync();
    outbox.settle(new Set(["a"]));
    expect(states()).toEqual([["b", "sent"]]);
  });
});
