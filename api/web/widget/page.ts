/** The page a visitor is on and the campaign that brought them: what the policy names, and nothing about the device. */

const CAMPAIGN = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"] as const;

/** Characters that Helpr takes. */
const LONGEST = 2_048;

export type Page = { url: string; referrer?: string } & Partial<Record<(typeof CAMPAIGN)[number], string>>;

/** Without the fragment, where sites put sign-in tokens; of the referrer only the origin; too long an address without its query. */
export function pageOf(address: string, referrer: string): Page {
  const url = new URL(address);
  url.hash = url.username = url.password = "";
  const page: Page = { url: (url.href.length > LONGEST ? url.origin + url.pathname : url.href).slice(0, LONGEST) };
  if (/^https?:\/\//.test(referrer)) page.referrer = new URL(referrer).origin;
  for (const name of CAMPAIGN) {
    const value = url.searchParams.get(name);
    if (value) page[name] = value.slice(0, LONGEST);
  }
  return page;
}
