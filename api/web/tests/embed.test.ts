import { beforeEach, describe, expect, test } from "vitest";
import { embedded, ownScript } from "../widget/embed";

const ORGANISATION = "0192F000-0000-7000-8000-000000000001";

function tag(attributes: Readonly<Record<string, string>>): HTMLScriptElement {
  const script = document.createElement("script");
  script.type = "text/plain";
  for (const [name, value] of Object.entries(attributes)) script.setAttribute(name, value);
  document.head.append(script);
  return script;
}

beforeEach(() => document.head.replaceChildren());

describe("the script tag", () => {
  test("says where Helpr lives and whose chat it is", () => {
    const script = tag({ src: "https://helpr.example/widget.js?v=2", "data-organisation": ` ${ORGANISATION} `, "data-accent": "#0a7" });
    expect(embedded(script)).toEqual({ origin: "https://helpr.example", organisation: ORGANISATION.toLowerCase(), accent: "#0a7" });
  });

  test("without a proper organisation, or without an address, is none", () => {
    const src = "https://helpr.example/widget.js";
    expect(embedded(null)).toBeNull();
    expect(embedded(tag({ src }))).toBeNull();
    expect(embedded(tag({ src, "data-organisation": "ORGANISATION-ID" }))).toBeNull();
    expect(embedded(tag({ "data-organisation": ORGANISATION }))).toBeNull();
  });

  test("is found when it runs late", () => {
    const script = tag({ src: "https://helpr.example/widget.js", "data-organisation": ORGANISATION });
    expect(ownScript()).toBe(script);
  });
});
