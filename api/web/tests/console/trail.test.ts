import { describe, expect, test } from "vitest";
import { actorsOf, causeOf, factsOf, factWords, filtered } from "../../console/features/compliance/facts";
import { entry, MARA, OLGA } from "./told";

const olga = { kind: "agent", id: OLGA } as const;
const trail = [
  entry(1, { fact: "conversations.ConversationStarted" }),
  entry(2, { command: "command-1" }),
  entry(3, { fact: "conversations.ConversationAssigned", actor: olga, causation: "event-2" }),
  entry(4, { actor: olga, causation: "event-of-another-stream" }),
];

describe("the trail", () => {
  test("says in words what happened, also what it has no words for yet", () => {
    expect(factWords("conversations.NoteLeft")).toBe("left a private note");
    expect(factWords("channels.MailBounced")).toBe("mail bounced");
  });

  test("says what caused what", () => {
    expect(trail.map((one) => causeOf(one, trail))).toEqual(["Own request", "Same request as 1", "Followed from 2", "Followed from elsewhere"]);
  });

  test("is narrowed to a kind of fact, to somebody, to both", () => {
    const numbers = (fact: string, actor: string): number[] => filtered(trail, { fact, actor }).map((one) => one.sequence);
    expect(numbers("", "")).toEqual([1, 2, 3, 4]);
    expect(numbers("conversations.MessageSent", "")).toEqual([2, 4]);
    expect(numbers("", `agent ${OLGA}`)).toEqual([3, 4]);
    expect(numbers("conversations.MessageSent", `agent ${OLGA}`)).toEqual([4]);
  });

  test("offers each kind and each person once", () => {
    expect(factsOf(trail)).toEqual(["conversations.ConversationStarted", "conversations.MessageSent", "conversations.ConversationAssigned"]);
    expect(actorsOf(trail)).toEqual([{ kind: "visitor", id: MARA }, olga]);
  });
});
