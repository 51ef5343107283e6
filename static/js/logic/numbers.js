/** Numbers as people type them, read strictly: each gives a value, or one sentence that says what may be typed. */

import { count } from "./format.js";

/** @typedef {{value: number|null, error: string}} Typed */

/** @param {string} text @param {number[]} range @param {string} what begins the sentence @returns {Typed} */
export function wholeNumber(text, [low, high], what) {
  const typed = text.trim();
  const range = `${count(low)} to ${count(high)}`;
  if (typed === "") return { value: null, error: `Type a whole number from ${range}.` };
  if (!/^[+-]?\d+$/.test(typed)) return { value: null, error: `${what} must be a whole number from ${range}.` };
  const value = Number(typed);
  if (value < low || value > high) return { value: null, error: `${what} must be from ${range}.` };
  return { value, error: "" };
}

/**
 * @param {string} text @param {string} what begins the sentence
 * @param {{holds: (value: number) => boolean, allowed: string, example: string}} rule `allowed` ends "must be ..."
 * @returns {Typed}
 */
export function decimalNumber(text, what, { holds, allowed, example }) {
  const typed = text.trim();
  if (typed === "") return { value: null, error: `Type a number ${allowed}, such as ${example}.` };
  if (/^\d+,\d+$/.test(typed)) return { value: null, error: `Use a point for decimals: ${typed.replace(",", ".")}.` };
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(typed) ? Number(typed) : NaN;
  if (!Number.isFinite(value)) return { value: null, error: `${what} must be a number, such as ${example}.` };
  if (!holds(value)) return { value: null, error: `${what} must be ${allowed}.` };
  return { value, error: "" };
}

export const ABOVE_ZERO = { holds: (value) => value > 0, allowed: "above 0" };
export const FROM_ZERO = { holds: (value) => value >= 0, allowed: "0 or more" };
export const BELOW_ONE = { holds: (value) => value >= 0 && value < 1, allowed: "from 0 to below 1" };
export const SHARE = { holds: (value) => value > 0 && value <= 1, allowed: "above 0 and up to 1" };
