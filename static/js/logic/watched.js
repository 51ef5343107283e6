/**
 * What is looked at in the drawing of a network, in its address: `digit`, a place in the test set, and `layer` and
 * `neuron`, the neuron that is kept. What makes no sense there is as if it were not there.
 */

/** The last place in the test set. */
export const LAST_DIGIT = 9_999;
/** Views of a network that show them. */
export const WATCHED_TABS = ["learn", "inside"];

/** @param {string|undefined} text @returns {number|null} */
const whole = (text) => (/^\d{1,5}$/.test(text ?? "") ? Number(text) : null);

/** @param {Record<string, string>} query of an address @returns {number|null} */
export function digitIn(query) {
  const digit = whole(query.digit);
  return digit !== null && digit <= LAST_DIGIT ? digit : null;
}

/** @param {Record<string, string>} query @param {number[]} architecture of the network @returns {{layer: number, neuron: number}|null} */
export function neuronIn(query, architecture) {
  const [layer, neuron] = [whole(query.layer), whole(query.neuron)];
  return layer && neuron !== null && neuron < (architecture[layer] ?? 0) ? { layer, neuron } : null;
}

/** What the address says of it; the first digit and no neuron need no words. @param {number} digit @param {{layer: number, neuron: number}|null|undefined} pin */
export function watchedQuery(digit, pin) {
  return { digit: digit ? String(digit) : "", layer: pin ? String(pin.layer) : "", neuron: pin ? String(pin.neuron) : "" };
}
