/**
 * An experiment as a link: what decides its result (architecture, recipe, seeds) as the query of `#/new`. A link is
 * read with care: what it does not know or may not be is left out, with a sentence that says so.
 */

import { count, typed } from "./format.js";
import { checkNetwork, checkTraining, defaultLoss, effectiveRate, emptyCreateForm, likeForm } from "./forms.js";
import { AUGMENTATIONS, OPTIMIZERS, SCHEDULES } from "./recipe.js";
import { withQuery } from "./routes.js";
import { asBegun } from "./settings.js";

export const ACTIVATIONS = [["sigmoid", "Sigmoid"], ["tanh", "Tanh"], ["relu", "ReLU"], ["leaky_relu", "Leaky ReLU"]];
export const LOSSES = [["quadratic", "Quadratic cost"], ["cross_entropy", "Cross-entropy (softmax)"]];
export const INITIALIZERS = [["", "By activation"], ["xavier", "Xavier"], ["xavier_uniform", "Xavier, uniform"], ["he", "He"], ["normal", "Normal"], ["zeros", "Zeros"]];

const CHOICES = { activation: ACTIVATIONS, loss: LOSSES, initializer: INITIALIZERS, optimizer: OPTIMIZERS, schedule: SCHEDULES };
const BOXES = ["nesterov", "shuffle"];
/** What every link says, though it may be as usual: who reads it sees what it is about. */
const ALWAYS = ["hidden", "activation", "epochs", "mini_batch_size", "learning_rate"];
const LONGEST_SHOWN = 40;

/** Where the form is filled with these values. @param {Record<string, string|null>} values of the form @returns {string} */
export function experimentHref(values) {
  const usual = emptyCreateForm();
  const query = {};
  for (const field of Object.keys(usual)) {
    const value = field === "learning_rate" ? effectiveRate(values) : values[field] ?? "";
    if (ALWAYS.includes(field) || value !== usual[field]) query[field] = shown(field, value);
  }
  // The loss follows the activation unless it is named.
  if (query.loss === defaultLoss(values.activation)) delete query.loss;
  return withQuery("#/new", query);
}

/** "128, 64" -> "128-64"; a box that is not ticked has to be told from one that is not named. @param {string} field @param {string} value */
function shown(field, value) {
  if (field === "hidden") return value.trim() === "" ? "none" : value.trim().split(/[\s,;\u00d7x\u2013-]+/).join("-");
  if (BOXES.includes(field)) return value === "true" ? "true" : "false";
  return field === "augment" ? value.replaceAll(" ", "-") : value.trim();
}

/**
 * @param {Record<string, string>} query of an address
 * @returns {{values: Record<string, string|null>, ignored: string[]}} the form as the link wants it; a sentence for each
 *   part of the link that was left out
 */
export function formFromQuery(query) {
  const values = emptyCreateForm();
  const given = new Set();
  const ignored = [];
  for (const [field, text] of Object.entries(query)) {
    if (!Object.hasOwn(values, field)) {
      ignored.push(`The link's "${cut(field)}" is no setting of an experiment and was left out.`);
      continue;
    }
    const value = read(field, text);
    if (value === null) ignored.push(`The link's ${field} "${cut(text)}" is not one of ${allowed(field)} and was left out.`);
    else {
      values[field] = value;
      given.add(field);
    }
  }
  // A value may be wrong by itself or beside another one, so that leaving one out can mend two.
  for (;;) {
    const errors = { ...checkNetwork(values).errors, ...checkTraining({ ...values, learning_rate: effectiveRate(values) }).errors };
    const wrong = Object.keys(errors).find((field) => given.has(field));
    if (!wrong) return { values, ignored };
    ignored.push(`The link's ${wrong} "${cut(query[wrong])}" was left out: ${errors[wrong]}`);
    values[wrong] = emptyCreateForm()[wrong];
    given.delete(wrong);
  }
}

/** @param {string} field @param {string} text @returns {string|null} as the form holds it; null: not among the choices */
function read(field, text) {
  const typed = text.trim();
  if (field in CHOICES) return CHOICES[field].some(([key]) => key === typed) ? typed : null;
  if (BOXES.includes(field)) return { true: "true", "1": "true", false: "", "0": "" }[typed] ?? null;
  if (field === "hidden") return typed === "none" ? "" : typed.replaceAll("-", ", ");
  if (field !== "augment") return typed;
  const kinds = typed.split(/[\s,+-]+/).filter(Boolean);
  return kinds.every((kind) => AUGMENTATIONS.some(([key]) => key === kind)) ? kinds.join(" ") : null;
}

/** @param {string} field */
function allowed(field) {
  if (BOXES.includes(field)) return "true and false";
  const keys = (field === "augment" ? AUGMENTATIONS : CHOICES[field]).map(([key]) => key).filter(Boolean);
  return `${keys.slice(0, -1).join(", ")} and ${keys.at(-1)}`;
}

/** @param {string} text */
function cut(text) {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}\u2026` : text;
}

/** Whether settings were changed on the way, or others asked for, so that those of the record are not those it began with. @param {Record<string, any>} job */
export function wasChanged(job) {
  return Boolean(job.changes?.length || Object.keys(job.pending_changes ?? {}).length);
}

/** What the form says of the start that it was filled with. @param {Record<string, any>} network @param {boolean} changed whether the run's settings were changed on the way */
export function startNote(network, changed) {
  const settings = changed ? "the settings that run began with, without those changed on the way" : "the same settings";
  return `This is the start of \u201c${network.name || network.architecture.join("-")}\u201d: the same first weights, the same order of the images, ${settings}. Change one thing, and what comes out differently comes from that.`;
}

/**
 * The form for the same start: the same first weights, the same order of the images, the settings that the run began with.
 * @param {Record<string, any>} network @param {Record<string, any>} job
 */
export function sameStart(network, job) {
  return { ...likeForm(network, asBegun(job)), seed: typed(network.seed), training_seed: typed(job.seed) };
}

/** Whether a network like this one can be made by its settings: an imported one began elsewhere. @param {Record<string, any>} network */
export function canStartAgain(network) {
  return INITIALIZERS.some(([key]) => key === network.initializer) && Number.isSafeInteger(network.seed);
}

const SETTING_WORDS = {
  learning_rate: "rate", mini_batch_size: "batch", epochs: "epochs", momentum: "momentum", activation: "activation",
  initializer: "initializer", shuffle: "shuffled", dropout: "dropout", augment: "pictures", weight_decay: "decay", optimizer: "optimizer",
};

/** "rate 0.1, shuffled": what is changed, for the name of the new network. @param {Record<string, string>} changes by field, as the form holds them */
export function changeWords(changes) {
  return Object.entries(changes).map(([field, value]) => {
    const word = SETTING_WORDS[field] ?? field;
    if (BOXES.includes(field)) return value ? word : `not ${word}`;
    return `${word} ${field === "mini_batch_size" ? count(Number(value)) : value || "as usual"}`;
  }).join(", ");
}

/** The name of a network that is made after another one, short enough to be one. @param {Record<string, any>} network @param {string} words */
export function nameAfter(network, words) {
  const tail = `, ${words}`;
  const base = [...(network.name || network.architecture.join("-"))];
  const room = 100 - [...tail].length;
  return `${base.length > room ? `${base.slice(0, room - 1).join("")}\u2026` : base.join("")}${tail}`;
}
