/** Who the visitor is: as the site says (kept here), or as they say themselves (kept by Helpr only). */

import { uuid7 } from "./identifier";
import type { Session } from "./session";
import { keep, readObject } from "./storage";
import type { Identity } from "./wire";

const FIELDS = ["name", "email", "phone"] as const;
const LONGEST_ATTRIBUTE = 255;

export class Visitor {
  known: Identity = {};

  constructor(
    private readonly session: Session,
    private readonly onChange: () => void,
  ) {}

  /** What Helpr knows; what the site told this browser and Helpr has not heard is said again. */
  begin(identity: Identity | null): void {
    this.known = identity ?? {};
    const kept = said(readObject("helpr_ident"));
    if (FIELDS.some((field) => kept[field] && kept[field] !== this.known[field])) void this.tell(kept).catch(() => undefined);
    this.onChange();
  }

  /** The site knows who this is. */
  identify(identity: unknown): void {
    const who = said(identity);
    keep("helpr_ident", JSON.stringify({ ...said(readObject("helpr_ident")), ...who }));
    this.begin(this.known);
  }

  /** The site knows something else about them; it stays in this browser for now. */
  describe(attributes: unknown): void {
    if (typeof attributes !== "object" || attributes === null) return;
    const fit = Object.entries(attributes).filter(([, value]) => isPlain(value));
    keep("helpr_custom", JSON.stringify({ ...readObject("helpr_custom"), ...Object.fromEntries(fit) }));
  }

  /** Refused when Helpr will not have it, Unreachable when it cannot be asked. */
  async tell(identity: Identity): Promise<void> {
    const who = said(identity);
    if (Object.keys(who).length === 0) return;
    await this.session.ask("PUT", "/widget/v1/visitor", who, uuid7());
    this.known = { ...this.known, ...who };
    this.onChange();
  }
}

/** The fields that say something. */
function said(identity: unknown): Identity {
  const all = (identity ?? {}) as Record<string, unknown>;
  const pairs = FIELDS.map((field) => [field, typeof all[field] === "string" ? all[field].trim() : ""] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ""));
}

function isPlain(value: unknown): boolean {
  return typeof value === "boolean" || Number.isFinite(value) || (typeof value === "string" && value.length <= LONGEST_ATTRIBUTE);
}
