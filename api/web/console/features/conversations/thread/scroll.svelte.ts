/** How a thread scrolls: it stays at its end, and stands still when older or newer lines come while one reads. */

import { tick } from "svelte";

const NEAR = 48;

export class Scroll {
  isAtEnd = $state(true);
  private region: HTMLElement | undefined;
  private height = 0;
  private first = "";

  readonly attach = (region: HTMLElement): { destroy: () => void } => {
    this.region = region;
    const observer = new ResizeObserver(() => this.isAtEnd && this.toEnd());
    observer.observe(region);
    region.addEventListener("scroll", this.scrolled, { passive: true });
    return { destroy: () => (observer.disconnect(), region.removeEventListener("scroll", this.scrolled)) };
  };

  /** Before lines change: remembers what they looked like; afterwards puts the eye back. */
  keep(firstKey: string): void {
    const { region } = this;
    if (!region) return;
    const hasOlder = this.first !== "" && firstKey !== this.first;
    this.first = firstKey;
    this.height = region.scrollHeight;
    void tick().then(() => {
      if (this.isAtEnd) this.toEnd();
      else if (hasOlder) region.scrollTop += region.scrollHeight - this.height;
    });
  }

  /** Another conversation: at its first new line, or at its end. */
  begin(): void {
    this.first = "";
    this.isAtEnd = true;
    void tick().then(() => {
      const news = this.region?.querySelector<HTMLElement>("#new");
      this.toEnd();
      if (!news || !this.region) return;
      const top = news.offsetTop - 24;
      if (top < this.region.scrollTop) this.region.scrollTop = top;
      this.scrolled();
    });
  }

  toEnd(): void {
    if (this.region) this.region.scrollTop = this.region.scrollHeight;
  }

  private readonly scrolled = (): void => {
    const { region } = this;
    if (region) this.isAtEnd = region.scrollHeight - region.scrollTop - region.clientHeight < NEAR;
  };
}
