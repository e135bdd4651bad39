/** Where in the console one is: a path and what is asked of it. */

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

function here(): Place {
  return { path: location.pathname.replace(/(?<=.)\/$/, ""), query: new URLSearchParams(location.search) };
}

class Route {
  private place = $state.raw<Place>(here());

  constructor() {
    window.addEventListener("popstate", () => (this.place = here()));
  }

  get path(): string {
    return this.place.path;
  }

  get query(): URLSearchParams {
    return this.place.query;
  }

  /** The words of the path: `/inbox/42` is `["inbox", "42"]`. */
  get words(): readonly string[] {
    return this.path.split("/").filter(Boolean).map(decodeURIComponent);
  }

  go(address: string, { replace = false } = {}): void {
    if (address === location.pathname + location.search) return;
    history[replace ? "replaceState" : "pushState"](null, "", address);
    this.place = here();
  }
}

export const route = new Route();

/** `use` on a link: a plain click stays in the page, everything else (new tab, download) is the browser's. */
export function stays(link: HTMLAnchorElement): { destroy: () => void } {
  const clicked = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    route.go(link.pathname + link.search);
  };
  link.addEventListener("click", clicked);
  return { destroy: () => link.removeEventListener("click", clicked) };
}
