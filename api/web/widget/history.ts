/** What was said before: a page of the conversation, fetched until Helpr answers. */

import { Refused } from "./door";
import { pause, waitOrOnline } from "./patience";
import type { Session } from "./session";
import type { ConversationPage } from "./wire";

/** Everything after this sequence. Refused when Helpr does not know the conversation. */
export async function history(session: Session, conversation: string, after = 0): Promise<ConversationPage> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await session.ask<ConversationPage>("GET", `/widget/v1/conversations/${conversation}?after=${after}`);
    } catch (problem) {
      if (problem instanceof Refused && !problem.isPassing) throw problem;
      await waitOrOnline(pause(attempt));
    }
  }
}
