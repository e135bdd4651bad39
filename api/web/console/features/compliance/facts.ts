/** The facts of a trail in plain words. */

import type { Actor, Entry } from "../../shared/wire";

const SAYINGS: Readonly<Record<string, string>> = {
  "conversations.ConversationStarted": "started the conversation",
  "conversations.MessageSent": "sent a message",
  "conversations.NoteLeft": "left a private note",
  "conversations.MessagesRead": "read what was new",
  "conversations.ConversationAssigned": "changed who answers",
  "conversations.ConversationPrioritised": "changed the priority",
  "conversations.ConversationResolved": "resolved the conversation",
  "conversations.ConversationReopened": "reopened the conversation",
  "compliance.ErasureDecided": "decided to erase the visitor",
  "compliance.KeysShredded": "destroyed the keys",
  "compliance.ErasureProved": "proved the erasure",
};

/** "sent a message"; a fact without a saying is spelled out: "message translated". */
export function factWords(fact: string): string {
  return SAYINGS[fact] ?? (fact.split(".").at(-1) ?? fact).replace(/(?<=[a-z])([A-Z])/g, " $1").toLowerCase();
}

/** What caused an entry, as far as this trail shows it. */
export function causeOf(entry: Entry, trail: readonly Entry[]): string {
  if (!entry.causation) {
    const first = trail.find((one) => one.command !== null && one.command === entry.command);
    return first && first !== entry ? `Same request as ${first.sequence}` : "Own request";
  }
  const cause = trail.find((one) => one.event === entry.causation);
  return cause ? `Followed from ${cause.sequence}` : "Followed from elsewhere";
}

export interface Filter {
  readonly fact: string;
  readonly actor: string;
}

export const actorKey = ({ kind, id }: Actor): string => `${kind} ${id}`;

export function filtered(trail: readonly Entry[], { fact, actor }: Filter): readonly Entry[] {
  return trail.filter((entry) => (!fact || entry.fact === fact) && (!actor || actorKey(entry.actor) === actor));
}

export function factsOf(trail: readonly Entry[]): readonly string[] {
  return [...new Set(trail.map((entry) => entry.fact))];
}

export function actorsOf(trail: readonly Entry[]): readonly Actor[] {
  return [...new Map(trail.map((entry) => [actorKey(entry.actor), entry.actor])).values()];
}
