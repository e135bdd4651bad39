/** The people who came, last seen first, page by page. */

import { read, saying } from "../../shared/door";
import type { Visitor, VisitorsPage } from "../../shared/wire";

const PAGE = 50;

export class People {
  all = $state.raw<readonly Visitor[]>([]);
  state = $state<"loading" | "ready" | "failed">("loading");
  problem = $state("");
  next = $state.raw<string | null>(null);
  private isPaging = false;

  async begin(): Promise<void> {
    this.state = "loading";
    await this.page(null);
  }

  async more(): Promise<void> {
    if (this.next && !this.isPaging) await this.page(this.next);
  }

  private async page(after: string | null): Promise<void> {
    this.isPaging = true;
    this.problem = "";
    try {
      const { visitors, next } = await read<VisitorsPage>(`/v1/visitors?limit=${PAGE}${after ? `&after=${encodeURIComponent(after)}` : ""}`);
      const known = new Set(after ? this.all.map((one) => one.id) : []);
      this.all = [...(after ? this.all : []), ...visitors.filter((one) => !known.has(one.id))];
      this.next = next;
      this.state = "ready";
    } catch (problem) {
      this.problem = saying(problem);
      if (!after) this.state = "failed";
    } finally {
      this.isPaging = false;
    }
  }
}
