/** The visitor's session: who this browser is to Helpr, and the right to ask on their behalf. */

import { changeChat, chatOf, keepChat, type Chat } from "./chat";
import { ask, Refused, type Method } from "./door";
import { pageOf } from "./page";
import { pause, waitOrOnline } from "./patience";
import { forgetVisitor, keepVisitorId, visitorId } from "./storage";
import type { Started } from "./wire";

/** Asks as this visitor, in whatever session is the current one. */
export type AskAsVisitor = <Answer>(method: Method, path: string, body?: unknown, key?: string) => Promise<Answer>;

export class Session {
  private isEnded = false;
  private starting: Promise<Started> | null = null;

  constructor(
    private readonly origin: string,
    private readonly organisation: string,
    private readonly onStarted: (started: Started) => void,
  ) {}

  get chat(): Chat | null {
    return chatOf(this.organisation);
  }

  change(change: Partial<Chat>): void {
    changeChat(this.organisation, change);
  }

  /** Resumes the kept session or begins a new one; tries until Helpr answers. Refused when it will not have us. */
  start(): Promise<Started> {
    this.starting ??= this.arrive().finally(() => (this.starting = null));
    return this.starting;
  }

  readonly ask: AskAsVisitor = async (method, path, body, key) => {
    if (!this.chat) await this.start();
    try {
      return await this.askOnce(method, path, body, key);
    } catch (problem) {
      if (!(problem instanceof Refused) || problem.status !== 401) throw problem;
      await this.start();
      return this.askOnce(method, path, body, key);
    }
  };

  /** Nothing of this visitor stays in the browser, and nothing more is asked on their behalf. */
  end(): void {
    this.isEnded = true;
    forgetVisitor();
  }

  private askOnce<Answer>(method: Method, path: string, body?: unknown, key?: string): Promise<Answer> {
    const bearer = `${this.organisation}.${visitorId() ?? ""}.${this.chat?.secret ?? ""}`;
    return ask<Answer>(this.origin, { method, path, body, bearer, ...(key ? { key } : {}) });
  }

  private async arrive(): Promise<Started> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (this.isEnded) throw new Refused(410, "The session has ended.", 0);
        const started = await this.introduce();
        if (this.isEnded) continue;
        this.remember(started);
        this.onStarted(started);
        return started;
      } catch (problem) {
        if (problem instanceof Refused && !problem.isPassing) throw problem;
        const told = problem instanceof Refused ? problem.waitSeconds * 1000 : 0;
        await waitOrOnline(Math.max(told, pause(attempt)));
      }
    }
  }

  private introduce(): Promise<Started> {
    const visitor = visitorId();
    const secret = this.chat?.secret;
    const known = visitor && secret ? { visitor, secret } : {};
    const page = pageOf(location.href, document.referrer);
    const body = { organisation: this.organisation, ...known, page };
    return ask<Started>(this.origin, { method: "POST", path: "/widget/v1/session", body });
  }

  private remember({ visitor, secret, resumed, conversation }: Started): void {
    const kept = resumed ? this.chat : null;
    if (!kept) forgetVisitor();
    const fresh: Chat = { organisation: this.organisation, secret, conversation, tab: null, draft: "", unsent: [] };
    keepChat(kept ? { ...kept, secret, conversation: conversation ?? kept.conversation } : fresh);
    keepVisitorId(visitor);
  }
}
