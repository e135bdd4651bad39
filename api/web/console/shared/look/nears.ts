/** `use` on the last or first thing of a scrolled list: acts when it is nearly in sight. */

const AHEAD = "400px 0px";

export function nears(sentinel: HTMLElement, act: () => void): { destroy: () => void } {
  const root = sentinel.closest(".scrolls");
  const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && act(), { root, rootMargin: AHEAD });
  observer.observe(sentinel);
  return { destroy: () => observer.disconnect() };
}
