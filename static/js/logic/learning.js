/**
 * Whether a run learns, judged by its epochs: accuracy that stays at chance, or a loss that hardly falls. What is
 * said is a guess by the settings, and the words say so.
 */

import { count, isNumber, percent, plain } from "./format.js";
import { suggestedRate, widthWords } from "./forms.js";

/** One digit in ten is right by chance; so is a little more, where a network answers always the same. */
export const CHANCE = 0.15;
/** What a deep network whose first layers hardly learn comes to, now and then, by answering two digits instead of one. */
const NEAR_CHANCE = 0.25;
/** Below this a run whose loss hardly falls is called slow. */
const LOW = 0.5;
/** A loss that lost less than this share of itself hardly fell. */
const HARDLY = 0.2;
/** So many times smaller than the suggested rate is suspiciously small. */
export const FAR_BELOW = 10;
/** Fewer steps than this teach little at any rate. */
const FEW_STEPS = 200;
const TRAINING_IMAGES = 50_000;
const SMALL_BATCH = 10;
/** From so many hidden layers on, the gradients of sigmoid and tanh grow very small on their way back. */
const DEEP = 3;

/** As they stand within a sentence. */
export const ACTIVATION_NAMES = { relu: "ReLU", leaky_relu: "leaky ReLU", sigmoid: "sigmoid", tanh: "tanh" };
const RECTIFIERS = ["relu", "leaky_relu"];

/**
 * @typedef {object} Doubt what is wrong with a run, and what to try
 * @property {"high"|"low"|"steps"|"zeros"|"deep"|"unclear"} cause
 * @property {string} text @property {string} tryText
 * @property {{action: "anew"|"use", field: "learning_rate"|"mini_batch_size", value: number}|null} offer "anew": in
 *   a new network, since these weights are spoilt; "use": in the form below
 */

/**
 * @param {Record<string, any>} network @param {Record<string, any>} job
 * @param {import("./history.js").Epoch[]} epochs of this run @param {number} [usual] a learning rate that suits the recipe
 * @returns {Doubt|null} null: nothing to say (yet)
 */
export function doubt(network, job, epochs, usual) {
  if (!epochs.length || !isNumber(job.learning_rate) || job.state === "diverged" || job.state === "failed") return null;
  const known = epochs.map((e) => e.accuracy).filter(isNumber);
  if (!known.length) return null;
  const last = known[known.length - 1];
  const suggested = usual ?? suggestedRate(network.activation, network.loss, network.architecture);
  if (last <= CHANCE) return atChance(network, job, { known, suggested });
  if (last <= NEAR_CHANCE && hardlyFell(epochs)) {
    const found = atChance(network, job, { known, suggested });
    if (found.cause === "deep") return found;
  }
  const low = job.learning_rate * FAR_BELOW <= suggested && Math.max(...known) < LOW && hardlyFell(epochs);
  return low ? tooLow(`Accuracy is ${percent(last)} after ${epochsText(known.length)}: this run learns slowly.`, job, suggested) : null;
}

/** @param {Record<string, any>} network @param {Record<string, any>} job @param {{known: number[], suggested: number}} facts @returns {Doubt} */
function atChance(network, job, { known, suggested }) {
  const best = Math.max(...known);
  const last = percent(known[known.length - 1]);
  const what = best <= CHANCE
    ? `Accuracy stays at chance: ${last} after ${epochsText(known.length)}, where guessing gives 10 %.`
    : best <= NEAR_CHANCE
      ? `Accuracy stays near chance: ${last} after ${epochsText(known.length)}, ${percent(best)} at best, where guessing gives 10 %.`
      : `Accuracy fell back to chance: ${last} after ${epochsText(known.length)}, after a best of ${percent(best)}.`;
  const hidden = network.architecture.length - 2;
  const kind = kindText(network.activation, network.loss, network.architecture);
  if (network.initializer === "zeros" && hidden > 0) {
    return {
      cause: "zeros",
      text: `${what} All weights of this network began at 0, so that its hidden neurons probably never came to differ.`,
      tryText: "Create a network with another initializer; the form chooses a fitting one by activation.",
      offer: null,
    };
  }
  if (job.learning_rate > suggested) {
    return {
      cause: "high",
      text: `${what} Learning rate ${plain(job.learning_rate)} is probably too high for ${kind}: ${harm(network.activation, hidden)}`,
      tryText: `Weights like these seldom recover, so train a new network with a learning rate of ${plain(suggested)}.`,
      offer: { action: "anew", field: "learning_rate", value: suggested },
    };
  }
  const steps = Math.ceil(TRAINING_IMAGES / (job.mini_batch_size || SMALL_BATCH)) * known.length;
  if (steps < FEW_STEPS && job.mini_batch_size > SMALL_BATCH) {
    return {
      cause: "steps",
      text: `${what} With mini-batches of ${count(job.mini_batch_size)} images the weights have changed only ${count(steps)} ${steps === 1 ? "time" : "times"}, which is probably too few.`,
      tryText: `Mini-batches of ${SMALL_BATCH} images change them more often.`,
      offer: { action: "use", field: "mini_batch_size", value: SMALL_BATCH },
    };
  }
  if (job.learning_rate * FAR_BELOW <= suggested) return tooLow(what, job, suggested);
  if (hidden >= DEEP && !RECTIFIERS.includes(network.activation)) {
    return {
      cause: "deep",
      text: `${what} Through ${hidden} hidden layers of ${ACTIVATION_NAMES[network.activation]} neurons the corrections probably become too small to teach the first ones.`,
      tryText: "Try fewer hidden layers, or ReLU, which passes them on undiminished.",
      offer: null,
    };
  }
  return {
    cause: "unclear",
    text: `${what} The learning rate is not the likely reason: ${plain(job.learning_rate)} is not too high for ${kind}.`,
    tryText: "Try more epochs, or a new network: other first weights may do better.",
    offer: null,
  };
}

/**
 * "ReLU with cross-entropy", and how wide it is where that decides on the rate.
 * @param {string} activation @param {string} loss @param {number[]} layers with input and output
 */
export function kindText(activation, loss, layers) {
  const width = widthWords(activation, loss, layers);
  return `${ACTIVATION_NAMES[activation]} with ${loss === "quadratic" ? "quadratic cost" : "cross-entropy"}${width ? ` and ${width}` : ""}`;
}

/** @param {string} what @param {Record<string, any>} job @param {number} suggested @returns {Doubt} */
function tooLow(what, job, suggested) {
  return {
    cause: "low",
    text: `${what} Learning rate ${plain(job.learning_rate)} is probably too low: the steps are so short that the loss hardly falls.`,
    tryText: `A learning rate of ${plain(suggested)} is usual for such a network.`,
    offer: { action: "use", field: "learning_rate", value: suggested },
  };
}

/** What steps that are too long do. @param {string} activation @param {number} hidden layers */
function harm(activation, hidden) {
  if (hidden < 1) return "each step overshoots what the one before had learned.";
  if (activation === "relu") return "long steps push units to where they answer 0 to every picture; such units die, they learn no more.";
  if (activation === "leaky_relu") return "long steps throw the weights about, and what one batch taught is lost to the next.";
  return "long steps push neurons to the ends of their range, where they hardly learn.";
}

/** With one epoch there is nothing to compare yet. @param {import("./history.js").Epoch[]} epochs */
function hardlyFell(epochs) {
  const losses = epochs.map((e) => e.testLoss ?? e.loss).filter(isNumber);
  return losses.length < 2 || losses[0] - losses[losses.length - 1] < losses[0] * HARDLY;
}

/** @param {number} n */
function epochsText(n) {
  return n === 1 ? "1 epoch" : `${count(n)} epochs`;
}
