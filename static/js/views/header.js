/** The line on top: the name, what the workers do, whether the page is connected, light or dark, and the API's documentation. */

import { html } from "lit/html.js";

import { count, plural } from "../logic/format.js";
import { heard } from "../logic/jobs.js";
import { isLost } from "../store.js";
import { mark, moonIcon, sunIcon } from "./icons.js";

const CONNECTIONS = {
  connecting: ["connecting\u2026", "The page is connecting to the server."],
  live: ["connected", "Events arrive live over a socket."],
  polling: ["connected, polling", "No socket can be had; the page asks the server every few seconds instead."],
  lost: ["reconnecting\u2026", "The server does not answer; the page tries again by itself."],
  refused: ["needs a token", "The server answers only to those who have its token."],
};

/** @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function headerView(state, act) {
  const connection = state.needsToken && state.connection !== "lost" ? "refused" : state.connection;
  const [words, sentence] = CONNECTIONS[connection];
  const dark = state.theme === "dark";
  const switchHint = dark ? "Switches to the light theme; remembered on this device." : "Switches to the dark theme; remembered on this device.";
  return html`<header class="top">
    <a class="brand" href="#/" title="Shows your networks.">${mark}<span>Hippo</span></a>
    <p class="workers" title="Each worker trains one network at a time, on one processor core.">${workersText(state.server, isLost(state))}</p>
    <p class="connection" data-state=${connection} title=${sentence} role="status"><span class="dot" aria-hidden="true"></span>${words}</p>
    <button class="icon-button" type="button" role="switch" aria-checked=${dark ? "true" : "false"} aria-label="Dark theme" title=${switchHint}
      @click=${() => act.setTheme(dark ? "light" : "dark")}>${dark ? sunIcon : moonIcon}</button>
    <a class="docs" href="/docs" title="The documentation of the REST interface, to read and to try.">API docs</a>
  </header>`;
}

/** @param {Record<string, any>|null} server @param {boolean} lost */
function workersText(server, lost) {
  if (!server || typeof server.workers_total !== "number") return "";
  const { workers_total: total, workers_busy: busy, queued_jobs: queued } = server;
  if (!busy && !queued) return heard(`${plural(total, "worker")}: all free`, lost);
  return heard(`${plural(total, "worker")}: ${count(busy)} busy, ${count(queued)} queued`, lost);
}
