/** What Helpr's API says to agents: names for types that are generated from its description (`client/schema.d.ts`). */

import type { components } from "../../client/schema";

type Given = components["schemas"];

export type Me = Given["Me"];
export type Agent = Given["AgentShown"];
export type Agents = Given["Agents"];
export type Role = Agent["role"];
export type Permission = Given["Permission"];
export type LiveToken = Given["LiveToken"];

export type Row = Given["Row"];
export type InboxPage = Given["InboxPage"];
export type Counts = Given["Counts"];
export type Sort = Given["Sort"];
export type Status = Given["Status"];
export type Priority = Given["Priority"];

export type Actor = Given["Who"];
export type PartyKind = Given["Author"]["kind"];
/** One thing that happened in a conversation; pages and the live stream say it alike. */
export type Change = Given["Change"];
export type Receipts = Given["Receipts"];
export type ChangesPage = Given["ChangesPage"];
export type ConversationPage = Given["ConversationPage"];
/** The answer to a write in a conversation. */
export type Done = Given["Changed"];

export type Visitor = Given["VisitorShown"];
export type VisitorsPage = Given["DirectoryPage"];
export type VisitorsConversations = Given["VisitorsConversations"];

export type TrailPage = Given["Trail"];
/** One fact of a conversation's trail. */
export type Entry = Given["Entry"];
/** What a conversation looked like at a moment. */
export type Moment = Given["MomentShown"];

export type Erasure = Given["ErasureShown"];
export type Erasures = Given["Erasures"];
export type Reason = Given["ErasureReason"];

export type Day = Given["Day"];
export type Days = Given["Days"];

export type FieldProblem = Given["FieldProblem"];
