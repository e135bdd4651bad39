/** How long to wait before trying again. */

const FIRST = 500;
const LONGEST = 30_000;

/** Twice as long each time, up to half a minute; half of it drawn by lot, so that a crowd does not come back at once. */
export function pause(attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 10));
  return whole * (0.5 + random() / 2);
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Waits, but no longer than until the browser is connected again. */
export function waitOrOnline(milliseconds: number): Promise<void> {
  return new Promise((done) => {
    const finish = (): void => {
      clearTimeout(timer);
      window.removeEventListener("online", finish);
      done();
    };
    const timer = setTimeout(finish, milliseconds);
    window.addEventListener("online", finish);
  });
}
