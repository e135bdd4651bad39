/** What the page that embeds the widget says in its script tag. */

export interface Embed {
  /** Where Helpr lives: the only origin the widget ever talks to. */
  readonly origin: string;
  readonly organisation: string;
  readonly accent: string | null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Null when the tag does not name an organisation, so that a mistake shows in the console and not on the page. */
export function embedded(script: HTMLScriptElement | null): Embed | null {
  const organisation = script?.dataset.organisation?.trim() ?? "";
  if (!script?.src || !UUID.test(organisation)) return null;
  const origin = new URL(script.src, location.href).origin;
  return { origin, organisation: organisation.toLowerCase(), accent: script.dataset.accent?.trim() || null };
}

/** The tag that is running now; modules and late insertions have no current script, so it is looked up. */
export function ownScript(): HTMLScriptElement | null {
  const current = document.currentScript;
  if (current instanceof HTMLScriptElement && current.dataset.organisation) return current;
  return document.querySelector<HTMLScriptElement>("script[data-organisation][src]");
}
