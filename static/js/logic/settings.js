/**
 * The settings of a run, those of its network among them: what each is called, how its value reads, what became of it on
 * the way, and which of them differ between runs.
 */

import { NO_VALUE, count, isNumber, plain, plural } from "./format.js";
import { ACTIVATION_NAMES } from "./learning.js";

const LOSSES = { quadratic: "quadratic cost", cross_entropy: "cross-entropy" };
const OPTIMIZERS = { sgd: "SGD", adam: "Adam", adamw: "AdamW" };
const CHANGED = { learning_rate: "learning rate", momentum: "momentum", mini_batch_size: "mini-batch size" };

const named = (names) => (value) => names[value] ?? String(value ?? NO_VALUE).replaceAll("_", " ");
const layers = (sizes) => (Array.isArray(sizes) ? sizes.join("-") : NO_VALUE);
const list = (words) => (Array.isArray(words) && words.length ? words.join(", ") : "none");
const yes = (on) => (on ? "yes" : "no");
const notStep = ({ schedule }) => schedule !== "step";
const off = (value) => (isNumber(value) && value > 0 ? plain(value) : "off");

/** @typedef {{key: string, of: "network"|"job", name: string, words: (value: any) => string, field?: string, idle?: (settings: any) => boolean}} Setting
 *   `field`: in the record, where it is not `key`; `idle`: whether it does nothing beside the others */

/** @type {Setting[]} */
export const SETTINGS = [
  { key: "architecture", of: "network", name: "Layers", words: layers },
  { key: "activation", of: "network", name: "Activation", words: named(ACTIVATION_NAMES) },
  { key: "loss", of: "network", name: "Loss", words: named(LOSSES) },
  { key: "initializer", of: "network", name: "Initializer", words: named({ he: "He", xavier: "Xavier", xavier_uniform: "Xavier, uniform" }) },
  { key: "dropout", of: "network", name: "Dropout", words: off },
  { key: "network_seed", of: "network", field: "seed", name: "Seed of the first weights", words: plain },
  { key: "began_with", of: "job", name: "Began with", words: beginWords, idle: ({ began_with: before }) => before === "first" },
  { key: "epochs", of: "job", field: "total_epochs", name: "Epochs", words: count },
  { key: "mini_batch_size", of: "job", name: "Mini-batch size", words: count },
  { key: "learning_rate", of: "job", name: "Learning rate", words: plain },
  { key: "optimizer", of: "job", name: "Optimizer", words: named(OPTIMIZERS) },
  { key: "momentum", of: "job", name: "Momentum", words: off },
  { key: "nesterov", of: "job", name: "Nesterov", words: yes },
  { key: "weight_decay", of: "job", name: "Weight decay", words: off },
  { key: "schedule", of: "job", name: "Schedule of the rate", words: named({}) },
  { key: "step_every", of: "job", name: "Steps of the schedule, epochs", words: plain, idle: notStep },
  { key: "step_factor", of: "job", name: "Factor of each step", words: plain, idle: notStep },
  { key: "warm_up", of: "job", name: "Warm-up, epochs", words: off },
  { key: "clip_norm", of: "job", name: "Gradients clipped at", words: off },
  { key: "label_smoothing", of: "job", name: "Label smoothing", words: off },
  { key: "augment", of: "job", name: "Augmentation", words: list },
  { key: "shuffle", of: "job", name: "Shuffled each epoch", words: yes },
  { key: "seed", of: "job", name: "Seed of the run", words: plain },
  { key: "changes", of: "job", name: "Changed on the way", words: changesWords },
];

/**
 * With which weights a run began: the first ones, those of a file, or those that an earlier run of its network had left.
 * @typedef {"first"|"imported"|{job_id: string, run: number|null, epochs: number}} Began
 * @param {Began} began
 */
function beginWords(began) {
  if (began === "first") return "first weights";
  if (began === "imported") return "weights of the file that was imported";
  return `went on from ${began.run ? `run ${count(began.run)}` : "an earlier run"} (${plural(began.epochs, "epoch")})`;
}

/** The record with the settings that the run began with; its own are those of now, and those that were asked for. @param {Record<string, any>} job */
export function asBegun(job) {
  return { ...job, ...job.initial_settings };
}

/**
 * The settings that a run began with by key, and its changes, as in the records; what is not known is left out, such as all of a deleted network.
 * @param {Record<string, any>} job @param {Record<string, any>|null} network @returns {Record<string, any>}
 */
export function settingsOf(job, network) {
  const records = { job: asBegun(job), network: network ?? {} };
  const found = SETTINGS.map(({ key, of, field = key }) => [key, records[of][field]]);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** What a value reads as. @param {Setting} setting @param {any} value */
export function settingWords(setting, value) {
  return value === undefined ? NO_VALUE : setting.words(value);
}

/** @param {Record<string, any>[]} changes made while it trained */
function changesWords(changes) {
  if (!Array.isArray(changes) || !changes.length) return "nothing";
  return changes
    .map((change) => {
      const what = Object.entries(CHANGED).flatMap(([key, name]) => (isNumber(change[key]) ? [`${name} ${plain(change[key])}`] : []));
      return `${isNumber(change.epoch) ? `epoch ${count(change.epoch)}: ` : ""}${what.join(", ")}`;
    })
    .join("; ");
}

/**
 * "3 \u2192 0.5 in epoch 4": what a run began with and what came of it, in `courseWords` as one text.
 * @param {Setting} setting @param {Record<string, any>} settings of a run
 * @param {"short"|"whole"|"exact"} how "short" leaves out what is between the first and the last; "exact" names the mini-batch
 * @returns {string[]} the first value, and one text for each change
 */
export function courseOf(setting, settings, how = "whole") {
  const first = settingWords(setting, settings[setting.key]);
  const changes = (settings.changes ?? []).filter((change) => isNumber(change[setting.key]));
  const steps = changes.map((change) => `${setting.words(change[setting.key])} in epoch ${count(change.epoch)}${how === "exact" ? `, mini-batch ${count(change.batch + 1)}` : ""}`);
  if (how === "short" && steps.length > 1) steps.splice(0, steps.length - 1, "\u2026");
  return [first, ...steps];
}

/** @type {(...of: Parameters<typeof courseOf>) => string} */
export const courseWords = (...of) => courseOf(...of).join(" \u2192 ");

/**
 * The settings in which runs differ, with the words of each run: what it began with and what was changed on the way.
 * @param {Record<string, any>[]} runs their settings @returns {{key: string, name: string, words: string[]}[]}
 */
export function differing(runs) {
  const differ = (values) => values.some((value) => value !== values[0]);
  return SETTINGS.filter(({ key }) => key !== "changes").flatMap((setting) => {
    const words = (how) => runs.map((settings) => courseWords(setting, settings, how));
    const values = runs.map((settings) => JSON.stringify(settings[setting.key]));
    if (!differ(values) && !differ(words("exact"))) return [];
    return [{ key: setting.key, name: setting.name, words: words(differ(values) || differ(words("whole")) ? "whole" : "exact") }];
  });
}
