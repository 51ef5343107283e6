/**
 * Numbers as people read them: every value with its unit, and a dash where there is no value yet.
 * Nothing here knows the page; anything that is not a finite number becomes NO_VALUE, so that no view can
 * ever show NaN, undefined or null.
 */

/** Shown where a value is not known (yet). */
export const NO_VALUE = "\u2013";
const NBSP = "\u00a0";
const RAISED = { "-": "\u207b", 0: "\u2070", 1: "\u00b9", 2: "\u00b2", 3: "\u00b3", 4: "\u2074", 5: "\u2075", 6: "\u2076", 7: "\u2077", 8: "\u2078", 9: "\u2079" };

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** @param {unknown} value @returns {value is number} */
export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** 23860 -> "23,860". @param {unknown} value */
export function count(value) {
  return isNumber(value) ? whole.format(value) : NO_VALUE;
}

/** (1, "network") -> "1 network"; (3, "network") -> "3 networks". @param {number} n @param {string} noun */
export function plural(n, noun) {
  return `${count(n)}${NBSP}${noun}${n === 1 ? "" : "s"}`;
}

/** (["a", "b", "c"], 2) -> "a, b and 1 more"; (["a", "b"], 2) -> "a and b". @param {string[]} names @param {number} most that are named */
export function listed(names, most) {
  const more = names.length - most;
  if (more > 0) return `${names.slice(0, most).join(", ")} and ${count(more)} more`;
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names.join("");
}

/** A fraction of 1 as a percentage: 0.9623 -> "96.2 %". Only all of them are 100 %: 0.99999 -> "99.9 %". @param {unknown} fraction */
export function percent(fraction, digits = 1) {
  if (!isNumber(fraction)) return NO_VALUE;
  const scale = 10 ** digits;
  const rounded = Math.round(fraction * 100 * scale + 1e-6);
  const shown = (fraction < 1 ? Math.min(rounded, 100 * scale - 1) : rounded) / scale;
  return `${shown.toFixed(digits)}${NBSP}%`;
}

/** Progress from 0 to 100: 40.3 -> "40 %". @param {unknown} progress */
export function progress(progress) {
  if (!isNumber(progress)) return NO_VALUE;
  return `${Math.floor(Math.min(100, Math.max(0, progress)) + 1e-6)}${NBSP}%`;
}

/** Seconds as two units at most: 0.42 -> "0.4 s", 125 -> "2 min 5 s", 7500 -> "2 h 5 min". @param {unknown} seconds */
export function duration(seconds) {
  if (!isNumber(seconds) || seconds < 0) return NO_VALUE;
  if (seconds < 9.95) return `${seconds.toFixed(1)}${NBSP}s`;
  const total = Math.round(seconds);
  if (total < 60) return `${total}${NBSP}s`;
  const pair = (big, bigName, small, smallName) =>
    `${count(big)}${NBSP}${bigName}` + (small ? ` ${small}${NBSP}${smallName}` : "");
  if (total < 3600) return pair(Math.floor(total / 60), "min", total % 60, "s");
  const minutes = Math.round(total / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** Whole seconds, for numbers that count down under the reader's eyes: 41.3 -> "41 s". @param {unknown} seconds */
export function countdown(seconds) {
  if (!isNumber(seconds) || seconds < 0) return NO_VALUE;
  return seconds < 60 ? `${Math.ceil(seconds)}${NBSP}s` : duration(Math.ceil(seconds));
}

/** 92130.4 -> "92,100 images/s" (three significant digits). It may be broken before its unit: both are long. @param {unknown} imagesPerSecond */
export function speed(imagesPerSecond) {
  if (!isNumber(imagesPerSecond) || imagesPerSecond <= 0) return NO_VALUE;
  return `${count(Number(imagesPerSecond.toPrecision(3)))} images/s`;
}

/** Four significant digits, always all of them, powers of ten only where they help: 0.041234 -> "0.04123", 0.5 -> "0.5000", 123456 -> "1.23·10⁵". @param {unknown} value */
export function loss(value) {
  if (!isNumber(value)) return NO_VALUE;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-4) return powerOfTen(value.toExponential(2));
  return size < 999.95 ? value.toPrecision(4) : value.toFixed(0);
}

/** A setting as people read it: 3 -> "3", 0.001 -> "0.001", 1e30 -> "1·10³⁰". @param {unknown} value */
export function plain(value) {
  return isNumber(value) ? powerOfTen(String(value)) : NO_VALUE;
}

/** A setting as it is typed into a field: 3 -> "3", 1e30 -> "1e+30". @param {unknown} value */
export function typed(value) {
  return isNumber(value) ? String(value) : NO_VALUE;
}

/** A number as JavaScript writes it, with its power of ten raised: "-1.5e+30" -> "−1.5·10³⁰". @param {string} text */
export function powerOfTen(text) {
  const [digits, power] = text.replace(/^-/, "\u2212").split("e");
  return power === undefined ? digits : `${digits}\u00b710${[...String(Number(power))].map((sign) => RAISED[sign]).join("")}`;
}

/** Bytes of memory or disk: 95440 -> "95 kB". @param {unknown} bytes */
export function bytes(bytes) {
  if (!isNumber(bytes)) return NO_VALUE;
  const units = ["bytes", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)}${NBSP}${units[unit]}`;
}

/** How long ago an ISO time was: "just now", "5 min ago", "3 h ago", else the date. @param {string|null|undefined} iso */
export function ago(iso, now = Date.now()) {
  const then = Date.parse(iso ?? "");
  if (Number.isNaN(then)) return NO_VALUE;
  const seconds = (now - then) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))}${NBSP}min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)}${NBSP}h ago`;
  return new Date(then).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** Date and time in full, for titles. @param {string|null|undefined} iso */
export function moment(iso) {
  const then = Date.parse(iso ?? "");
  if (Number.isNaN(then)) return "";
  return new Date(then).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}
