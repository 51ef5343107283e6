/** What a gradient check means, in words for someone who sees one for the first time. */

import { isNumber } from "./format.js";
import { number } from "./neurons.js";

/** How it is done, before it is. */
export const HOW = "Is \u2202C/\u2202w what backpropagation says? Each weight w that is tried is moved by h both ways, up and down: the difference quotient (C(w + h) \u2212 C(w \u2212 h)) / 2h must be nearly the same number.";

const CANNOT_TELL = "cannot tell";

/** Whether the gradients of a layer agree. @param {Record<string, any>} layer of the API's gradient check */
export function verdict({ ok, rounding, worst }) {
  if (ok) return "agrees";
  const apart = Math.abs(worst.analytic - worst.numerical);
  const all = [rounding, worst.analytic, worst.numerical].every(isNumber);
  return !all || apart <= rounding ? CANNOT_TELL : "WRONG";
}

/** How its result is read. @param {Record<string, any>} data the API's gradient check @returns {string[]} sentences */
export function readingWords({ h, limit, examples, seconds, layers = [] }) {
  const blind = layers.some((layer) => verdict(layer) === CANNOT_TELL);
  return [
    ...(blind ? ["The loss is so large here that its rounding hides what a step of h changes: the quotient says nothing. So it is where a network has blown up."] : []),
    "Relative error = |difference of the two gradients| / (sum of their sizes), over all weights of the layer that were tried.",
    `Below ${number(limit)} is good: the gradients agree. An error in a formula usually makes it far larger.`,
    "It is not exactly 0, because the quotient is an approximation: its error is of the order of h\u00b2, and the loss is rounded, here in float64, which the division by 2h makes larger.",
    `h = ${number(h)}, on ${number(examples)} training digits, in ${number(seconds)} s.`,
  ];
}
