import { describe, expect, test } from "vitest";
import { pageOf } from "../widget/page";

describe("what the widget says about the page", () => {
  test("is its address without fragment, name or password", () => {
    expect(pageOf("https://me:secret@shop.example/cups?size=2#token=abc", "")).toEqual({ url: "https://shop.example/cups?size=2" });
  });

  test("is of the referring page only where it lies", () => {
    expect(pageOf("https://shop.example/", "https://search.example/?q=something+private").referrer).toBe("https://search.example");
    expect(pageOf("https://shop.example/", "android-app://com.example").referrer).toBeUndefined();
  });

  test("is never longer than Helpr takes", () => {
    const page = pageOf(`https://shop.example/cups?utm_term=${"x".repeat(3_000)}`, "");
    expect([page.url, page.utm_term?.length]).toEqual(["https://shop.example/cups", 2_048]);
    expect(pageOf(`https://shop.example/${"y".repeat(3_000)}`, "").url).toHaveLength(2_048);
  });

  test("is the campaign, of which empty parts are left out", () => {
    const page = pageOf("https://shop.example/?utm_source=letter&utm_medium=&utm_other=x", "");
    expect(Object.keys(page)).toEqual(["url", "utm_source"]);
    expect(page.utm_source).toBe("letter");
  });
});
