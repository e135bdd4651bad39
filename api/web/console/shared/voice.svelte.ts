/** What the console says to whoever cannot see it, and the short notices at the edge of the page. */

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isProblem: boolean;
  readonly action: { readonly title: string; readonly run: () => void } | null;
}

const LASTS = 6_000;

class Voice {
  spoken = $state("");
  notices = $state.raw<readonly Notice[]>([]);
  private last = 0;

  /** Politely, to screen readers only. */
  announce(text: string): void {
    this.spoken = text === this.spoken ? `${text}\u00a0` : text;
  }

  /** A notice that goes by itself; a problem stays until it is closed. */
  notice(text: string, { isProblem = false, action = null }: Partial<Pick<Notice, "isProblem" | "action">> = {}): void {
    const id = ++this.last;
    this.notices = [...this.notices.slice(-2), { id, text, isProblem, action }];
    if (!isProblem) setTimeout(() => this.close(id), LASTS);
  }

  close(id: number): void {
    this.notices = this.notices.filter((one) => one.id !== id);
  }
}

export const voice = new Voice();
