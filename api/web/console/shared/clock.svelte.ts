/** The time on the pages, which moves on by itself. */

const EVERY = 15_000;

class Clock {
  now = $state(new Date());

  constructor() {
    setInterval(this.tick, EVERY);
    document.addEventListener("visibilitychange", this.tick);
  }

  readonly tick = (): void => {
    if (document.visibilityState === "visible") this.now = new Date();
  };
}

export const clock = new Clock();
