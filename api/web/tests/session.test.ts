import { beforeEach, describe, expect, test, vi } from "vitest";
import { Delivery } from "../widget/delivery";
import { Session } from "../widget/session";
import { forgetVisitor, visitorId } from "../widget/storage";
import type { Started } from "../widget/wire";

const ORIGIN = "https://helpr.example";
const ORGANISATION = "0192f000-0000-7000-8000-000000000001";
const MESSAGE = { id: "m1", text: "Hello", at: "2026-03-04T09:00:00Z" };
type Asked = { path: string; bearer: string | undefined; key: string | undefined; body: Record<string, unknown> };

const started = (more: Partial<Started> = {}): Started => ({ visitor: "v1", secret: "s1", resumed: false, identity: null, conversation: null, organisation: { name: "Shop" }, ...more });
const answer = (body: unknown, status = 201): Response => new Response(JSON.stringify(body), { status });

/** Helpr as it answers in this test, and what it was asked. */
function helpr(...answers: readonly Response[]): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (url: string, { headers, body }: { headers: Record<string, string>; body: string | null }) => {
    asked.push({ path: url.slice(ORIGIN.length), bearer: headers.Authorization, key: headers["Idempotency-Key"], body: JSON.parse(body ?? "{}") as Record<string, unknown> });
    return answers[asked.length - 1] ?? answer({}, 500);
  });
  return asked;
}

beforeEach(() => {
  forgetVisitor();
  localStorage.clear();
});

describe("the session", () => {
  test("of somebody new names nobody, and keeps whom Helpr names", async () => {
    const asked = helpr(answer(started()));
    await new Session(ORIGIN, ORGANISATION, () => undefined).start();
    expect(Object.keys(asked[0]?.body ?? {})).toEqual(["organisation", "page"]);
    expect(visitorId()).toBe("v1");
    expect(Object.keys(localStorage).sort()).toEqual(["helpr_chat", "helpr_vid"]);
  });

  test("of somebody known is resumed with what they had", async () => {
    helpr(answer(started()), answer(started({ resumed: true, secret: "s2", conversation: "c1" })));
    const session = new Session(ORIGIN, ORGANISATION, () => undefined);
    await session.start();
    session.change({ draft: "Half a" });
    await session.start();
    expect(session.chat).toMatchObject({ secret: "s2", conversation: "c1", draft: "Half a" });
  });

  test("of somebody Helpr has forgotten begins anew with an empty browser", async () => {
    helpr(answer(started()), answer(started({ visitor: "v2", secret: "s2" })));
    const session = new Session(ORIGIN, ORGANISATION, () => undefined);
    await session.start();
    session.change({ draft: "Half a", conversation: "c1" });
    localStorage.setItem("helpr_ident", "{}");
    await session.start();
    expect(session.chat).toMatchObject({ secret: "s2", conversation: null, draft: "" });
    expect(localStorage.getItem("helpr_ident")).toBeNull();
  });

  test("that has run out is renewed, and the question asked again", async () => {
    const asked = helpr(answer(started()), answer({}, 401), answer(started({ resumed: true, secret: "s2" })), answer({ token: "t" }));
    const session = new Session(ORIGIN, ORGANISATION, () => undefined);
    expect(await session.ask("POST", "/widget/v1/live-token", {})).toEqual({ token: "t" });
    expect(asked.map(({ bearer }) => bearer)).toEqual([undefined, `Bearer ${ORGANISATION}.v1.s1`, undefined, `Bearer ${ORGANISATION}.v1.s2`]);
  });

  test("that has ended leaves nothing and asks nothing", async () => {
    const asked = helpr(answer(started()));
    const session = new Session(ORIGIN, ORGANISATION, () => undefined);
    await session.start();
    session.end();
    await expect(session.ask("GET", "/widget/v1/anything")).rejects.toMatchObject({ status: 410 });
    expect([asked.length, localStorage.length, document.cookie]).toEqual([1, 0, ""]);
  });
});

describe("the first message", () => {
  test("starts the conversation, the next one goes into it", async () => {
    const asked = helpr(answer(started()), answer({ id: "m1", conversation: "c1", sequence: 2 }), answer({ id: "m2", conversation: "c1", sequence: 3 }));
    const onStarted = vi.fn();
    const delivery = new Delivery(new Session(ORIGIN, ORGANISATION, () => undefined), onStarted, () => undefined);
    await delivery.deliver(MESSAGE);
    await delivery.deliver({ ...MESSAGE, id: "m2" });
    expect(asked.slice(1).map(({ path, key }) => [path, key])).toEqual([["/widget/v1/conversations", "start-m1"], ["/widget/v1/conversations/c1/messages", "m2"]]);
    expect(onStarted).toHaveBeenCalledExactlyOnceWith("c1");
  });

  test("starts another one where Helpr does not know the conversation any more", async () => {
    const asked = helpr(answer(started({ conversation: "gone" })), answer({}, 404), answer({ id: "m1", conversation: "c2", sequence: 2 }));
    const session = new Session(ORIGIN, ORGANISATION, () => undefined);
    await session.start();
    const onGone = vi.fn();
    await new Delivery(session, () => undefined, onGone).deliver(MESSAGE);
    expect(onGone).toHaveBeenCalledExactlyOnceWith("gone");
    expect([asked.at(-1)?.path, session.chat?.conversation]).toEqual(["/widget/v1/conversations", "c2"]);
  });
});
