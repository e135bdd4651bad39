import { describe, expect, test } from "vitest";
import { applied, EMPTY, hasStrangers, unread, withPage } from "../widget/thread";
import { agentRead, agentSays, NOOR, threadOf, visitorSays } from "./spoken";

const hello = visitorSays(1, "Hello");
const answer = agentSays(2, "Hello to you");
const thanks = visitorSays(3, "Thank you");

const texts = (thread: ReturnType<typeof threadOf>): unknown[] => thread.changes.map((one) => one.text);

describe("the thread", () => {
  test("is in order whatever the order of arrival", () => {
    for (const order of [[hello, answer, thanks], [thanks, answer, hello], [answer, thanks, hello]]) {
      expect(texts(threadOf(...order))).toEqual(["Hello", "Hello to you", "Thank you"]);
    }
  });

  test("is the same however often a change arrives", () => {
    const once = threadOf(hello, answer);
    expect(applied(once, answer)).toEqual(once);
    expect(applied(once, hello)).toEqual(once);
  });

  test("never goes back in what it has seen", () => {
    expect(threadOf(thanks, hello).sequence).toBe(3);
  });

  test("is the same live as after a reload", () => {
    const live = threadOf(hello, answer, agentRead(3, 1));
    const page = { changes: [hello, answer], receipts: { visitor: 0, agent: 1 }, agents: {}, status: "open" as const, sequence: 3 };
    const { changes, receipts } = withPage(EMPTY, page);
    expect({ changes, receipts }).toEqual({ changes: live.changes, receipts: live.receipts });
  });

  test("takes a reading as a receipt, not as a line", () => {
    const read = threadOf(hello, agentRead(2, 1));
    expect(read.receipts).toEqual({ visitor: 0, agent: 1 });
    expect(texts(read)).toEqual(["Hello"]);
  });

  test("keeps the further of two receipts", () => {
    expect(threadOf(hello, thanks, agentRead(4, 3), agentRead(5, 1)).receipts.agent).toBe(3);
  });

  test("believes a page about what has been erased", () => {
    const erased = visitorSays(1, "", { text: null, erased: true });
    const page = { changes: [erased], receipts: { visitor: 0, agent: 0 }, agents: {}, status: "open" as const, sequence: 1 };
    expect(texts(withPage(threadOf(hello, answer), page))).toEqual([null, "Hello to you"]);
  });
});

describe("what has not been read", () => {
  test("is what agents said after the visitor last looked", () => {
    const thread = { ...threadOf(hello, answer, agentSays(3, "Still there?")), receipts: { visitor: 2, agent: 0 } };
    expect(unread(thread).map((one) => one.text)).toEqual(["Still there?"]);
  });

  test("is never what the visitor said", () => {
    expect(unread(threadOf(hello, thanks))).toEqual([]);
  });
});

test("an agent is a stranger until their name is known", () => {
  const thread = threadOf(hello, answer);
  expect(hasStrangers(thread)).toBe(true);
  expect(hasStrangers({ ...thread, agents: { [NOOR]: { name: "Noor" } } })).toBe(false);
});
