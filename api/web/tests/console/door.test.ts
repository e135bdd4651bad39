import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

type Door = typeof import("../../console/shared/door");

const answers: (() => Response)[] = [];
const asked = vi.fn<(path: string, request: RequestInit) => Promise<Response>>();
let door: Door;

function answer(status: number, body: unknown = {}, headers: Record<string, string> = {}): void {
  answers.push(() => new Response(body === null ? null : JSON.stringify(body), { status, headers }));
}

const headersOf = (call: number): Record<string, string> => asked.mock.calls[call]?.[1].headers as Record<string, string>;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  answers.length = 0;
  asked.mockReset().mockImplementation(async () => {
    const next = answers.shift();
    if (!next) throw new TypeError("no network");
    return next();
  });
  vi.stubGlobal("fetch", asked);
  door = await import("../../console/shared/door");
});
afterEach(() => void vi.useRealTimers());

describe("a write", () => {
  test("carries a key, the console's own header and its body", async () => {
    answer(201, { id: "m" });
    await door.write("POST", "/v1/x", { text: "a" });
    expect(headersOf(0)).toMatchObject({ "Helpr-Request": "console", "Content-Type": "application/json" });
    expect(headersOf(0)["Idempotency-Key"]).toMatch(/^[\da-f-]{36}$/);
    expect(asked.mock.calls[0]?.[1].body).toBe('{"text":"a"}');
  });

  test("with the same key is the same write", async () => {
    answer(201);
    answer(201);
    await door.write("POST", "/v1/x", {}, "k");
    await door.write("POST", "/v1/x", {}, "k");
    expect([headersOf(0)["Idempotency-Key"], headersOf(1)["Idempotency-Key"]]).toEqual(["k", "k"]);
  });

  test("without an answer body is a write all the same", async () => {
    answer(204, null);
    await expect(door.write("DELETE", "/v1/session")).resolves.toBeUndefined();
  });
});

describe("a read", () => {
  test("asks to contain what this page wrote, whatever else it read meanwhile", async () => {
    answer(200, {}, { "Helpr-Position": "90" });
    await door.read("/v1/y");
    answer(200, {}, { "Helpr-Position": "70" });
    await door.write("PUT", "/v1/x", {});
    answer(200, {}, { "Helpr-Position": "95" });
    await door.read("/v1/y");
    expect(headersOf(0)["Helpr-Min-Position"]).toBeUndefined();
    expect(headersOf(2)["Helpr-Min-Position"]).toBe("70");
  });

  test("says where the view stood", async () => {
    answer(200, { a: 1 }, { "Helpr-Position": "95" });
    await expect(door.look("/v1/y")).resolves.toEqual({ body: { a: 1 }, position: 95 });
  });

  test("that lags behind is asked again, but not for ever", async () => {
    answer(503, {}, { "Retry-After": "1" });
    answer(200, { a: 1 });
    const soon = door.read("/v1/y");
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(soon).resolves.toEqual({ a: 1 });
    for (let time = 0; time < 3; time++) answer(503);
    const never = expect(door.read("/v1/y")).rejects.toMatchObject({ status: 503 });
    await vi.advanceTimersByTimeAsync(10_000);
    await never;
    expect(asked).toHaveBeenCalledTimes(5);
  });
});

describe("what others wrote a moment ago", () => {
  test("is asked for again while it is absent, but not for ever", async () => {
    answer(404);
    answer(200, { a: 1 });
    const soon = door.readSoon("/v1/y");
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(soon).resolves.toEqual({ a: 1 });
    for (let time = 0; time < 3; time++) answer(404);
    const never = expect(door.readSoon("/v1/y")).rejects.toMatchObject({ status: 404 });
    await vi.advanceTimersByTimeAsync(5_000);
    await never;
  });

  test("is not asked for again when the answer is another no", async () => {
    answer(403);
    await expect(door.readSoon("/v1/y")).rejects.toMatchObject({ status: 403 });
    expect(asked).toHaveBeenCalledOnce();
  });
});

describe("a refusal", () => {
  test("is a problem with its words and fields", async () => {
    answer(422, { title: "Malformed", detail: "Not so.", errors: [{ field: "text", problem: "must not be blank" }] });
    const refused = await door.write("POST", "/v1/x", {}).catch((problem: unknown) => problem);
    expect(refused).toMatchObject({ status: 422, title: "Malformed", detail: "Not so.", isPassing: false });
    expect(door.saying(refused)).toBe("text: must not be blank.");
  });

  test("without a problem document is a refusal all the same", async () => {
    answers.push(() => new Response("<html>", { status: 502 }));
    await expect(door.write("POST", "/v1/x", {})).rejects.toMatchObject({ status: 502, isPassing: true });
  });

  test("for want of a session is told to whoever wants to know", async () => {
    const tell = vi.fn();
    door.onSignedOut(tell);
    answer(401);
    await door.read("/v1/y").catch(() => undefined);
    expect(tell).toHaveBeenCalledOnce();
  });

  test("is not the same as no answer", async () => {
    await expect(door.read("/v1/y")).rejects.toBeInstanceOf(door.Unreachable);
    answers.push(() => new Response("{", { status: 200 }));
    await expect(door.read("/v1/y")).rejects.toBeInstanceOf(door.Unreachable);
  });

  test("never shows what is not a sentence", () => {
    expect(door.saying(new TypeError("x is undefined"))).toBe("Something in this page failed.");
    expect(door.saying(new door.Refused(429, "", "", [], 7))).toContain("7 seconds");
    expect(door.saying(new door.Refused(403, "Forbidden", "agents may not", [], 0))).toBe("Your role may not do this.");
  });
});
