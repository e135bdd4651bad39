/** Several tabs, one visitor: the tab looked at last marks presence, the others keep quiet. */

import type { Session } from "./session";
import { uuid7 } from "./identifier";
import { drop, keep, read, TAB_NAME } from "./storage";

const EVERY = 10_000;
/** A tab not heard of for this long is gone. */
const GONE = 25_000;

export class Presence {
  private readonly tab: string;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(private readonly session: Session) {
    this.tab = this.ownTab();
    this.timer = setInterval(this.mark, EVERY);
    document.addEventListener("visibilitychange", this.looked);
    window.addEventListener("focus", this.looked);
    window.addEventListener("pagehide", this.leave);
    this.looked();
  }

  /** Whether this tab is the one that says "the visitor is here". */
  get isMarked(): boolean {
    return this.session.chat?.tab === this.tab;
  }

  /** This tab is being looked at. */
  claim(): void {
    if (!this.isMarked) this.session.change({ tab: this.tab });
    keep("helpr_last", new Date().toISOString());
  }

  stop(): void {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.looked);
    window.removeEventListener("focus", this.looked);
    window.removeEventListener("pagehide", this.leave);
    drop(TAB_NAME);
  }

  private readonly looked = (): void => {
    if (document.visibilityState === "visible" && this.session.chat) this.claim();
  };

  private readonly mark = (): void => {
    if (document.visibilityState !== "visible" || !this.session.chat) return;
    if (this.isMarked || !isFresh()) this.claim();
  };

  private readonly leave = (): void => {
    if (this.isMarked) this.session.change({ tab: null });
  };

  /** A duplicated tab brings the name of its original along; it needs one of its own. */
  private ownTab(): string {
    const kept = read(TAB_NAME);
    const isTaken = kept !== null && kept === this.session.chat?.tab && isFresh();
    const tab = kept && !isTaken ? kept : uuid7();
    keep(TAB_NAME, tab);
    return tab;
  }
}

function isFresh(): boolean {
  return Date.now() - Date.parse(read("helpr_last") ?? "") < GONE;
}
