/** Why somebody's words are gone, and since when, for those who may know. */

import { readSoon } from "./door";
import { session } from "./session.svelte";
import { REASONS } from "./words";
import type { Erasure } from "./wire";

const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });
const WITHOUT_REASON = "Erased with the person who wrote here";

export function erasureOf(visitor: string): Promise<Erasure> {
  return readSoon<Erasure>(`/v1/visitors/${visitor}/erasure`);
}

/** "Erased on March 4, 2026. The person asked to be erased." */
export async function whyErased(visitor: string): Promise<string> {
  if (!session.may("erase")) return WITHOUT_REASON;
  try {
    const { decided_at, reason } = await erasureOf(visitor);
    return `Erased on ${DAY.format(new Date(decided_at))}. ${REASONS.find((one) => one.id === reason)?.says ?? ""}`.trim();
  } catch {
    return WITHOUT_REASON;
  }
}
