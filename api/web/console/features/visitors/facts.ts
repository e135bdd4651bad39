/** What is known of a visitor, in the words of the page. */

import type { Visitor } from "../../shared/wire";

const TYPES: Readonly<Record<string, string>> = { phone: "Phone", tablet: "Tablet", desktop: "Desktop" };

const joined = (parts: readonly (string | null | undefined)[], by = ", "): string => parts.filter(Boolean).join(by);

export function deviceOf({ device }: Visitor): string {
  const browser = joined([device?.browser, device?.os], " on ");
  return joined([browser, device?.type ? (TYPES[device.type] ?? device.type) : null]);
}

export function placeOf({ place }: Visitor): string {
  const region = place?.region === place?.city ? null : place?.region;
  return joined([place?.city, region, place?.country]);
}

/** The campaign that brought them: "newsletter, e-mail, spring". */
export function campaignOf({ page }: Visitor): string {
  return joined(["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"].map((name) => page?.[name]));
}

/** The page without its protocol, and only what a browser may safely open. */
export function pageOf({ page }: Visitor): { readonly address: string; readonly words: string } | null {
  const address = page?.["url"] ?? "";
  if (!/^https?:\/\//.test(address)) return null;
  return { address, words: address.replace(/^https?:\/\//, "").replace(/\/$/, "") };
}

export function referrerOf({ page }: Visitor): string {
  return (page?.["referrer"] ?? "").replace(/^https?:\/\//, "").replace(/\/$/, "");
}
