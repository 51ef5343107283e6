/**
 * The page's addresses: `#/`, `#/new`, `#/compare`, `#/networks/<id>/<tab>`, the last one with `?run=<job id>` for an
 * earlier run. What else a view keeps in its address is in `query`, such as the digit and the neuron that are looked at
 * (watched.js); the view's own logic reads it. So it can be linked, and the back button works.
 */

/** The views of a network that are built. */
export const TABS = ["learn", "test", "draw", "inside"];

/** @typedef {{view: "home"|"new"|"compare"|"network"|"unknown", id: string, tab: string, run: string, query: Record<string, string>}} Route */

/** @param {string} hash as in location.hash @returns {Route} */
export function parseRoute(hash) {
  const [path, ...rest] = hash.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean);
  const query = Object.fromEntries(new URLSearchParams(rest.join("?")));
  const route = { view: "unknown", id: "", tab: "", run: "", query };
  if (parts.length === 0) return { ...route, view: "home" };
  if (parts.length === 1 && (parts[0] === "new" || parts[0] === "compare")) return { ...route, view: parts[0] };
  if (parts[0] === "networks" && parts.length >= 2 && parts.length <= 3) {
    const tab = parts[2] ?? TABS[0];
    const id = decoded(parts[1]);
    if (TABS.includes(tab) && id) return { view: "network", id, tab, run: query.run ?? "", query };
  }
  return route;
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** @param {string} id @param {string} [tab] @param {string} [run] */
export function networkHref(id, tab = TABS[0], run = "") {
  return withQuery(`#/networks/${encodeURIComponent(id)}/${tab}`, { run });
}

/** An address with what it is to remember; what is empty is left out. @param {string} href @param {Record<string, string>} query */
export function withQuery(href, query) {
  const said = Object.entries(query).filter(([, value]) => value !== "");
  return said.length ? `${href}?${new URLSearchParams(said)}` : href;
}

/**
 * The token that came once in the fragment (`#token=...`), and the address without it.
 * @param {string} hash @returns {{token: string, rest: string}|null}
 */
export function tokenInHash(hash) {
  const match = /^#\/?token=([^&/]*)(?:&(.*))?$/.exec(hash);
  if (!match || !match[1]) return null;
  const rest = match[2] ?? "";
  return { token: decoded(match[1]) || match[1], rest: rest ? `#${rest.replace(/^#/, "")}` : "#/" };
}
