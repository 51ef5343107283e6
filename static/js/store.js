/**
 * The page's whole state, in one object, and the one way to change it: `update`. Views are given the state and
 * draw it; they keep nothing. Records of networks and jobs have the fields of the API.
 */

import { ROWS } from "./logic/compare.js";
import { emptyCreateForm } from "./logic/forms.js";
import { emptySheet } from "./logic/strokes.js";
import { freeTurns } from "./logic/turns.js";

/**
 * @typedef {{status: "idle"|"loading"|"ready"|"error", data: Record<string, any>|null, error: string, unheard?: boolean}} Example `unheard`: no answer came, so it is asked again
 * @typedef {{turns: import("./logic/turns.js").Turns, data: Record<string, any>|null, error: string}} Reading
 * @typedef {{label: number, index: number, pixels: number[], url: string}} Sample
 * @typedef {{status: "loading"|"ready"|"error", samples: Sample[], predictions: Record<string, any>[], error: string}} Gallery
 * @typedef {{key: string, status: "loading"|"ready"|"error", list: Record<string, any>[], total: number, error: string, unheard: boolean}} Answers `key`: of what was chosen
 * @typedef {"connecting"|"live"|"polling"|"lost"} Connection
 */

/** The state as the page begins. */
export function initialState() {
  return {
    /** @type {import("./logic/routes.js").Route} */
    route: { view: "home", id: "", tab: "", run: "", query: {} },
    /** @type {"light"|"dark"} */
    theme: "light",
    /** @type {Connection} live: by socket; polling: by asking every few seconds; lost: the server does not answer */
    connection: "connecting",
    /** ms since 1970 of the last answer, for "what you see is from ..." */
    lastHeard: 0,
    /** the server refused: it wants a (new) token */
    needsToken: false,
    tokenRefused: false,
    /** @type {Record<string, any>|null} the answer of /api/status */
    server: null,
    /** @type {Record<string, any>[]|null} newest first; null until they were read */
    networks: null,
    /** @type {Record<string, Record<string, any>>} job records by id, with `received` in ms */
    jobs: {},
    /** @type {Record<string, import("./logic/history.js").History>} by job id */
    histories: {},
    /** @type {Record<string, boolean>} network ids whose list of runs was read */
    runsRead: {},
    /** @type {Record<string, {right: Example, wrong: Example}>} by network id */
    examples: {},
    /** @type {Record<string, Example>} what a network makes of the whole test set, by network id */
    evaluations: {},
    /** @type {Record<string, Answers>} the pictures that are looked at beside it, by network id */
    answers: {},
    /** @type {[number, number]|null} the cell of the confusion matrix in which the keyboard was last */
    matrixCell: null,
    /** The list of all runs: how many of them were read, how many there are, how many rows are shown. */
    comparing: { /** @type {"idle"|"loading"|"ready"|"error"} */ status: "idle", read: 0, total: 0, rows: ROWS, error: "", unheard: false },
    /** What lies on the pad, the same for every network. A version for each change; `since`: that of the last empty sheet. */
    drawing: { sheet: emptySheet(), version: 0, since: 0, problem: "" },
    /** @type {Record<string, Reading>} what a network makes of the drawing, by network id */
    readings: {},
    /** @type {Record<string, Gallery>} by network id */
    galleries: {},
    /** What is looked at in the drawing of a network: a digit of the test set; by network id, the neuron that is kept. */
    watching: {
      example: 0,
      /** @type {Record<string, {layer: number, neuron: number}|null>} */ pins: {},
      /** @type {{networkId: string, layer: number, neuron: number}|null} */ hovered: null,
      /** where the pointer has rested: @type {{networkId: string, layer: number, neuron: number}|null} */ looked: null,
      problem: "",
    },
    /** @type {Record<string, Example>} the next step of a paused run, by network id */
    explanations: {},
    /** @type {Record<string, {image: number, layer: number, input: number|null}>} of which image and weight every number is shown, by network id */
    explaining: {},
    /** @type {Record<string, Example>} by network id */
    checks: {},
    /** @type {{name: string, share: number}|null} the model that is being imported; how much of it is sent, 0 to 1 */
    importing: null,
    forms: {
      create: emptyForm(emptyCreateForm()),
      /** @type {Record<string, ReturnType<typeof emptyForm>>} by network id */
      train: {},
    },
    /** What is typed into the controls of an unfinished run, by job id. @type {Record<string, {values: Record<string, string>, errors: Record<string, string>, problem: string, said: string, asked?: {body: Record<string, number>, epoch: number}, pace?: number|null}>} */
    controls: {},
    /** @type {Record<string, boolean>} what is being asked of the server now, such as "create" or "cancel:<id>" */
    busy: {},
    /** @type {{kind: "delete", id: string}|{kind: "delete-all"}|{kind: "delete-chosen", ids: string[]}|null} */
    dialog: null,
    /** @type {{kind: "info"|"error", text: string}|null} */
    notice: null,
    /** the sentence for screen readers */
    announcement: "",
  };
}

/** @param {Record<string, string>} values */
export function emptyForm(values) {
  return { values, edited: false, touched: {}, errors: {}, problem: "", advanced: false, advancedTraining: false, note: "", /** @type {string[]} */ ignored: [] };
}

/** @returns {{right: Example, wrong: Example}} */
export function emptyExamples() {
  const empty = () => ({ status: "idle", data: null, error: "" });
  return { right: empty(), wrong: empty() };
}

/** @returns {Reading} */
export function emptyReading() {
  return { turns: freeTurns(), data: null, error: "" };
}

/** @typedef {ReturnType<typeof initialState>} State */

/** A store around a state; the page has one, every test its own. */
export function createStore() {
  const state = initialState();
  const listeners = new Set();
  return {
    state,
    /** @param {(state: State) => void} change */
    update(change) {
      change(state);
      for (const listener of listeners) listener(state);
    },
    /** @param {(state: State) => void} listener @returns {() => void} ends it */
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */

/** @param {State} state @param {string} id */
export function networkById(state, id) {
  return state.networks?.find((network) => network.network_id === id) ?? null;
}

/**
 * The unfinished job of a network as it is shown: one that makes a single step stays paused to the eye, since buttons
 * that come and go cannot be pressed.
 * @param {State} state @param {Record<string, any>|null|undefined} job
 */
export function shownJob(state, job) {
  return job?.state === "running" && state.busy[`batch:${job.job_id}`] ? { ...job, state: "paused" } : job;
}

/** Whether the server does not answer, so that nothing that is shown of a run may hold any more. @param {State} state */
export function isLost(state) {
  return state.connection === "lost";
}

/** Until when the time of a run is counted: now, or the last sign of life. @param {State} state @param {number} now ms */
export function countedUntil(state, now) {
  return isLost(state) ? Math.min(now, state.lastHeard) : now;
}

/** The runs of a network, newest first. @param {State} state @param {string} networkId */
export function runsOf(state, networkId) {
  return Object.values(state.jobs)
    .filter((job) => job.network_id === networkId)
    .sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0));
}
