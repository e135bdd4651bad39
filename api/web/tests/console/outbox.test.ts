import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { draftOf, keepDraft, NO_DRAFT } from "../../console/features/conversations/writing/drafts";
import { Outbox } from "../../console/features/conversations/writing/outbox.svelte";
import { forgetStored } from "../../console/shared/stored";

const asked = vi.fn<(path: string, request: RequestInit) => Promise<Response>>();
const message = (id: string, conversation = "a") => ({ id, conversation, kind: "message" as const, text: `text of ${id}` });
const states = (outbox: Outbox): unknown[] => outbox.all.map(({ id, state, problem }) => [id, state, problem]);
const takes = async (): Promise<Response> => new Response("{}", { status: 201 });

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  asked.mockReset().mockImplementation(takes);
  vi.stubGlobal("fetch", asked);
});
afterEach(() => void vi.useRealTimers());

describe("what is sent", () => {
  test("goes out in order, one after the other, under its own id", async () => {
    const outbox = new Outbox();
    outbox.send(message("m1"));
    outbox.send({ ...message("m2"), kind: "note" });
    await vi.runAllTimersAsync();
    expect(asked.mock.calls.map(([path, { headers }]) => [path, (headers as Record<string, string>)["Idempotency-Key"]])).toEqual([
      ["/v1/conversations/a/messages", "m1"],
      ["/v1/conversations/a/notes", "m2"],
    ]);
    expect(states(outbox)).toEqual([["m1", "sent", ""], ["m2", "sent", ""]]);
  });

  test("waits for what is before it in its conversation, but not for other conversations", async () => {
    asked.mockImplementation(async (path) => (path.includes("/a/") ? new Promise(() => undefined) : takes()));
    const outbox = new Outbox();
    for (const one of [message("m1"), message("m2"), message("m3", "b")]) outbox.send(one);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(states(outbox)).toEqual([["m1", "sending", ""], ["m2", "sending", ""], ["m3", "sent", ""]]);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test("is tried again while nobody answers, then waits for the agent, its words kept", async () => {
    asked.mockRejectedValue(new TypeError());
    const outbox = new Outbox();
    outbox.send(message("m1"));
    await vi.runAllTimersAsync();
    expect(states(outbox)).toEqual([["m1", "failed", ""]]);
    expect(sessionStorage.getItem("helpr_console_unsent")).toContain("text of m1");
    asked.mockImplementation(takes);
    outbox.retryUnanswered();
    await vi.runAllTimersAsync();
    expect(states(outbox)).toEqual([["m1", "sent", ""]]);
  });

  test("and refused says why, and is not tried again by itself", async () => {
    asked.mockImplementation(async () => new Response(JSON.stringify({ errors: [{ field: "text", problem: "is too long" }] }), { status: 422 }));
    const outbox = new Outbox();
    outbox.send(message("m1"));
    await vi.runAllTimersAsync();
    outbox.retryUnanswered();
    await vi.runAllTimersAsync();
    expect(states(outbox)).toEqual([["m1", "failed", "text: is too long."]]);
    expect(asked).toHaveBeenCalledOnce();
  });

  test("but not for want of a session goes out after signing in", async () => {
    asked.mockImplementationOnce(async () => new Response("{}", { status: 401 }));
    const outbox = new Outbox();
    outbox.send(message("m1"));
    await vi.runAllTimersAsync();
    outbox.retryUnanswered();
    await vi.runAllTimersAsync();
    expect(states(outbox)).toEqual([["m1", "sent", ""]]);
  });

  test("comes back into the field when it is taken back", async () => {
    asked.mockRejectedValue(new TypeError());
    const outbox = new Outbox();
    outbox.send(message("m1"));
    expect(outbox.take("m1")).toBeUndefined();
    await vi.runAllTimersAsync();
    expect(outbox.take("m1")?.text).toBe("text of m1");
    expect(outbox.all).toEqual([]);
  });

  test("and not taken is there after a reload", async () => {
    asked.mockImplementation(() => new Promise(() => undefined));
    new Outbox().send(message("m1"));
    const reloaded = new Outbox();
    reloaded.restore();
    expect(reloaded.all).toMatchObject([{ id: "m1", text: "text of m1", state: "failed" }]);
  });

  test("leaves the outbox when it has arrived in the thread", async () => {
    const outbox = new Outbox();
    outbox.send(message("m1"));
    await vi.runAllTimersAsync();
    outbox.settle("m1");
    expect(outbox.all).toEqual([]);
    expect(sessionStorage.getItem("helpr_console_unsent")).toBe("[]");
  });
});

describe("a draft", () => {
  test("is kept for its own conversation, reply and note apart", () => {
    keepDraft("a", { kind: "note", message: "to Mara", note: "to us" });
    expect(draftOf("a")).toEqual({ kind: "note", message: "to Mara", note: "to us" });
    expect(draftOf("b")).toEqual(NO_DRAFT);
  });

  test("that is empty is not kept, and none outlives the session", () => {
    keepDraft("a", { kind: "message", message: "to Mara", note: "" });
    keepDraft("b", NO_DRAFT);
    expect(sessionStorage.getItem("helpr_console_drafts")).not.toContain('"b"');
    forgetStored();
    expect(draftOf("a")).toEqual(NO_DRAFT);
    expect(sessionStorage).toHaveLength(0);
  });

  test("that somebody else wrote into the storage does no harm", () => {
    sessionStorage.setItem("helpr_console_drafts", '{"a":{"kind":5,"message":null}}');
    expect(draftOf("a")).toEqual(NO_DRAFT);
    sessionStorage.setItem("helpr_console_drafts", "{");
    expect(draftOf("a")).toEqual(NO_DRAFT);
  });
});
