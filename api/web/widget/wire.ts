/** What Helpr says to a visitor: names for types that are generated from its description (`client/schema.d.ts`). */

import type { components } from "../client/schema";

type Given = components["schemas"];

export type Started = Given["Session"];
export type Identity = Given["Identity"];
export type LiveToken = Given["LiveToken"];

/** One thing that happened in a conversation; pages and the live stream say it alike. */
export type Change = Given["Change"];
export type Actor = Given["Who"];
export type Receipts = Given["Receipts"];
export type Agents = Given["MyConversation"]["agents"];
/** GET /widget/v1/conversations/{id} */
export type ConversationPage = Given["MyConversation"];
/** The answer to a message that was taken. */
export type Taken = Given["Written"];
