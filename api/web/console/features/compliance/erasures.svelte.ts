/** Everybody who was erased, the newest first: as many as somebody wants to see, and always all of these anew. */

import { read, saying } from "../../shared/door";
import type { Erasure, Erasures } from "../../shared/wire";

export class Erased {
  all = $state.raw<readonly Erasure[] | null>(null);
  hasMore = $state(false);
  problem = $state("");
  private wanted = 1;
  private turn = 0;

  /** What was asked for last counts: it holds what was asked for before. */
  async load(): Promise<void> {
    const turn = ++this.turn;
    try {
      let all: readonly Erasure[] = [];
      let next: string | null = null;
      do {
        const page: Erasures = await read(`/v1/erasures${next ? `?after=${encodeURIComponent(next)}` : ""}`);
        all = [...all, ...page.erasures];
        next = page.next;
      } while (next !== null && all.length < this.wanted);
      if (turn === this.turn) [this.all, this.hasMore, this.problem] = [all, next !== null, ""];
    } catch (refused) {
      if (turn === this.turn) this.problem = saying(refused);
    }
  }

  async more(): Promise<void> {
    this.wanted = (this.all?.length ?? 0) + 1;
    await this.load();
  }
}
