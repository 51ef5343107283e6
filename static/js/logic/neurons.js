/** What one neuron, connection or pixel of a frame is, in numbers and in words. */

import { powerOfTen } from "./format.js";
import { placeOf, weightsInto } from "./frames.js";

const SYMBOLS = { sigmoid: "\u03c3(z)", tanh: "tanh z", relu: "max(0, z)", leaky_relu: "max(z, 0.01 z)", softmax: "softmax(z)" };

/**
 * A number of a network, with powers of ten where they are needed: what is not 0 never reads 0.
 * @param {number|null|undefined} value @param {number} [figures] significant ones, one fewer before a power of ten
 */
export function number(value, figures = 4) {
  if (value == null || !Number.isFinite(value)) return "\u2013";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return rounded(value, figures).replace("-", "\u2212");
  return powerOfTen(value.toExponential(Math.max(0, figures - 2)));
}

/** Rounded numbers keep their zeros, so that 0.99999 reads 1.000 and only 1 reads 1. @param {number} value @param {number} figures */
function rounded(value, figures) {
  const text = value.toPrecision(figures);
  return Number(text) === value || text.includes("e") ? String(Number(text)) : text;
}

/**
 * A number that a weight makes. Frames hold most weights rounded to steps: such a number has no more digits than the
 * rounding leaves, and a sign that says so.
 * @param {number} value @param {number} steps that the weight has; Infinity where it is not rounded
 */
export function weighed(value, steps) {
  if (steps === Infinity || !Number.isFinite(value)) return number(value);
  return `\u2248\u00a0${number(value, steps < 10 ? 1 : 2)}`;
}

/** What a layer is called. @param {import("./frames.js").Frame} frame @param {number} layer from 1 */
export function layerName(frame, layer) {
  return layer === frame.layers.length ? "the outputs" : `hidden layer ${layer}`;
}

/** @param {import("./frames.js").Frame} frame @param {number} layer @param {number} neuron */
export function neuronName(frame, layer, neuron) {
  return layer === frame.layers.length ? `Output for ${neuron}` : `Neuron ${neuron} of ${layerName(frame, layer)}`;
}

/**
 * The numbers of a neuron; null where it is not shown.
 * @param {import("./frames.js").Frame} frame @param {number} layer @param {number} neuron
 */
export function neuronNumbers(frame, layer, neuron) {
  const own = frame.layers[layer - 1];
  const place = own ? placeOf(own, neuron) : -1;
  if (place < 0) return null;
  const exact = exactWeights(frame, layer, neuron);
  return {
    name: neuronName(frame, layer, neuron),
    formula: SYMBOLS[own.about.activation] ?? "",
    activation: own.about.activation,
    bias: own.bias[place],
    z: own.z[place],
    a: own.a[place],
    delta: own.delta[place],
    weights: exact ?? weightsInto(own, place),
    exact: Boolean(exact),
    blownUp: [own.bias, own.z, own.a, own.delta].some((numbers) => Number.isNaN(numbers[place])),
  };
}

/** All weights that lead to a neuron as they are, which a frame has of the neuron it was asked for and of the label's output. @param {import("./frames.js").Frame} frame @param {number} layer @param {number} neuron */
function exactWeights({ header, layers, incoming, labelWeights }, layer, neuron) {
  if (header.neuron?.layer === layer && header.neuron.index === neuron) return incoming;
  return layer === layers.length && header.example.label === neuron ? labelWeights : null;
}

/** The weights that lead to a neuron from the inputs that are shown, rounded where the frame has them only so. @param {import("./frames.js").Frame} frame @param {number} layer @param {number} neuron */
function shownWeights(frame, layer, neuron) {
  const exact = exactWeights(frame, layer, neuron);
  if (!exact) return weightsInto(frame.layers[layer - 1], placeOf(frame.layers[layer - 1], neuron));
  return layer === 1 ? exact : Float32Array.from(frame.layers[layer - 2].neurons, (input) => exact[input]);
}

/** The inputs that count most for a neuron. @param {import("./frames.js").Frame} frame @param {number} layer @param {number} neuron @param {number} [limit] */
export function strongestInputs(frame, layer, neuron, limit = 6) {
  if (placeOf(frame.layers[layer - 1], neuron) < 0) return [];
  const weights = shownWeights(frame, layer, neuron);
  const steps = stepsOf(frame, layer, neuron);
  const x = (i) => (layer === 1 ? frame.pixels[i] / 255 : frame.layers[layer - 2].a[i]);
  const name = (i) => (layer === 1 ? pixelName(i) : `neuron ${frame.layers[layer - 2].neurons[i]}`);
  return Array.from(weights, (weight, i) => ({ name: name(i), weight, x: x(i), product: weight * x(i), steps: steps(weight) }))
    .sort((a, b) => sizeOf(b.product) - sizeOf(a.product))
    .slice(0, limit)
    .filter(({ product }) => product !== 0);
}

/** How many steps a weight into a neuron has; Infinity where it is not rounded. @param {import("./frames.js").Frame} frame @param {number} layer @param {number} neuron */
function stepsOf(frame, layer, neuron) {
  const { scale } = frame.layers[layer - 1];
  return exactWeights(frame, layer, neuron) || !scale ? () => Infinity : (weight) => Math.round(Math.abs(weight) / scale);
}

/** What is too large for a number is the largest. @param {number} product */
function sizeOf(product) {
  return Number.isNaN(product) ? Number.MAX_VALUE : Math.abs(product);
}

/** Both counted from 1, from the top left. @param {number} pixel */
export function pixelPlace(pixel) {
  return `row ${Math.floor(pixel / 28) + 1}, column ${(pixel % 28) + 1}`;
}

/** @param {number} pixel */
export function pixelName(pixel) {
  return `pixel in ${pixelPlace(pixel)}`;
}

/** @param {import("./frames.js").Frame} frame @param {number} layer @param {number} neuron */
export function describeNeuron(frame, layer, neuron) {
  const found = neuronNumbers(frame, layer, neuron);
  if (!found) return `Neuron ${neuron} of ${layerName(frame, layer)} is not among those shown.`;
  return `${found.name}: z = ${number(found.z)}, a = ${found.formula} = ${number(found.a)}, bias ${number(found.bias)}, error \u2202C/\u2202z = ${number(found.delta)}.`;
}

/** @param {import("./frames.js").Frame} frame @param {{layer: number, from: number, to: number}} edge @returns {string} its weight as the neuron's card has it */
export function describeEdge(frame, { layer, from, to }) {
  const own = frame.layers[layer - 1];
  const value = shownWeights(frame, layer, own.neurons[to])[from];
  const steps = stepsOf(frame, layer, own.neurons[to])(value);
  const source = layer === 1 ? pixelName(from) : `neuron ${frame.layers[layer - 2].neurons[from]}`;
  const x = layer === 1 ? frame.pixels[from] / 255 : frame.layers[layer - 2].a[from];
  const sink = neuronName(frame, layer, own.neurons[to]);
  return `Connection from ${source} to ${sink[0].toLowerCase()}${sink.slice(1)}: weight ${weighed(value, steps)}, times input ${number(x)} gives ${x === 0 ? "0" : weighed(value * x, steps)}.`;
}

/** @param {import("./frames.js").Frame} frame @param {number} pixel */
export function describePixel(frame, pixel) {
  const name = pixelName(pixel);
  return `${name[0].toUpperCase()}${name.slice(1)}: ${number(frame.pixels[pixel] / 255)} (0 paper, 1 ink).`;
}
