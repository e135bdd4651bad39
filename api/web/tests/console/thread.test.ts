import { describe, expect, test } from "vitest";
import { applied, EMPTY, erased, lastOfVisitor, opened, withPage, type Thread } from "../../console/shared/thread/thread";
import type { Change, ConversationPage, Visitor } from "../../console/shared/wire";
import { agentDoes, agentSays, change, row, visitorSays } from "./told";

const hello = visitorSays(1, "Hello");
const answer = agentSays(2, "Hello to you");
const thanks = visitorSays(3, "Thank you");
const visitorRead = (sequence: number, up_to: number): Change => change(sequence, { kind: "read", reader: "visitor", up_to });

const threadOf = (...changes: readonly Change[]): Thread => changes.reduce(applied, EMPTY);
const texts = (thread: Thread): unknown[] => thread.changes.map((one) => one.text);

function page(changes: readonly Change[], more: Partial<ConversationPage> = {}): ConversationPage {
  return { conversation: row("a"), visitor: {} as Visitor, changes, has_more: false, receipts: { visitor: 0, agent: 0 }, ...more };
}

describe("the thread", () => {
  test("is in order whatever the order of arrival", () => {
    for (const order of [[hello, answer, thanks], [thanks, answer, hello], [answer, thanks, hello]]) {
      expect(texts(threadOf(...order))).toEqual(["Hello", "Hello to you", "Thank you"]);
    }
  });

  test("is the same however often a change arrives", () => {
    const once = threadOf(hello, answer, thanks);
    for (const again of [hello, answer, thanks]) expect(applied(once, again)).toBe(once);
  });

  test("is the same live as after a reload", () => {
    const done = agentDoes(4, "resolved");
    const live = threadOf(hello, answer, thanks, done, visitorRead(5, 2));
    const loaded = opened(page([hello, answer, thanks, done], { conversation: row("a", { status: "resolved" }), receipts: { visitor: 2, agent: 0 } }));
    expect({ ...live, sequence: 0 }).toEqual({ ...loaded, sequence: 0 });
  });

  test("knows who answers, how much it hurries, and whether it is done", () => {
    const handled = threadOf(hello, agentDoes(2, "assigned", { assignee: "amir" }), agentDoes(3, "prioritised", { priority: "urgent" }), agentDoes(4, "resolved"));
    expect(handled).toMatchObject({ assignee: "amir", priority: "urgent", status: "resolved" });
    expect(applied(handled, agentDoes(5, "reopened"))).toMatchObject({ status: "open" });
  });

  test("does not go back to what was done before", () => {
    const handled = threadOf(hello, agentDoes(4, "reopened"));
    expect(applied(handled, agentDoes(3, "resolved")).status).toBe("open");
  });

  test("takes a reading as a receipt, never as a line, and never back", () => {
    const read = threadOf(hello, answer, visitorRead(3, 2), visitorRead(4, 1));
    expect(read.receipts.visitor).toBe(2);
    expect(texts(read)).toEqual(["Hello", "Hello to you"]);
    expect(read.sequence).toBe(4);
  });

  test("has not a word left of an erased person, agents' words included", () => {
    const left = erased(threadOf(hello, answer, agentSays(3, "A note", { kind: "note" }), agentDoes(4, "resolved")));
    expect(JSON.stringify(left)).not.toMatch(/Hello|note"?,"text":"A/);
    expect(left.changes.map((one) => one.erased)).toEqual([true, true, true, false]);
  });

  test("knows the visitor's last message", () => {
    expect(lastOfVisitor(threadOf(hello, answer))).toBe(1);
    expect(lastOfVisitor(threadOf(answer))).toBe(0);
  });
});

describe("pages", () => {
  test("of older changes go above, and say whether there are more", () => {
    const recent = opened(page([thanks], { has_more: true }));
    const whole = withPage(recent, page([hello, answer]));
    expect(texts(whole)).toEqual(["Hello", "Hello to you", "Thank you"]);
    expect([recent.hasMore, whole.hasMore]).toEqual([true, false]);
  });

  test("know best what has been erased", () => {
    const gone = visitorSays(1, "", { text: null, erased: true });
    expect(texts(withPage(threadOf(hello, answer), page([gone])))).toEqual([null, "Hello to you"]);
  });

  test("join what is known only when nothing is missing between the two", () => {
    const known = threadOf(hello, answer);
    expect(texts(opened(page([thanks], { has_more: true }), known))).toEqual(["Hello", "Hello to you", "Thank you"]);
    expect(texts(opened(page([visitorSays(9, "Much later")], { has_more: true }), known))).toEqual(["Much later"]);
  });

  test("older than what the stream has said alter nothing that stands", () => {
    const live = threadOf(hello, answer, agentDoes(3, "resolved"));
    expect(opened(page([hello, answer]), live).status).toBe("resolved");
  });
});
