/**
 * What is wrong with a run: a short sentence, its evidence in numbers, what to try, and the change that tries it in a
 * new run. Judged by the epochs of the run, which hold the losses, the accuracies, the length of the gradient, and how
 * many neurons are dead, saturated or alike. The limits were set by real runs: those of the recipes must be quiet.
 */

import { count, isNumber, loss, percent, plain, typed } from "./format.js";
import { suggestedRate } from "./forms.js";
import { ACTIVATION_NAMES, CHANCE, FAR_BELOW, doubt } from "./learning.js";
import { rateFor } from "./recipe.js";

/** From this share of a layer on, what is the matter with its neurons is said. */
const DEAD_SHARE = 0.8;
const SATURATED_SHARE = 0.5;
const ALIKE_SHARE = 0.5;
/** A network that reads so many digits rightly does well, whatever its neurons look like. */
const GOOD = 0.9;
/** A loss that grew by this factor in two epochs or more grew; one below half of the first one only trembles. */
const GREW = 1.1;
const STILL_HIGH = 0.5;
/** What the loss is for a network that knows nothing and says so; above it the network is surely wrong. */
const GUESSING = Math.log(10);
const WORSE_THAN_GUESSING = 1.15;
/** Overfitting: the validation loss is so many times its lowest, which was so many epochs ago, and training went on falling. */
const ROSE = 1.25;
const SINCE = 3;
const FELL_ON = 0.7;
const TRAINING_IMAGES = 50_000;
/** Before so many steps nothing is said about a run that goes on. */
const EARLY_STEPS = 200;

/**
 * @typedef {object} Hint
 * @property {string} cause one word
 * @property {string} text what is wrong, with its evidence
 * @property {string} tryText what to try
 * @property {{label: string, changes: Record<string, string>}|null} offer the change, by field of the form, for a new
 *   network; see `startWords` for what stays as it was
 */

/** Causes that show in the layers and their gradients. */
const OF_LAYERS = ["alike", "zeros", "deep", "dead", "saturated", "high"];
/** Settings by which the first weights are made: with another one, the same seed makes other weights, or another network. */
const OF_THE_START = ["initializer", "activation", "dropout", "hidden"];

/** What a new network with these changes has in common with this one. @param {Record<string, string>} [changes] by field of the form */
export function startWords(changes = {}) {
  if (OF_THE_START.some((field) => field in changes)) return "the same seeds and order of the images";
  return "shuffle" in changes ? "the same first weights" : "the same first weights and order of the images";
}

/** @typedef {import("./history.js").Epoch} Epoch */
/** @typedef {{network: Record<string, any>, job: Record<string, any>, epochs: Epoch[], last: Epoch, suggested: number}} Facts */

/**
 * @param {Record<string, any>} network @param {Record<string, any>} job
 * @param {Epoch[]} epochs of this run @returns {Hint[]} the most important first; empty: nothing to say (yet)
 */
export function hints(network, job, epochs) {
  if (!epochs.length || !isNumber(job.learning_rate) || job.state === "diverged" || job.state === "failed") return [];
  if (isEarly(job, epochs.length)) return [];
  const suggested = rateFor(suggestedRate(network.activation, network.loss, network.architecture), job);
  const facts = { network, job, epochs, last: epochs[epochs.length - 1], suggested };
  const main = alike(facts) ?? noLearning(facts) ?? dead(facts) ?? saturated(facts) ?? tooHigh(facts) ?? tooLow(facts);
  return [main, overfitting(facts), unshuffled(facts)].filter(Boolean);
}

/** What is said beside the layers: what can be seen of them. @param {Record<string, any>} network @param {Record<string, any>} job @param {Epoch[]} epochs @returns {Hint|null} */
export function insideHint(network, job, epochs) {
  return hints(network, job, epochs).find(({ cause }) => OF_LAYERS.includes(cause)) ?? null;
}

/** Whether the run has only begun: with large mini-batches an epoch is a few steps. @param {Record<string, any>} job @param {number} done epochs */
function isEarly(job, done) {
  return stepsIn(job, done) < EARLY_STEPS && done < job.total_epochs && job.state !== "cancelled";
}

/** @param {Record<string, any>} job @param {number} epochs */
function stepsIn(job, epochs) {
  return Math.ceil(TRAINING_IMAGES / job.mini_batch_size) * epochs;
}

/** @param {Facts} facts @returns {Hint|null} */
function alike({ network, last }) {
  const layer = worst(last.neurons, "alike");
  if (!layer || layer.share < ALIKE_SHARE) return null;
  const zeros = network.initializer === "zeros";
  return {
    cause: "alike",
    text: `${share(layer, "neuron")} of hidden layer ${layer.number} have the same weights as another one, so the layer is as good as a much smaller one: equal neurons get equal gradients, step after step.${zeros ? " All weights of this network began at 0." : ""} Only rounding errors (of float32) part such neurons, into a few groups after some steps; so the network does learn something, but less than with random weights.`,
    tryText: "Let the weights begin at random, so that the neurons can come to differ.",
    offer: zeros ? { label: "Try it with random weights", changes: { initializer: "" } } : null,
  };
}

/** Accuracy at chance, or near it in a deep network: the words of `doubt`, and what the neurons say about it. @param {Facts} facts @returns {Hint|null} */
function noLearning({ network, job, epochs, last, suggested }) {
  if (!isNumber(last.accuracy)) return null;
  // After a few steps nobody can tell whether they were too long.
  const usual = stepsIn(job, epochs.length) < EARLY_STEPS ? Math.max(suggested, job.learning_rate) : suggested;
  const found = doubt(network, job, epochs, usual);
  if (!found || (last.accuracy > CHANCE && found.cause !== "deep")) return null;
  const sick = deadLayer(last) ?? saturatedLayer(last);
  const evidence = sick ? ` ${share(sick, "neuron")} of hidden layer ${sick.number} are ${sick.what}.` : "";
  const { cause, text, tryText, offer } = found;
  if (cause === "zeros") return { cause, text, tryText, offer: { label: "Try it with random weights", changes: { initializer: "" } } };
  const gradient = isNumber(last.gradientNorm) ? ` In the last epoch the gradient of all layers together was ${loss(last.gradientNorm)} long; Gradient norms, under Inside, shows that of each.` : "";
  if (cause === "deep") return { cause, text: text + gradient, tryText, offer: { label: "Try it with ReLU", changes: { activation: "relu", loss: "", initializer: "", learning_rate: "0.1" } } };
  return { cause, text: text + evidence, tryText, offer: offer && tryRate(offer.field, offer.value) };
}

/** @param {Facts} facts @returns {Hint|null} */
function dead({ network, job, last, suggested }) {
  const layer = deadLayer(last);
  if (!layer || last.accuracy >= GOOD) return null;
  const high = job.learning_rate > suggested;
  return {
    cause: "dead",
    text: `${share(layer, "ReLU neuron")} of hidden layer ${layer.number} are dead: they answer 0 to every one of 200 pictures, no gradient passes them, and they learn no more. Accuracy is ${percent(last.accuracy)}.`,
    tryText: high
      ? `Steps that are too long kill such neurons, and learning rate ${plain(job.learning_rate)} is above the usual ${plain(suggested)}.`
      : "A leaky ReLU lets a little gradient through also where it is off.",
    offer: high ? tryRate("learning_rate", suggested) : { label: "Try it with leaky ReLU", changes: { activation: "leaky_relu", loss: network.loss, initializer: "" } },
  };
}

/** @param {Facts} facts @returns {Hint|null} */
function saturated({ network, job, last, suggested }) {
  const layer = saturatedLayer(last);
  if (!layer || last.accuracy >= GOOD) return null;
  const high = job.learning_rate > suggested;
  const wide = network.initializer === "normal";
  const gradient = isNumber(last.gradientNorm) ? `, and the gradient is ${loss(last.gradientNorm)} long` : "";
  return {
    cause: "saturated",
    text: `${share(layer, `${ACTIVATION_NAMES[network.activation]} neuron`)} of hidden layer ${layer.number} are saturated: nearly every picture drives them to an end of their range, where the curve is flat and they hardly learn. Accuracy is ${percent(last.accuracy)}${gradient}.`,
    tryText: high
      ? `Learning rate ${plain(job.learning_rate)} is above the usual ${plain(suggested)}: long steps push neurons there.`
      : wide ? "The first weights were too large: the initializer that fits the activation makes them smaller." : "Shorter steps leave neurons where they can learn.",
    offer: high || !wide ? tryRate("learning_rate", high ? suggested : shorter(job.learning_rate, 3)) : { label: "Try it with the fitting initializer", changes: { initializer: "" } },
  };
}

/** @param {Facts} facts @returns {Hint|null} */
function tooHigh({ network, job, epochs, last, suggested }) {
  const losses = epochs.map((e) => e.loss);
  if (!losses.every(isNumber)) return null;
  const low = Math.min(...losses);
  const at = losses.indexOf(low);
  const grew = losses.length - 1 - at >= 2 && losses.slice(at + 1).every((l) => l > low) && last.loss > low * GREW && last.loss > losses[0] * STILL_HIGH;
  const wrong = network.loss === "cross_entropy" && losses.length >= 2 && last.loss > GUESSING * WORSE_THAN_GUESSING;
  if (!grew && !wrong) return null;
  const rate = job.learning_rate > suggested ? suggested : shorter(job.learning_rate, 10);
  return {
    cause: "high",
    text: grew
      ? `The training loss grows: from ${loss(low)} after epoch ${count(epochs[at].epoch)} to ${loss(last.loss)} after epoch ${count(last.epoch)}.`
      : `The training loss is ${loss(last.loss)} after epoch ${count(last.epoch)}; a network that knows nothing and says so has ${loss(GUESSING)}.`,
    tryText: `Learning rate ${plain(job.learning_rate)} is probably too high: each step overshoots what the one before had learned.`,
    offer: tryRate("learning_rate", rate),
  };
}

/** @param {Facts} facts @returns {Hint|null} */
function tooLow({ network, job, epochs, last, suggested }) {
  const slow = doubt(network, job, epochs, suggested);
  if (slow?.cause === "low") return { cause: "low", text: slow.text, tryText: slow.tryText, offer: tryRate("learning_rate", suggested) };
  const before = epochs[epochs.length - 2];
  const plainSteps = (job.schedule ?? "constant") === "constant" && job.learning_rate * FAR_BELOW <= suggested;
  if (!before || !plainSteps || !isNumber(last.loss) || !isNumber(before.loss) || !(last.accuracy < GOOD)) return null;
  if (last.loss > before.loss * 0.95) return null; // it does not fall: something else is the matter
  return {
    cause: "low",
    text: `Accuracy is ${percent(last.accuracy)} after epoch ${count(last.epoch)}, and the training loss still falls by ${percent(1 - last.loss / before.loss, 0)} an epoch: this run learns slowly.`,
    tryText: `Learning rate ${plain(job.learning_rate)} is probably too low; ${plain(suggested)} is usual for such a network.`,
    offer: tryRate("learning_rate", suggested),
  };
}

/** @param {Facts} facts @returns {Hint|null} */
function overfitting({ network, job, epochs, last }) {
  // Runs of earlier versions do not have the validation loss.
  const [key, name] = isNumber(last.validationLoss) ? ["validationLoss", "validation loss"] : ["testLoss", "test loss"];
  if (!epochs.every((e) => isNumber(e[key]) && isNumber(e.loss))) return null;
  const best = epochs.reduce((lowest, e) => (e[key] < lowest[key] ? e : lowest));
  if (last[key] < best[key] * ROSE || last.epoch - best.epoch < SINCE || last.loss > best.loss * FELL_ON) return null;
  const shifted = Boolean(job.augment?.length);
  const offer = !shifted
    ? { label: "Try it with shifted pictures", changes: { augment: "shift" } }
    : !network.dropout && network.architecture.length > 2 ? { label: "Try it with dropout 0.2", changes: { dropout: "0.2" } } : null;
  return {
    cause: "overfitting",
    text: `It learns the training images by heart: since epoch ${count(best.epoch)} the training loss fell from ${loss(best.loss)} to ${loss(last.loss)}, but the ${name} rose from ${loss(best[key])} to ${loss(last[key])}: on images that it does not learn from it gets worse.`,
    tryText: `${!shifted ? "Pictures that are shifted a little, anew in each epoch, cannot be learnt by heart." : offer ? "Dropout leaves no neuron to rely on." : "Train for fewer epochs."}${!shifted || offer ? ` Fewer epochs would do, too: ${count(best.epoch)} ${best.epoch === 1 ? "was" : "were"} enough.` : ""}`,
    offer,
  };
}

/** @param {Facts} facts @returns {Hint|null} */
function unshuffled({ job }) {
  if (job.shuffle !== false || job.mini_batch_size >= TRAINING_IMAGES) return null;
  const batches = Math.ceil(TRAINING_IMAGES / job.mini_batch_size);
  return {
    cause: "unshuffled",
    text: `The images are not shuffled: the same ${count(batches)} mini-batches come in the same order in every one of ${count(job.total_epochs)} epochs, so that each step repeats the errors of the same step before.`,
    tryText: "Take the images in a new order in each epoch.",
    offer: { label: "Try it shuffled", changes: { shuffle: "true" } },
  };
}

/** @param {Epoch} epoch */
function deadLayer(epoch) {
  const layer = worst(epoch.neurons, "dead");
  return layer && layer.share >= DEAD_SHARE ? { ...layer, what: "dead" } : null;
}

/** @param {Epoch} epoch */
function saturatedLayer(epoch) {
  const layer = worst(epoch.neurons, "saturated");
  return layer && layer.share >= SATURATED_SHARE ? { ...layer, what: "saturated" } : null;
}

/**
 * The hidden layer with the largest share of neurons that are so.
 * @param {Record<string, number>[]|null} neurons of each hidden layer @param {"dead"|"saturated"|"alike"} what
 * @returns {{number: number, bad: number, total: number, share: number}|null}
 */
function worst(neurons, what) {
  let found = null;
  (neurons ?? []).forEach((layer, i) => {
    const part = layer.total > 1 ? layer[what] / layer.total : 0;
    if (part > (found?.share ?? 0)) found = { number: i + 1, bad: layer[what], total: layer.total, share: part };
  });
  return found;
}

/** "27 of 30 neurons", "all 30 neurons". @param {{bad: number, total: number}} layer @param {string} noun */
function share({ bad, total }, noun) {
  return bad === total ? `All ${count(total)} ${noun}s` : `${count(bad)} of ${count(total)} ${noun}s`;
}

/** @param {number} rate @param {number} times */
function shorter(rate, times) {
  return Number((rate / times).toPrecision(1));
}

/** @param {string} field @param {number} value */
function tryRate(field, value) {
  const what = field === "learning_rate" ? "learning rate" : "mini-batches of";
  return { label: `Try it with ${what} ${plain(value)}`, changes: { [field]: typed(value) } };
}
