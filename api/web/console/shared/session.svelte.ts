/** Who is signed in, who their colleagues are, and what they may do. */

import { onSignedOut, read, Refused, saying, write } from "./door";
import { forgetStored } from "./stored";
import { voice } from "./voice.svelte";
import { type Named, visitorName } from "./words";
import type { Actor, Agent, Agents, Me, Permission } from "./wire";

class Session {
  /** Undefined while nobody knows yet, null when nobody is signed in. */
  me = $state.raw<Me | null | undefined>(undefined);
  /** Why nobody knows yet. */
  problem = $state("");
  /** Somebody was signed in, and Helpr has ended it: the page behind stays as it is. */
  hasEnded = $state(false);
  agents = $state.raw<readonly Agent[]>([]);
  private readonly strangers = new Set<string>();

  constructor() {
    onSignedOut(() => {
      if (this.me) this.hasEnded = true;
    });
  }

  async begin(): Promise<void> {
    this.problem = "";
    try {
      this.become(await read<Me>("/v1/session"));
    } catch (problem) {
      if (problem instanceof Refused && problem.status === 401) this.me = null;
      else this.problem = saying(problem);
    }
  }

  async signIn(email: string, password: string): Promise<void> {
    this.become(await write<Me>("POST", "/v1/session", { email, password }));
  }

  /** Everything of this session leaves the browser, once Helpr has ended it. */
  async signOut(): Promise<void> {
    try {
      await write("DELETE", "/v1/session");
    } catch (problem) {
      const isOver = problem instanceof Refused && problem.status === 401;
      if (!isOver) return voice.notice(`${saying(problem)} You are still signed in.`, { isProblem: true });
    }
    forgetStored();
    location.assign("/sign-in");
  }

  /** Meets the colleagues anew when one is named who joined since. */
  know(agent: string): void {
    const isKnown = this.isMe(agent) || this.agents.some((one) => one.id === agent) || this.strangers.has(agent);
    if (isKnown) return;
    this.strangers.add(agent);
    void this.meet();
  }

  may(permission: Permission): boolean {
    return this.me?.permissions.includes(permission) ?? false;
  }

  /** Those who converse may of course read. */
  get mayRead(): boolean {
    return this.may("read") || this.may("converse");
  }

  isMe(agent: string | null): boolean {
    return agent !== null && agent === this.me?.agent.id;
  }

  agentName(id: string | null): string {
    const known = this.isMe(id) ? this.me?.agent : this.agents.find((one) => one.id === id);
    return known?.name ?? "A former colleague";
  }

  nameOf(who: Actor, visitor: Named): string {
    if (who.kind === "system") return "Helpr";
    if (who.kind === "agent") return this.agentName(who.id);
    return visitorName(who.id === visitor.id ? visitor : { id: who.id, name: null, erased: false });
  }

  private become(me: Me): void {
    const isAnother = this.me != null && this.me.agent.id !== me.agent.id;
    if (isAnother) {
      forgetStored();
      location.assign("/inbox");
    }
    this.me = me;
    this.hasEnded = false;
    void this.meet();
  }

  private async meet(): Promise<void> {
    const { agents } = await read<Agents>("/v1/agents").catch(() => ({ agents: [] }));
    if (agents.length) this.agents = agents;
  }
}

export const session = new Session();
