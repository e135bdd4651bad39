/** What the pages read is what the API says it gives: checked by the type checker, which finds here what is missing. */

import type { components } from "../client/schema";
import type * as console from "../console/shared/wire";
import type { Started } from "../widget/session";
import type * as widget from "../widget/wire";

type Given = components["schemas"];

/** The fields that a page reads and the API does not give, or gives empty where the page counts on something. */
type Amiss<Read, Said> = {
  [Name in keyof Read & string]: Name extends keyof Said ? (null extends Said[Name] ? (null extends Read[Name] ? never : Name) : never) : Name;
}[keyof Read & string];

type Nothing<Field extends never> = Field;

export type Contract = [
  Nothing<Amiss<console.Me, Given["Me"]>>,
  Nothing<Amiss<console.Agent, Given["AgentShown"]>>,
  Nothing<Amiss<console.Row, Given["Row"]>>,
  Nothing<Amiss<console.Row["visitor"], Given["Guest"]>>,
  Nothing<Amiss<NonNullable<console.Row["preview"]>, Given["Preview"]>>,
  Nothing<Amiss<console.Counts, Given["Counts"]>>,
  Nothing<Amiss<console.Change, Given["Change"]>>,
  Nothing<Amiss<console.ChangesPage, Given["ChangesPage"]>>,
  Nothing<Amiss<console.ConversationPage, Given["ConversationPage"]>>,
  Nothing<Amiss<console.Visitor, Given["VisitorShown"]>>,
  Nothing<Amiss<console.Entry, Given["Entry"]>>,
  Nothing<Amiss<console.Moment, Given["MomentShown"]>>,
  Nothing<Amiss<console.Erasure, Given["ErasureShown"]>>,
  Nothing<Amiss<console.Day, Given["Day"]>>,
  Nothing<Amiss<console.Done, Given["Changed"]>>,
  Nothing<Amiss<widget.Change, Given["Change"]>>,
  Nothing<Amiss<widget.ConversationPage, Given["MyConversation"]>>,
  Nothing<Amiss<widget.Taken, Given["Written"]>>,
  Nothing<Amiss<Started, Given["Session"]>>,
];
