/**
 * How a network is trained beyond epochs, mini-batch and learning rate: the optimizer, the schedule of the rate, and
 * what is done against learning by heart. All values are text, as the form holds them; a box that is ticked is "true".
 * What does not apply (momentum with Adam, say) is neither shown, checked nor sent.
 */

import { isNumber, plain, typed } from "./format.js";
import { ABOVE_ZERO, BELOW_ONE, FROM_ZERO, SHARE, decimalNumber, wholeNumber } from "./numbers.js";

export const OPTIMIZERS = [["sgd", "Gradient descent (SGD)"], ["adam", "Adam"], ["adamw", "AdamW"]];
export const SCHEDULES = [["constant", "Constant"], ["step", "Steps down"], ["cosine", "Cosine, down to 0"], ["one_cycle", "One cycle, up and down"]];
export const AUGMENTATIONS = [["shift", "Shift"], ["rotate", "Rotate"], ["elastic", "Elastic"]];

/** What the settings are when nobody chooses them; the same as on the server. @type {Record<string, string>} */
export const RECIPE = {
  optimizer: "sgd",
  momentum: "0",
  nesterov: "",
  schedule: "constant",
  step_every: "10",
  step_factor: "0.1",
  warm_up: "0",
  weight_decay: "0",
  clip_norm: "",
  label_smoothing: "0",
  augment: "",
  shuffle: "true",
};

const STEPS = [1, 10_000];

/** Whether a setting means something beside the others. @param {string} field @param {Record<string, string>} values */
export function applies(field, values) {
  if (field === "momentum" || field === "nesterov") return values.optimizer === "sgd";
  if (field === "step_every" || field === "step_factor") return values.schedule === "step";
  return field !== "warm_up" || values.schedule !== "one_cycle";
}

const CHECKS = {
  momentum: (text) => decimalNumber(text, "The momentum", { ...BELOW_ONE, example: "0.9" }),
  step_every: (text) => wholeNumber(text, STEPS, "The number of epochs"),
  step_factor: (text) => decimalNumber(text, "The factor", { ...SHARE, example: "0.1" }),
  warm_up: (text) => decimalNumber(text, "The warm-up", { ...FROM_ZERO, example: "0 or 2" }),
  weight_decay: (text) => decimalNumber(text, "The weight decay", { ...FROM_ZERO, example: "0 or 0.0001" }),
  clip_norm: (text) => (text.trim() === "" ? { value: null, error: "" } : decimalNumber(text, "The longest gradient", { ...ABOVE_ZERO, example: "1" })),
  label_smoothing: (text) => decimalNumber(text, "The smoothing", { ...BELOW_ONE, example: "0 or 0.1" }),
};

/**
 * @param {Record<string, string>} form settings that are missing are as in RECIPE
 * @param {number|null} epochs of the run, where they are known
 * @returns {{errors: Record<string, string>, body: Record<string, unknown>}} the body holds what differs from RECIPE
 */
export function checkRecipe(form, epochs) {
  const values = recipeOf(form);
  const errors = {};
  const body = {};
  for (const field of Object.keys(RECIPE)) {
    if (!applies(field, values)) continue;
    const { value, error } = CHECKS[field]?.(values[field]) ?? { value: asSent(field, values[field]), error: "" };
    if (error) errors[field] = error;
    else if (!same(field, value)) body[field] = value;
  }
  if (values.nesterov && applies("nesterov", values) && !body.momentum) errors.momentum ??= "Nesterov's form needs a momentum above 0, such as 0.9.";
  if (isNumber(body.warm_up) && epochs !== null && body.warm_up >= epochs) errors.warm_up = "The warm-up must be shorter than the training.";
  return { errors, body: Object.keys(errors).length ? {} : body };
}

/** @param {Record<string, string>} form */
export function recipeOf(form) {
  return Object.fromEntries(Object.keys(RECIPE).map((field) => [field, form[field] ?? RECIPE[field]]));
}

/** @param {string} field @param {string} text */
function asSent(field, text) {
  if (field === "augment") return text.split(" ").filter(Boolean);
  return field === "nesterov" || field === "shuffle" ? text === "true" : text;
}

/** Whether a value is what the server takes by itself. @param {string} field @param {unknown} value */
function same(field, value) {
  return recipeText(value) === RECIPE[field];
}

/** A setting of a record as the form holds it. @param {unknown} value */
export function recipeText(value) {
  if (Array.isArray(value)) return value.join(" ");
  if (typeof value === "boolean") return value ? "true" : "";
  if (isNumber(value)) return typed(value);
  return typeof value === "string" ? value : "";
}

/** The recipe of a run, as the form holds it. @param {Record<string, any>} job */
export function recipeOfJob(job) {
  return Object.fromEntries(Object.entries(RECIPE).map(([field, usual]) => [field, job[field] === undefined ? usual : recipeText(job[field])]));
}

/**
 * A learning rate for this recipe. Adam divides each gradient by its own size, so its rate does not depend on the
 * network; momentum m adds up about 1 / (1 - m) steps, so each has to be that much shorter.
 * @param {number} plainRate for plain gradient descent @param {Record<string, any>} recipe of a form or a record
 */
export function rateFor(plainRate, recipe) {
  if (recipe.optimizer === "adam" || recipe.optimizer === "adamw") return 0.001;
  const momentum = Number(recipe.momentum ?? 0);
  return momentum > 0 && momentum < 1 ? Number((plainRate * (1 - momentum)).toPrecision(2)) : plainRate;
}

/** What a recipe has beyond the plain one, in words: "Adam, cosine"; empty for the plain one. @param {Record<string, any>} job */
export function recipeWords(job) {
  const values = recipeOfJob(job);
  const words = [];
  const name = (choices, key) => choices.find(([value]) => value === key)?.[1] ?? key;
  if (values.optimizer !== RECIPE.optimizer) words.push(name(OPTIMIZERS, values.optimizer));
  for (const [field, text] of [["momentum", "momentum"], ["weight_decay", "weight decay"], ["clip_norm", "gradients up to"], ["label_smoothing", "smoothing"], ["warm_up", "warm-up"]]) {
    if (values[field] !== RECIPE[field] && applies(field, values)) words.push(`${text} ${plain(Number(values[field]))}`);
  }
  if (values.nesterov && applies("nesterov", values)) words.push("Nesterov");
  if (values.schedule !== RECIPE.schedule) words.push({ step: "rate in steps", cosine: "rate by cosine", one_cycle: "rate in one cycle" }[values.schedule] ?? values.schedule);
  if (values.augment) words.push(`pictures changed (${values.augment.replaceAll(" ", ", ")})`);
  if (!values.shuffle) words.push("not shuffled");
  return words.join(", ");
}
