/** Erasing a person: deciding it, and following it until it is proved. */

import { pause, wait } from "../../../widget/patience";
import { read, saying, write } from "../../shared/door";
import { erasureOf } from "../../shared/erasure";
import { forgotten } from "../../shared/forgotten.svelte";
import type { Erasure, Reason } from "../../shared/wire";

/** Questions asked at most before the page stops watching; the erasure goes on without it. */
const QUESTIONS = 60;

export class Erasing {
  erasure = $state.raw<Erasure | null>(null);
  isBusy = $state(false);
  problem = $state("");
  private isWatching = false;

  constructor(readonly visitor: string) {}

  async decide(reason: Reason): Promise<void> {
    this.isBusy = true;
    this.problem = "";
    try {
      this.erasure = await write<Erasure>("POST", `/v1/visitors/${this.visitor}/erasure`, { reason });
      forgotten.add(this.visitor);
      void this.watch();
    } catch (problem) {
      this.problem = `${saying(problem)} Nothing was erased.`;
    } finally {
      this.isBusy = false;
    }
  }

  /** What became of an erasure decided earlier; nothing when there was none. */
  async look(): Promise<void> {
    this.erasure = await erasureOf(this.visitor).catch(() => null);
    if (this.erasure && this.erasure.state !== "proved") void this.watch();
  }

  stop(): void {
    this.isWatching = false;
  }

  private async watch(): Promise<void> {
    if (this.isWatching) return;
    this.isWatching = true;
    for (let question = 0; this.isWatching && question < QUESTIONS && this.erasure?.state !== "proved"; question++) {
      await wait(Math.min(5_000, pause(question)));
      this.erasure = await read<Erasure>(`/v1/visitors/${this.visitor}/erasure`).catch(() => this.erasure);
    }
    this.isWatching = false;
  }
}
