/**
 * Which network is watched, and the frames that come of it. A network in training is watched over the socket while its
 * view is open and somebody can see it; of one that rests, a single frame is read. Frames do not go through the page's
 * state: they come many times a second, and only the panels that draw them are told.
 */

import { readFrame } from "./logic/frames.js";
import { isUnfinished } from "./logic/jobs.js";
import { networkHref, withQuery } from "./logic/routes.js";
import { LAST_DIGIT, WATCHED_TABS, digitIn, neuronIn, watchedQuery } from "./logic/watched.js";
import { networkById } from "./store.js";

/** Frames a second that are asked for. */
export const RATE = 10;
const TRY_AGAIN_MS = 3_000;
/** The exact weights of a neuron under the pointer are asked for when the pointer has rested on it for so long. */
const RESTED_MS = 200;
/** Points of the curves of gradient norms. */
const MOST_NORMS = 600;

/**
 * @typedef {{latest: import("./logic/frames.js").Frame|null, live: boolean, norms: {step: number, values: (number|null)[]}[],
 *   subscribe: (listener: (frame: import("./logic/frames.js").Frame) => void) => () => void}} Feed
 */

/** Frames of one network, handed to whoever draws them. */
export function createFeed() {
  const listeners = new Set();
  return {
    latest: null,
    /** whether more are coming */
    live: false,
    /** gradient norms of every layer over the steps of the run */
    norms: [],
    run: "",
    /** @param {import("./logic/frames.js").Frame} frame */
    put(frame) {
      const { job_id: run, step, layers } = frame.header;
      if (run && run !== this.run) [this.run, this.norms] = [run, []];
      const values = layers.map((layer) => layer.gradient_norm);
      const last = this.norms[this.norms.length - 1];
      if (run && values.some((value) => value != null) && !(last && step <= last.step)) this.norms.push({ step, values });
      // Every other point, so that the whole run stays in view.
      if (this.norms.length > MOST_NORMS) this.norms = this.norms.filter((_, i) => i % 2 === 0);
      this.latest = frame;
      for (const listener of listeners) listener(frame);
    },
    /** @param {(frame: import("./logic/frames.js").Frame) => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      if (this.latest) listener(this.latest);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * What should be watched now, or read once; null for nothing.
 * @param {import("./store.js").State} state @param {boolean} hidden whether nobody can see the page
 */
export function wanted(state, hidden) {
  const { route } = state;
  const network = route.view === "network" && WATCHED_TABS.includes(route.tab) ? networkById(state, route.id) : null;
  if (!network || hidden || state.needsToken || state.connection === "lost") return null;
  const job = state.jobs[network.active_job_id];
  const inTraining = isUnfinished(job) && state.connection === "live";
  if (state.busy.delete && !isUnfinished(job)) return null; // what goes is not read any more
  const { example, pins, looked } = state.watching;
  const chosen = route.tab === "learn" && looked?.networkId === network.network_id ? looked : pins[network.network_id];
  return {
    networkId: network.network_id,
    jobId: inTraining ? job.job_id : "",
    // What rests is read anew when its weights have changed; without a socket, when an epoch has passed.
    moment: inTraining ? "" : `${network.trained_at ?? ""}:${job?.epoch ?? ""}:${job?.state ?? ""}`,
    example,
    ...(chosen ? { layer: chosen.layer, neuron: chosen.neuron } : {}),
  };
}

/**
 * The address of what is looked at, with the digit and the neuron in it; empty for a view that shows neither.
 * @param {import("./store.js").State} state @returns {string}
 */
export function watchedHref({ route, watching }) {
  if (route.view !== "network" || !WATCHED_TABS.includes(route.tab)) return "";
  return withQuery(networkHref(route.id, route.tab), { ...route.query, ...watchedQuery(watching.example, watching.pins[route.id]) });
}

/**
 * Takes the digit and the neuron from the address, once its network is known.
 * @param {import("./store.js").State} state it is changed
 * @param {boolean} again whether one was here before: then what the address leaves out is as at first. A link that leaves it
 *   out lets it be.
 * @returns {boolean} whether the network is known, or there is nothing to take
 */
export function takeWatched(state, again) {
  const { route, watching } = state;
  if (route.view === "home" || (route.view === "network" && state.networks === null)) return false;
  const network = WATCHED_TABS.includes(route.tab) ? networkById(state, route.id) : null;
  if (!network) return true;
  watching.example = digitIn(route.query) ?? (again ? 0 : watching.example);
  const pin = neuronIn(route.query, network.architecture);
  if (pin || again) watching.pins[network.network_id] = pin;
  return true;
}

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {Pick<typeof import("./api.js").api, "frame">} parts.api
 * @param {(event: string, data: Record<string, any>) => Promise<any>} parts.send by the socket, acknowledged
 * @param {() => boolean} [parts.isHidden]
 * @param {(work: () => void, ms: number) => void} [parts.later]
 */
export function createWatching({ store, api, send, isHidden = () => document.hidden, later = setTimeout }) {
  const { state, update } = store;
  /** @type {Map<string, ReturnType<typeof createFeed>>} */
  const feeds = new Map();
  let current = "";
  let watched = "";
  let reading = new AbortController();
  let hovers = 0;

  /** @param {string} networkId */
  function feed(networkId) {
    if (!feeds.has(networkId)) feeds.set(networkId, createFeed());
    return feeds.get(networkId);
  }

  /** @param {string} problem */
  function complain(problem) {
    if (state.watching.problem !== problem) update((s) => { s.watching.problem = problem; });
  }

  /** @param {NonNullable<ReturnType<typeof wanted>>} wish @param {string} key */
  async function watch({ networkId, jobId, example, layer, neuron }, key) {
    watched = jobId;
    const answer = await send("watch", { job_id: jobId, rate: RATE, example, ...(layer ? { layer, neuron } : {}) });
    if (key !== current) return;
    if (!answer?.code) {
      feed(networkId).live = true;
      return complain("");
    }
    // It has just ended: what follows from that is on its way.
    if (answer.code !== "job_ended" && answer.code !== "unknown_job") complain(answer.error);
    tryAgain(key);
  }

  /** @param {NonNullable<ReturnType<typeof wanted>>} wish */
  async function read({ networkId, example, layer, neuron }) {
    feed(networkId).live = false;
    reading = new AbortController();
    feed(networkId).put(await api.frame(networkId, { example, layer, neuron }, reading.signal));
    complain("");
  }

  /** @param {string} key */
  function tryAgain(key) {
    later(() => {
      if (key !== current) return;
      current = "";
      follow();
    }, TRY_AGAIN_MS);
  }

  /** Looks what should be watched, after every render, and sees to it. */
  function follow() {
    const wish = wanted(state, isHidden());
    const key = wish ? JSON.stringify(wish) : "";
    if (key === current) return;
    current = key;
    reading.abort();
    if (watched && watched !== wish?.jobId) {
      void send("unwatch", { job_id: watched }).catch(() => {});
      watched = "";
    }
    if (!wish) return;
    (wish.jobId ? watch(wish, key) : read(wish)).catch((error) => {
      if (key !== current) return;
      complain(error.message);
      tryAgain(key);
    });
  }

  return {
    feed,
    follow,
    /** The connection is a new one: the server has forgotten who watched. */
    forget() {
      current = watched = "";
      follow();
    },
    /** A frame from the socket. @param {Record<string, any>} header @param {ArrayBuffer} payload */
    take(header, payload) {
      feed(header.network_id).put(readFrame(header, payload));
    },
    /** @param {number} example place in the test set */
    showExample(example) {
      update((s) => { s.watching.example = Math.max(0, Math.min(LAST_DIGIT, Math.trunc(example) || 0)); });
    },
    /** @param {string} networkId @param {{layer: number, neuron: number}|null} choice */
    pin(networkId, choice) {
      update((s) => { s.watching.pins[networkId] = choice; });
    },
    /** @param {string} networkId @param {{layer: number, neuron: number}|null} choice the neuron under the pointer */
    hover(networkId, choice) {
      update((s) => { s.watching.hovered = choice ? { networkId, ...choice } : null; });
      const now = (hovers += 1);
      later(() => {
        const { hovered, looked } = state.watching;
        if (now === hovers && hovered !== looked) update((s) => { s.watching.looked = hovered; });
      }, RESTED_MS);
    },
  };
}
