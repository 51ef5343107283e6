/**
 * The frame of the page: header, list of networks, the chosen view, notices and dialogs. It chooses what is
 * shown and leaves the drawing to one module per panel.
 */

import { html, nothing } from "lit/html.js";
import { keyed } from "lit/directives/keyed.js";

import { percent, progress } from "../logic/format.js";
import { heard, isPaused, isRunning } from "../logic/jobs.js";
import { isLost, networkById, shownJob } from "../store.js";
import { compareView } from "./compare.js";
import { createView } from "./create.js";
import { dialogView } from "./dialogs.js";
import { headerView } from "./header.js";
import { crossIcon } from "./icons.js";
import { TAB_WORDS, networkView } from "./network.js";
import { sidebarView } from "./sidebar.js";
import { tokenView } from "./token.js";
import { welcomeView } from "./welcome.js";

/** @typedef {import("../store.js").State} State */
/** @typedef {import("../actions.js").Actions} Actions */

/** @param {State} state @param {Actions} act @param {number} now ms */
export function pageView(state, act, now) {
  return html`
    <a class="skip" href="#main" @click=${skipToMain}>Skip to the content</a>
    ${headerView(state, act)} ${bannerView(state)}
    <div class="columns">
      ${state.needsToken ? nothing : sidebarView(state, act)}
      <main id="main" tabindex="-1">${mainView(state, act, now)}</main>
    </div>
    ${noticeView(state, act)} ${dialogView(state, act)}
  `;
}

/** @param {Event} event */
function skipToMain(event) {
  event.preventDefault(); // the address belongs to the view
  document.getElementById("main")?.focus();
}

/** @param {State} state @param {Actions} act @param {number} now */
function mainView(state, act, now) {
  const { route } = state;
  if (state.needsToken) return tokenView(state, act);
  if (route.view === "new") return createView(state, act);
  if (route.view === "unknown") return missingView("There is no such page", "The address in the address bar leads nowhere here.");
  if (state.networks === null) return html`<p class="empty" role="status">Reading the networks from the server\u2026</p>`;
  if (route.view === "compare") return compareView(state, act, now);
  if (route.view === "home") return welcomeView(state, act);
  const network = networkById(state, route.id);
  if (network) return keyed(route.id, networkView(network, state, act, now));
  return missingView(
    "There is no such network",
    "It may have been deleted, or the address was copied only in part. The networks that exist are in the list.",
  );
}

/** @param {string} title @param {string} text */
function missingView(title, text) {
  return html`<section class="narrow">
    <h1 tabindex="-1">${title}</h1>
    <p>${text}</p>
    <p><a class="button" href="#/">Show my networks</a> <a class="button quiet" href="#/new">New network</a></p>
  </section>`;
}

/** @param {State} state */
function bannerView(state) {
  const lost = state.connection === "lost";
  if (!lost && state.server?.mnist_loaded === false) {
    return html`<div class="banner" role="status"><strong>The digits are missing.</strong> The server has no MNIST to train on. On the
      server, run <code>make setup</code> or <code>python -m hippo.datasets.download</code>; it says what to do if that fails.</div>`;
  }
  const since = state.lastHeard ? new Date(state.lastHeard).toLocaleTimeString("en-GB") : "";
  return html`<div class="banner" role="status" ?hidden=${!lost}>
    ${lost
      ? html`<strong>Reconnecting\u2026</strong> The server does not answer at the moment.
          ${since ? html`What you see is from ${since}.` : nothing} Runs go on or are taken up again without this page.`
      : nothing}
  </div>`;
}

/** @param {State} state @param {Actions} act */
function noticeView({ notice }, act) {
  return html`<div class="notices" role="status" aria-live=${notice?.kind === "error" ? "assertive" : "polite"}>
    ${notice
      ? html`<div class="notice ${notice.kind}">
          <p>${notice.text}</p>
          <button class="icon-button" type="button" aria-label="Close this message" title="Closes this message." @click=${act.dismissNotice}>${crossIcon}</button>
        </div>`
      : nothing}
  </div>`;
}

/** The window's title: how far the shown network is. @param {State} state */
export function pageTitle(state) {
  const { route } = state;
  if (state.needsToken) return "Token \u2013 Hippo";
  if (route.view === "new") return "New network \u2013 Hippo";
  if (route.view === "compare") return "Compare runs \u2013 Hippo";
  if (route.view !== "network") return "Hippo";
  const network = networkById(state, route.id);
  if (!network) return "No such network \u2013 Hippo";
  const job = shownJob(state, state.jobs[network.active_job_id]);
  const name = network.name || network.architecture.join("-");
  const done = progress(job?.progress ?? 0);
  const said = isRunning(job) ? done : isPaused(job) ? `Paused ${done}` : "";
  const lead = said && `${heard(said, isLost(state))} \u2013 `;
  const accuracy = !lead && network.trained ? ` ${percent(network.accuracy)}` : "";
  return `${lead}${name}${accuracy} \u2013 ${TAB_WORDS[route.tab][0]} \u2013 Hippo`;
}
