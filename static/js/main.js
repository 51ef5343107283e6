/**
 * Puts the page together: the store, the requests, the live connection, the addresses, and one render per
 * frame. Everything else is given what it needs from here.
 */

import { render } from "lit/html.js";

import { createActions } from "./actions.js";
import { api, token, whenRefused } from "./api.js";
import { createComparing } from "./comparing.js";
import { createControls } from "./controls.js";
import { createDrawing } from "./drawing.js";
import { createEvaluating } from "./evaluating.js";
import { createExperiments } from "./experiments.js";
import { keepingFocus } from "./focus.js";
import { createInsight } from "./insight.js";
import { isRunning } from "./logic/jobs.js";
import { networkHref, parseRoute, tokenInHash } from "./logic/routes.js";
import { createLive } from "./live.js";
import { createNeeds } from "./needs.js";
import { watchForShortcuts } from "./shortcuts.js";
import { forgetSilence } from "./silence.js";
import { createStore, networkById } from "./store.js";
import { createSync } from "./sync.js";
import { chooseTheme, currentTheme, whenSystemThemeChanges } from "./theme.js";
import { watchForTips } from "./tips.js";
import { createTransfers } from "./transfers.js";
import { pageTitle, pageView } from "./views/page.js";
import { createWatching, takeWatched, watchedHref } from "./watching.js";

const TICK_MS = 1_000;
/** Seconds between two looks at the status: while a job waits, and otherwise. */
const PULSES = { waiting: 1, calm: 5 };
const page = document.getElementById("page");
const announcer = document.getElementById("announcer");

keepTokenFromAddress();

const store = createStore();
const sync = createSync({ store, api, missed: (jobId, after) => live.missed(jobId, after) });
const live = createLive({
  token: token.read,
  onEvent: sync.receive,
  onState(connection) {
    store.update((s) => {
      if (connection !== "lost" && connection !== s.connection) forgetSilence(s);
      s.connection = connection;
    });
    if (connection === "live") watching.forget();
  },
  resync: sync.resync,
  missedByHttp: api.events,
  onFrame: (header, payload) => watching.take(header, payload),
});
const watching = createWatching({ store, api, send: live.send });
const basics = createActions({ store, api, sync, go, focusError });
const actions = {
  ...basics,
  ...createControls({ store, api, sync, basics }),
  ...createExperiments({ store, go, basics, copy: (text) => navigator.clipboard.writeText(text), place: () => location.href.split("#")[0] }),
  ...createDrawing({ store, api, sync }),
  ...createInsight({ store, api }),
  watching,
  ...createEvaluating({ store, api, sync }),
  ...createComparing({ store, api, sync, rewrite, notify: basics.notify }),
  ...createTransfers({ store, api, sync, go, notify: basics.notify }),
  /** @param {"light"|"dark"} theme */
  setTheme(theme) {
    chooseTheme(theme);
    store.update((s) => { s.theme = theme; });
  },
  /** @param {string} value */
  async useToken(value) {
    token.keep(value.trim());
    store.update((s) => { s.needsToken = false; });
    if (await sync.resync()) live.retry();
    store.update((s) => { s.tokenRefused = s.needsToken; });
  },
};

const askForNeeds = createNeeds(store.state, actions);

whenRefused(() => store.update((s) => { s.needsToken = true; }));
whenSystemThemeChanges(() => store.update((s) => { s.theme = currentTheme(); }));
store.state.theme = currentTheme();
watchForTips();
watchForShortcuts(actions);

/** Leaves the token out of the address and the history. */
function keepTokenFromAddress() {
  const found = tokenInHash(location.hash);
  if (!found) return;
  token.keep(found.token);
  history.replaceState(null, "", found.rest);
}

/** @param {string} href */
function go(href) {
  if (location.hash === href) return;
  location.hash = href;
}

/** Another address for the same view, without a step in the history: for what changes with every key. @param {string} href */
function rewrite(href) {
  history.replaceState(null, "", href);
  store.update((s) => { s.route = parseRoute(href); });
}

function readAddress() {
  const found = tokenInHash(location.hash);
  if (found) {
    history.replaceState(null, "", found.rest);
    void actions.useToken(found.token);
  }
  const before = store.state.route;
  const route = parseRoute(location.hash);
  arrived = whence();
  store.update((s) => { s.route = route; s.announcement = ""; });
  actions.openLink(route);
  if (before.view !== route.view || before.id !== route.id) {
    draw();
    document.querySelector(".item[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    scrollTo({ top: 0 });
    document.querySelector("main h1")?.focus({ preventScroll: true });
  } else if (before.tab !== route.tab) scrollTo({ top: 0 });
}

/** @param {string} form */
function focusError(form) {
  requestAnimationFrame(() => document.querySelector(`form[data-form="${form}"] [aria-invalid="true"]`)?.focus());
}

/** At the bare address the newest network is shown (one in training first), under its own address. */
function leaveHome() {
  const { route, networks } = store.state;
  if (route.view !== "home" || !networks?.length) return;
  const shown = networks.find((n) => n.active_job_id) ?? networks[0];
  history.replaceState(null, "", networkHref(shown.network_id));
  store.state.route = parseRoute(location.hash);
}

/** While the form for a new network is open, its address is the link to the experiment in it. */
function keepLink() {
  const { route } = store.state;
  const href = actions.linkOfForm();
  // The address may be ahead of the route: somebody has just left.
  if (route.view !== "new" || parseRoute(location.hash).view !== "new" || location.hash === href || (href === "#/new" && !Object.keys(route.query).length)) return;
  history.replaceState(null, "", href);
  store.state.route = parseRoute(href);
}

/** How one has come to the present address, until its digit and its neuron are taken: by a link, or back or forward. */
let arrived = whence();

/** Addresses at which one was are marked in the history. @returns {"link"|"history"|""} */
function whence() {
  return history.state?.shown ? "history" : "link";
}

/** The digit and the neuron that are looked at come from the address, and are in it. */
function keepWatched() {
  const { state } = store;
  if (arrived && takeWatched(state, arrived === "history")) arrived = "";
  const href = arrived ? "" : watchedHref(state);
  // The address may be ahead of the route: somebody has just left.
  if (!href || JSON.stringify(parseRoute(location.hash)) !== JSON.stringify(state.route)) return;
  if (location.hash === href && history.state?.shown) return;
  history.replaceState({ shown: true }, "", href);
  state.route = parseRoute(href);
}

let scheduled = false;
function schedule() {
  if (scheduled) return;
  scheduled = true;
  // A hidden tab gets no frames, yet its title goes on saying how far the training is.
  if (document.hidden) setTimeout(draw, 250);
  else requestAnimationFrame(draw);
}

function draw() {
  scheduled = false;
  leaveHome();
  keepWatched();
  const { state } = store;
  keepingFocus(() => render(pageView(state, actions, Date.now()), page));
  document.title = pageTitle(state);
  if (announcer.textContent !== state.announcement) announcer.textContent = state.announcement;
  askForNeeds();
  keepLink();
  watching.follow();
}

page.replaceChildren();
store.subscribe(schedule);
addEventListener("hashchange", readAddress);
addEventListener("online", () => live.retry());
// No event says that someone else deleted a network: whoever comes back to the page sees what is there now.
addEventListener("focus", () => void sync.resync());
document.addEventListener("visibilitychange", () => {
  watching.follow();
  if (!document.hidden) void sync.resync();
});
let ticks = 0;
setInterval(() => {
  ticks += 1;
  const { connection } = store.state;
  const every = sync.waiting() ? PULSES.waiting : PULSES.calm;
  if (!document.hidden && connection === "live" && ticks % every === 0) void sync.pulse();
  const shown = networkById(store.state, store.state.route.id);
  if (shown && connection !== "lost" && isRunning(store.state.jobs[shown.active_job_id])) schedule();
}, TICK_MS);
store.update((s) => { s.route = parseRoute(location.hash); });
actions.openLink(store.state.route);
void sync.resync();
