import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Agent, Me, Permission } from "../../console/shared/wire";
import { AMIR, MARA, OLGA } from "./told";

const asked = vi.fn<(path: string, request: RequestInit) => Promise<Response>>();
const answers = new Map<string, () => Response>();
const says = (path: string, status: number, body: unknown = {}): void => void answers.set(path, () => new Response(status === 204 ? null : JSON.stringify(body), { status }));

const agent = (id: string, name: string | null): Agent => ({ id, name, email: null, role: "agent", damaged: false });
const me = (permissions: readonly Permission[]): Me => ({ agent: agent(OLGA, "Olga"), organisation: { id: "o", name: "Kiosk", slug: "kiosk" }, permissions, is_demo: false });
const timesAsked = (path: string): number => asked.mock.calls.filter(([one]) => one === path).length;

async function signedIn(permissions: readonly Permission[] = ["converse"]) {
  says("/v1/session", 200, me(permissions));
  says("/v1/agents", 200, { agents: [agent(OLGA, "Olga"), agent(AMIR, "Amir")] });
  const { session } = await import("../../console/shared/session.svelte");
  await session.begin();
  await vi.waitFor(() => expect(session.agents).toHaveLength(2));
  return session;
}

beforeEach(() => {
  vi.resetModules();
  answers.clear();
  asked.mockReset().mockImplementation(async (path) => {
    const answer = answers.get(path);
    if (!answer) throw new TypeError("no network");
    return answer();
  });
  vi.stubGlobal("fetch", asked);
});

describe("a session", () => {
  test("says who one is and what one may do", async () => {
    const session = await signedIn(["read", "audit"]);
    expect([session.may("audit"), session.may("converse"), session.mayRead]).toEqual([true, false, true]);
    expect((await signedIn(["reports"])).mayRead).toBe(false);
  });

  test("that nobody has is not the same as no answer", async () => {
    says("/v1/session", 401);
    const { session } = await import("../../console/shared/session.svelte");
    await session.begin();
    expect([session.me, session.problem]).toEqual([null, ""]);
    answers.clear();
    await session.begin();
    expect(session.problem).not.toBe("");
  });

  test("that Helpr ended leaves the page as it is, and asks to sign in again", async () => {
    const session = await signedIn();
    says("/v1/conversations/counts", 401);
    const { read } = await import("../../console/shared/door");
    await read("/v1/conversations/counts").catch(() => undefined);
    expect([session.hasEnded, session.me?.agent.name]).toEqual([true, "Olga"]);
    says("/v1/session", 201, me(["converse"]));
    await session.signIn("olga@kettle.example", "a long password");
    expect(session.hasEnded).toBe(false);
  });

  test("is not over before Helpr has ended it", async () => {
    const session = await signedIn();
    sessionStorage.setItem("helpr_console_drafts", "{}");
    says("/v1/session", 503);
    await session.signOut();
    expect(sessionStorage.getItem("helpr_console_drafts")).toBe("{}");
  });
});

describe("names", () => {
  test("are those of colleagues, of visitors, and of whoever has none any more", async () => {
    const session = await signedIn();
    const mara = { id: MARA, name: "Mara", erased: false };
    const name = (kind: "agent" | "visitor" | "system", id: string, visitor = mara): string => session.nameOf({ kind, id }, visitor);
    expect([name("agent", AMIR), name("agent", "gone"), name("visitor", MARA), name("system", "")]).toEqual(["Amir", "A former colleague", "Mara", "Helpr"]);
    expect(name("visitor", MARA, { ...mara, erased: true })).toBe("Erased visitor");
    expect(session.nameOf({ kind: "visitor", id: MARA }, { id: MARA, name: null, erased: false })).toBe("Visitor 00b1");
  });

  test("of colleagues who joined since are asked for once each", async () => {
    const session = await signedIn();
    const before = timesAsked("/v1/agents");
    for (const id of [AMIR, OLGA, "new", "new"]) session.know(id);
    expect(timesAsked("/v1/agents")).toBe(before + 1);
  });
});
