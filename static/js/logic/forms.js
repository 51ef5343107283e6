/**
 * What may be typed into the forms, checked in words before the server sees it. The ranges are those of the
 * API; the server checks them again. Each check gives the request's body, or one sentence per wrong field.
 */

import { count, typed } from "./format.js";
import { ABOVE_ZERO, BELOW_ONE, decimalNumber, wholeNumber } from "./numbers.js";
import { RECIPE, checkRecipe, rateFor, recipeOfJob } from "./recipe.js";

export const INPUTS = 784;
export const OUTPUTS = 10;
export const LIMITS = {
  layers: [2, 20],
  layerSize: [1, 10_000],
  parameters: 50_000_000,
  name: 100,
  epochs: [1, 10_000],
  miniBatchSize: [1, 50_000],
  seed: [0, Number.MAX_SAFE_INTEGER],
};

/** The recipe of the first visit: the classic network and its settings. */
export const CLASSIC = {
  network: { layer_sizes: [784, 30, 10], name: "Classic", activation: "sigmoid", loss: "quadratic" },
  training: { epochs: 30, mini_batch_size: 10, learning_rate: 3.0 },
};

/**
 * What the form for a new network holds at first. All values are text, as typed; a learning rate of null
 * follows the suggestion until the person types one.
 * @returns {Record<string, string|null>}
 */
export function emptyCreateForm() {
  return {
    name: "",
    hidden: "30",
    activation: "sigmoid",
    loss: "",
    initializer: "",
    seed: "",
    dropout: "0",
    epochs: "30",
    mini_batch_size: "10",
    learning_rate: null,
    training_seed: "",
    ...RECIPE,
  };
}

/** The form for a network like this one, to be trained like this. @param {Record<string, any>} network @param {Record<string, any>} job */
export function likeForm(network, job) {
  return {
    ...emptyCreateForm(),
    hidden: network.architecture.slice(1, -1).join(", "),
    activation: network.activation,
    loss: network.loss,
    initializer: network.initializer ?? "",
    dropout: typed(network.dropout ?? 0),
    epochs: typed(job.total_epochs),
    mini_batch_size: typed(job.mini_batch_size),
    learning_rate: typed(job.learning_rate),
    ...recipeOfJob(job),
  };
}

/** The loss that goes with an activation when none is chosen. @param {string} activation */
export function defaultLoss(activation) {
  return activation === "sigmoid" ? "quadratic" : "cross_entropy";
}

/**
 * From so many neurons in the last hidden layer on, a sigmoid network with quadratic cost wants shorter steps. A step
 * moves what an output adds up by a share of every neuron of that layer, all of which are near 0.5 at first. Measured: with
 * rate times neurons at 450 all networks learned, and from 500 on most of them answered always the same.
 */
const WIDE = 100;

/** The neurons of the last hidden layer; 0 where there is none. @param {number[]} layers with input and output */
function lastHidden(layers) {
  return layers.length > 2 ? layers[layers.length - 2] : 0;
}

/**
 * A learning rate that works for most networks of this kind.
 * @param {string} activation @param {string} loss @param {number[]} layers with input and output, empty where unknown
 */
export function suggestedRate(activation, loss, layers) {
  if (activation !== "sigmoid") return 0.1;
  if (loss !== "quadratic") return 0.5;
  const width = lastHidden(layers);
  return width > WIDE ? Number(((3.0 * WIDE) / width).toPrecision(2)) : 3.0;
}

/** What of the layers the suggestion depends on: "300 neurons in the last hidden layer"; empty where it is as usual. @param {string} activation @param {string} loss @param {number[]} layers */
export function widthWords(activation, loss, layers) {
  const wide = activation === "sigmoid" && loss === "quadratic" && lastHidden(layers) > WIDE;
  return wide ? `${count(lastHidden(layers))} neurons in the last hidden layer` : "";
}

// A dash or a cross parts two numbers; before a number alone it is a sign, which no layer has.
const BETWEEN_SIZES = /(?<=\d\s*)\s*[x\u00d7\u2013-]\s*(?=\d)|[\s,;]+/;
// 0x10 would otherwise be a layer of 0 and one of 10 neurons.
const NOT_DECIMAL = /\b0[xob][\da-f]+/i;

/**
 * Reads the sizes of the hidden layers: "30", "128, 64", "128-64" or nothing at all.
 * @param {string} text
 * @returns {{sizes: number[], error: string}} all layers with input and output, or why not
 */
export function parseLayers(text) {
  const otherBase = NOT_DECIMAL.exec(text);
  const words = otherBase ? [otherBase[0]] : text.trim().split(BETWEEN_SIZES).filter(Boolean);
  const hidden = [];
  const [low, high] = LIMITS.layerSize;
  for (const word of words) {
    if (!/^\d+$/.test(word)) {
      return { sizes: [], error: `"${word}" is not a whole number. Type sizes in decimal digits, like 30 or 128, 64.` };
    }
    const size = Number(word);
    if (size < low || size > high) {
      return { sizes: [], error: `A layer has ${low} to ${count(high)} neurons, not ${shortNumber(word)}.` };
    }
    hidden.push(size);
  }
  const most = LIMITS.layers[1] - 2;
  if (hidden.length > most) {
    return { sizes: [], error: `At most ${most} hidden layers are possible; these are ${hidden.length}.` };
  }
  const sizes = [INPUTS, ...hidden, OUTPUTS];
  const parameters = parameterCount(sizes);
  if (parameters > LIMITS.parameters) {
    return { sizes: [], error: `That makes ${count(parameters)} parameters; at most ${count(LIMITS.parameters)} are possible.` };
  }
  return { sizes, error: "" };
}

/** Weights and biases of a fully connected network. @param {number[]} sizes */
export function parameterCount(sizes) {
  let total = 0;
  for (let i = 1; i < sizes.length; i += 1) total += (sizes[i - 1] + 1) * sizes[i];
  return total;
}

/** @param {string} word digits as typed */
function shortNumber(word) {
  return word.length > 12 ? "a number of " + word.length + " digits" : count(Number(word));
}

/**
 * The order of the images has a seed of its own; where none is typed it takes that of the weights, if there is one, so
 * that one seed describes the whole experiment.
 * @param {Record<string, string>} form of a new network or of a run; what it lacks is as usual
 * @returns {{errors: Record<string, string>, body: Record<string, unknown>}}
 */
export function checkTraining(form) {
  const epochs = wholeNumber(form.epochs, LIMITS.epochs, "Epochs");
  const batch = wholeNumber(form.mini_batch_size, LIMITS.miniBatchSize, "The mini-batch size");
  const rate = decimalNumber(form.learning_rate, "The learning rate", { ...ABOVE_ZERO, example: "3 or 0.1" });
  const own = (form.training_seed ?? "").trim();
  const order = optionalSeed(own || (form.seed ?? ""));
  const recipe = checkRecipe(form, epochs.value);
  const errors = withoutEmpty({
    epochs: epochs.error, mini_batch_size: batch.error, learning_rate: rate.error, training_seed: own ? order.error : "", ...recipe.errors,
  });
  if (Object.keys(errors).length) return { errors, body: {} };
  const body = { epochs: epochs.value, mini_batch_size: batch.value, learning_rate: rate.value, ...recipe.body };
  if (order.value !== null) body.seed = order.value;
  return { errors, body };
}

/** @param {string} text */
function optionalSeed(text) {
  return text.trim() === "" ? { value: null, error: "" } : wholeNumber(text, LIMITS.seed, "The seed");
}

/**
 * @param {Record<string, string>} form
 * @returns {{errors: Record<string, string>, body: Record<string, unknown>}}
 */
export function checkNetwork(form) {
  const layers = parseLayers(form.hidden);
  const name = form.name.trim();
  const seed = optionalSeed(form.seed);
  const dropout = decimalNumber(form.dropout ?? "0", "The dropout", { ...BELOW_ONE, example: "0 or 0.2" });
  const errors = withoutEmpty({ hidden: layers.error, name: checkName(name), seed: seed.error, dropout: dropout.error });
  if (Object.keys(errors).length) return { errors, body: {} };
  const body = { layer_sizes: layers.sizes, activation: form.activation, loss: form.loss || defaultLoss(form.activation) };
  if (name) body.name = name;
  if (form.initializer) body.initializer = form.initializer;
  if (seed.value !== null) body.seed = seed.value;
  if (dropout.value) body.dropout = dropout.value;
  return { errors, body };
}

/** @param {string} name @returns {string} */
function checkName(name) {
  const length = [...name].length;
  if (length > LIMITS.name) return `A name has at most ${LIMITS.name} characters; this one has ${length}.`;
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) return "A name holds no control characters.";
  return "";
}

/** @param {Record<string, string>} errors */
function withoutEmpty(errors) {
  return Object.fromEntries(Object.entries(errors).filter(([, text]) => text));
}

/** The learning rate a form will use: what was typed, else what is suggested. @param {Record<string, string|null>} form */
export function effectiveRate(form) {
  const usual = suggestedRate(form.activation, form.loss || defaultLoss(form.activation), parseLayers(form.hidden).sizes);
  return form.learning_rate ?? typed(rateFor(usual, form));
}
