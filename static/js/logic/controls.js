/**
 * What can be done with a run in its present state: which controls there are, which of them cannot be used now and why,
 * the paces of slow motion, and the settings that may be changed in flight.
 */

import { placeWords } from "./epochs.js";
import { count, isNumber, loss, plain, plural } from "./format.js";
import { isPaused, isUnfinished, pausesByItself } from "./jobs.js";
import { ABOVE_ZERO, BELOW_ONE, decimalNumber, wholeNumber } from "./numbers.js";

/** @typedef {import("./jobs.js").Job} Job */
/** @typedef {{name: "pause"|"resume"|"batch"|"epoch"|"cancel", word: string, hint: string, off: string}} Control `off`: why it cannot be used now; empty when it can */

const HINTS = {
  pause: "Stops computing after the current mini-batch. The run stays where it is until you resume it, also through a restart of the server.",
  resume: "Goes on from here. The result is the same as without the pause.",
  batch: "Trains with the next mini-batch, one step of the weights, and pauses again.",
  epoch: "Trains to the end of this epoch and pauses again.",
  cancel: "Ends this run. The network keeps what its whole epochs taught it.",
};

/** Mini-batches a second to choose from; null: full speed. @type {(number|null)[]} */
export const PACES = [1, 3, 10, 30, 100, null];

/**
 * The controls of a run, in the order in which they stand: always four, so that each stays where it is.
 * @param {Job} job @param {Record<string, boolean>} busy what is being asked of the server @returns {Control[]}
 */
export function controlsOf(job, busy) {
  if (!isUnfinished(job)) return [];
  const asked = (name) => Boolean(busy[`${name}:${job.job_id}`]);
  const stopping = Boolean(job.cancel_requested) || asked("cancel");
  const pausing = Boolean(job.pause_requested) || asked("pause");
  const off = (why) => (stopping ? "The run is being stopped." : why);
  const control = (name, word, why = "") => ({ name, word, hint: HINTS[name], off: name === "cancel" ? (stopping ? "The run is being stopped." : "") : off(why) });
  const stop = control("cancel", stopping ? "Stopping\u2026" : "Stop");
  if (!isPaused(job)) {
    const first = "Pause the run first.";
    return [control("pause", pausing && !stopping ? "Pausing\u2026" : "Pause", pausing ? "The run pauses after its current mini-batch." : ""), control("batch", "One mini-batch", first), control("epoch", "One epoch", first), stop];
  }
  const stepping = asked("batch") || job.pause_requested ? "One mini-batch is being trained." : "";
  const going = asked("resume") || asked("epoch") ? "The run is about to go on." : "";
  return [control("resume", "Resume", stepping || going), control("batch", "One mini-batch", stepping || going), control("epoch", "One epoch", stepping || going), stop];
}

/** Where the run stands, in a sentence. @param {Job} job */
export function standing(job) {
  if (isPaused(job)) {
    return `Paused: ${placeWords(job)}. The worker is free for others.`;
  }
  if (job.state !== "running") return `The run waits. ${pausesByItself(job) ? "It pauses at the end of this epoch. " : ""}Pause takes it out of the queue.`;
  if (job.pause_requested) return "It pauses after the current mini-batch.";
  return `${job.pace ? `In slow motion: ${paceWords(job.pace)}` : "At full speed"}${pausesByItself(job) ? "; pauses at the end of this epoch" : ""}.`;
}

/** For screen readers, after a pause or a step. @param {Job} job */
export function pausedWords(job) {
  return `Paused: ${placeWords(job)}.${isNumber(job.loss_so_far) ? ` Training loss of this epoch so far: ${loss(job.loss_so_far)}.` : ""}`;
}

/** @param {number|null} pace */
export function paceWords(pace) {
  return pace === null ? "full speed" : pace < 1 ? `one mini-batch in ${plain(Number((1 / pace).toPrecision(3)))}\u00a0s` : `${plural(pace, "mini-batch").replace("batchs", "batches")} a second`;
}

/** The choices, with the present pace among them, which may have been set from elsewhere. @param {number|null} pace */
export function pacesWith(pace) {
  return PACES.includes(pace) ? PACES : [...PACES.filter((p) => p !== null && p < pace), pace, ...PACES.filter((p) => p === null || p > pace)];
}

/** What may be changed in flight, and from when on it counts. */
export const SETTINGS = {
  learning_rate: { word: "Learning rate", from: "the next mini-batch on" },
  momentum: { word: "Momentum", from: "the next mini-batch on" },
  mini_batch_size: { word: "Mini-batch size", from: "the next epoch on" },
};

/** The settings that this run has. @param {Job} job @returns {(keyof typeof SETTINGS)[]} */
export function settingsOf(job) {
  return job.optimizer === undefined || job.optimizer === "sgd" ? ["learning_rate", "momentum", "mini_batch_size"] : ["learning_rate", "mini_batch_size"];
}

const CHECKS = {
  learning_rate: (text) => decimalNumber(text, "The learning rate", { ...ABOVE_ZERO, example: "3 or 0.1" }),
  momentum: (text) => decimalNumber(text, "The momentum", { ...BELOW_ONE, example: "0.9" }),
  mini_batch_size: (text) => wholeNumber(text, [1, 50_000], "The mini-batch size"),
};

/**
 * @param {Job} job @param {Record<string, string>} typed only what was typed into
 * @returns {{errors: Record<string, string>, body: Record<string, number>}} the body holds what differs from now
 */
export function checkSettings(job, typed) {
  const errors = {};
  const body = {};
  for (const field of settingsOf(job)) {
    if (typed[field] === undefined) continue;
    const { value, error } = CHECKS[field](typed[field]);
    if (error) errors[field] = error;
    else if (value !== job[field]) body[field] = value;
  }
  return { errors, body: Object.keys(errors).length ? {} : body };
}

/** "Learning rate 0.5 counts from the next mini-batch on." @param {Record<string, number>} body */
export function askedWords(body) {
  return Object.entries(body).map(([field, value]) => `${SETTINGS[field].word} ${count1(field, value)} counts from ${SETTINGS[field].from}.`).join(" ");
}

/**
 * What became of the settings that were asked for here: until they are taken from when on they count, then since when, and
 * nothing once that epoch is over.
 * @param {Job} job @param {{body: Record<string, number>, epoch: number}|undefined} asked with the epochs that were finished then
 */
export function takenWords(job, asked) {
  const words = Object.entries(asked?.body ?? {}).map(([field, value]) => {
    const made = job.changes?.findLast((change) => change[field] !== undefined);
    if (job.pending_changes?.[field] === value) return askedWords({ [field]: value });
    if (made?.[field] === value && made.epoch > asked.epoch) {
      return job.epoch < made.epoch ? `${SETTINGS[field].word} ${count1(field, value)} counts since epoch ${count(made.epoch)}.` : "";
    }
    return job[field] === value && job.epoch <= asked.epoch ? askedWords({ [field]: value }) : "";
  });
  return words.filter(Boolean).join(" ");
}

/** @param {string} field @param {number} value */
function count1(field, value) {
  return field === "mini_batch_size" ? count(value) : plain(value);
}

const TRAINING_IMAGES = 50_000;

/**
 * The changes of a run as marks on a curve over epochs: a point of the curve at epoch n is the end of epoch n.
 * @param {import("./history.js").Change[]} changes in their order
 * @param {Job} job
 * @returns {{x: number, where: string, what: string, sentence: string}[]} "in epoch 4", "learning rate from 3 to 0.5", both
 */
export function marksOf(changes, job) {
  // The size of the mini-batches in which each epoch is counted: going back from the last one.
  let size = job.mini_batch_size;
  const marks = [];
  for (const { epoch, batch, changes: made } of changes.toReversed()) {
    if (made.mini_batch_size) size = made.mini_batch_size.from;
    const part = batch / Math.ceil(TRAINING_IMAGES / (size || 1));
    const where = `in epoch ${count(epoch)}`;
    const what = Object.entries(made).map(([name, { from, to }]) => `${SETTINGS[name]?.word.toLowerCase() ?? name} from ${count1(name, from)} to ${count1(name, to)}`).join(", ");
    marks.unshift({ x: epoch - 1 + Math.min(1, part || 0), where, what, sentence: `${where} ${what}` });
  }
  return marks;
}

/** For the summary of a curve; empty where nothing was changed. @param {{sentence: string}[]} marks */
export function marksSummary(marks) {
  if (!marks.length) return "";
  const told = marks.slice(-5).map((mark) => mark.sentence).join("; ");
  return ` ${marks.length > 5 ? "The last changes" : "Changed"} on the way: ${told}.`;
}
