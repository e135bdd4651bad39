/** How a message reaches Helpr: the first one starts a conversation, the others go into it. */

import type { Unsent } from "./chat";
import { Refused } from "./door";
import type { Session } from "./session";
import type { Taken } from "./wire";

export class Delivery {
  /** What this tab has had in its outbox; beside it, another tab's messages may be waiting. */
  private readonly own = new Set<string>();

  constructor(
    private readonly session: Session,
    private readonly onStarted: (conversation: string) => void,
    private readonly onGone: (conversation: string) => void,
  ) {}

  readonly deliver = async (message: Unsent): Promise<void> => {
    const conversation = this.session.chat?.conversation;
    if (!conversation) return this.start(message);
    const { id, text } = message;
    try {
      await this.session.ask<Taken>("POST", `/widget/v1/conversations/${conversation}/messages`, { id, text }, id);
    } catch (problem) {
      if (!(problem instanceof Refused) || problem.status !== 404) throw problem;
      this.onGone(conversation);
      await this.start(message);
    }
  };

  readonly keepUnsent = (unsent: readonly Unsent[]): void => {
    unsent.forEach((one) => this.own.add(one.id));
    const others = this.session.chat?.unsent.filter((one) => !this.own.has(one.id)) ?? [];
    this.session.change({ unsent: [...others, ...unsent] });
  };

  private async start({ id, text }: Unsent): Promise<void> {
    const taken = await this.session.ask<Taken>("POST", "/widget/v1/conversations", { id, text }, `start-${id}`);
    this.session.change({ conversation: taken.conversation });
    this.onStarted(taken.conversation);
  }
}
