import { beforeEach, describe, expect, test } from "vitest";
import { keepChat, chatOf, changeChat } from "../widget/chat";
import { COOKIE, COOKIE_SECONDS, forgetVisitor, keep, keepVisitorId, LOCAL_NAMES, read, readObject, TAB_NAME, visitorId } from "../widget/storage";

/** The table in section 3 of the privacy policy: name, where, and for the cookie how many days. */
const POLICY = [
  ["helpr_vid", "cookie", 365],
  ["helpr_vid", "localStorage"],
  ["helpr_last", "localStorage"],
  ["helpr_chat", "localStorage"],
  ["helpr_ident", "localStorage"],
  ["helpr_custom", "localStorage"],
  ["helpr_tabid", "sessionStorage"],
] as const;

const inPolicy = (where: string): string[] => POLICY.filter(([, place]) => place === where).map(([name]) => name);
const ORGANISATION = "0192f000-0000-7000-8000-000000000001";

beforeEach(() => {
  forgetVisitor();
  localStorage.clear();
  sessionStorage.clear();
});

describe("the privacy policy's table", () => {
  test("names what the widget keeps, and all of it", () => {
    expect([COOKIE]).toEqual(inPolicy("cookie"));
    expect([...LOCAL_NAMES]).toEqual(inPolicy("localStorage"));
    expect([TAB_NAME]).toEqual(inPolicy("sessionStorage"));
    expect(COOKIE_SECONDS).toBe(POLICY[0][2] * 24 * 60 * 60);
  });

  test("has no way around it: one file of the widget touches the browser's storage", () => {
    const sources = import.meta.glob<string>("../widget/*.ts", { query: "?raw", import: "default", eager: true });
    const reaches = /localStorage|sessionStorage|indexedDB|document\.cookie|caches\./;
    const files = Object.entries(sources).filter(([, source]) => reaches.test(source));
    expect(files.map(([name]) => name)).toEqual(["../widget/storage.ts"]);
  });
});

describe("the visitor's id", () => {
  test("is in the cookie and its backup", () => {
    keepVisitorId("v1");
    expect(document.cookie).toBe("helpr_vid=v1");
    expect(localStorage.getItem("helpr_vid")).toBe("v1");
  });

  test("comes from the backup when the cookie is gone", () => {
    keepVisitorId("v1");
    document.cookie = "helpr_vid=; Max-Age=0; Path=/";
    expect(visitorId()).toBe("v1");
  });

  test("and everything else of the visitor leaves on request", () => {
    keepVisitorId("v1");
    LOCAL_NAMES.forEach((name) => keep(name, "x"));
    forgetVisitor();
    expect([document.cookie, localStorage.length, visitorId()]).toEqual(["", 0, null]);
  });
});

test("what somebody else wrote under our names is taken for nothing", () => {
  for (const odd of ["", "not JSON", "[1]", "7", "null"]) {
    localStorage.setItem("helpr_chat", odd);
    expect(readObject("helpr_chat")).toBeNull();
    expect(chatOf(ORGANISATION)).toBeNull();
  }
});

test("a browser without storage keeps things for the life of the page", () => {
  const broken = Object.getOwnPropertyDescriptor(window, "localStorage");
  Object.defineProperty(window, "localStorage", { configurable: true, get: () => { throw new Error("forbidden"); } });
  keep("helpr_last", "now");
  expect(read("helpr_last")).toBe("now");
  if (broken) Object.defineProperty(window, "localStorage", broken);
  forgetVisitor();
});

describe("the chat", () => {
  const chat = { organisation: ORGANISATION, secret: "s", conversation: "c", tab: null, draft: "Half a", unsent: [{ id: "1", text: "x", at: "y" }] };

  test("survives a reload, with the draft and what is unsent", () => {
    keepChat(chat);
    expect(chatOf(ORGANISATION)).toEqual(chat);
  });

  test("of another organisation is none of ours", () => {
    keepChat(chat);
    expect(chatOf("another")).toBeNull();
  });

  test("is changed from what is kept now, not from what was read before", () => {
    keepChat(chat);
    changeChat(ORGANISATION, { draft: "Half a sentence" });
    changeChat(ORGANISATION, { tab: "t" });
    expect(chatOf(ORGANISATION)).toEqual({ ...chat, draft: "Half a sentence", tab: "t" });
  });
});
