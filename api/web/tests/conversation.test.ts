import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Conversation } from "../widget/conversation";
import type { Session } from "../widget/session";
import type { Change, ConversationPage } from "../widget/wire";
import { agentSays, NOOR, visitorSays } from "./spoken";

/** The stream as Helpr keeps it up: welcomes at once, and says what the test has it say. */
class Stream {
  static readonly OPEN = 1;
  static last: Stream;
  readonly readyState = 1;
  readonly said: { type: string; after?: number }[] = [];
  onopen = (): void => undefined;
  onmessage = (_: { data: string }): void => undefined;
  onclose = (): void => undefined;

  constructor(readonly url: string) {
    Stream.last = this;
    setTimeout(() => this.onopen());
  }

  send(text: string): void {
    const frame = JSON.parse(text) as { type: string };
    this.said.push(frame);
    if (frame.type === "hello") this.tell({ type: "welcome" });
  }

  tell(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  close(): void {
    this.onclose();
  }
}

/** Pages as Helpr answers them one after the other, the last one for ever. */
function conversationWith(...pages: readonly Partial<ConversationPage>[]) {
  const asked: string[] = [];
  const ask = async (_: string, path: string): Promise<unknown> => {
    if (path.endsWith("live-token")) return { token: "t" };
    asked.push(path.replace("/widget/v1/conversations/", ""));
    const whole = { changes: [], receipts: { visitor: 0, agent: 0 }, agents: {}, status: "open", sequence: 0 };
    return { ...whole, ...pages[Math.min(asked.length, pages.length) - 1] };
  };
  const chat = { secret: "s", conversation: "c1", unsent: [] };
  const session = { chat, ask, change: () => undefined } as unknown as Session;
  const arrivals: Change[] = [];
  const conversation = new Conversation("https://helpr.example", session, () => undefined, (change) => arrivals.push(change));
  conversation.catchUp();
  return { conversation, asked, arrivals };
}

const live = (change: Change): void => Stream.last.tell({ type: "change", conversation: "c1", change });

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Stream);
});
afterEach(() => void vi.useRealTimers());

describe("a conversation that is followed", () => {
  test("goes on live where its page ended", async () => {
    conversationWith({ changes: [visitorSays(1, "Hello")] });
    await vi.advanceTimersByTimeAsync(10);
    expect(Stream.last.url).toBe("wss://helpr.example/widget/v1/live");
    expect(Stream.last.said).toEqual([{ type: "hello", token: "t" }, { type: "watch", conversation: "c1", after: 1 }]);
  });

  test("comes back after a loss, from the last change it has seen", async () => {
    const { arrivals } = conversationWith({ changes: [visitorSays(1, "Hello")], agents: { [NOOR]: { name: "Noor" } } });
    await vi.advanceTimersByTimeAsync(10);
    const first = Stream.last;
    live(agentSays(2, "Hello to you"));
    first.close();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(Stream.last).not.toBe(first);
    expect(Stream.last.said.at(-1)).toMatchObject({ type: "watch", after: 2 });
    live(agentSays(2, "Hello to you"));
    expect(arrivals.map((one) => one.sequence)).toEqual([2]);
  });

  test("learns the name of an agent whom the pages do not know yet, because live runs ahead of them", async () => {
    const answer = agentSays(2, "Hello to you");
    const named = { changes: [answer], agents: { [NOOR]: { name: "Noor" } } };
    const { conversation, asked } = conversationWith({ changes: [visitorSays(1, "Hello")] }, {}, {}, named);
    await vi.advanceTimersByTimeAsync(10);
    live(answer);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(conversation.thread.agents[NOOR]?.name).toBe("Noor");
    expect(asked).toEqual(["c1?after=0", "c1?after=1", "c1?after=1", "c1?after=1"]);
  });

  test("does not ask for ever for a name that nobody knows", async () => {
    const { asked } = conversationWith({ changes: [visitorSays(1, "Hello")] }, {});
    await vi.advanceTimersByTimeAsync(10);
    live(agentSays(2, "Hello to you"));
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked.length).toBeLessThan(8);
  });
});
