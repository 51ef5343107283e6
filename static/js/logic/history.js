/**
 * The story of one training job, put together from its numbered events: epochs in order, each once.
 * Events may come twice (asked for again after a lost connection) or not at all; `seq` tells. When a job is
 * started again its epochs are reported anew, and the later report replaces the earlier one.
 */

import { isNumber } from "./format.js";

/**
 * @typedef {{epoch: number, accuracy: number|null, loss: number|null, validationLoss: number|null, testLoss: number|null, validation: number|null, training: number|null, elapsed: number|null, speed: number|null, gradientNorm: number|null, neurons: {dead: number, saturated: number, alike: number, total: number}[]|null}} Epoch
 * @typedef {{epoch: number, batch: number, step: number, changes: Record<string, {from: number, to: number}>}} Change settings
 *   that were changed while the run was under way, in epoch `epoch` (from 1) after `batch` of its mini-batches
 * @typedef {{lastSeq: number, attempt: number, epochs: Epoch[], changes: Change[], ended: boolean, complete: boolean}} History
 *   `loss`: of the training images while the network learned, the others after the epoch; `validationLoss` is null in runs of earlier
 *   versions; `accuracy`: of the test set; `validation`, `training`: accuracies, too, 0 to 1; `complete`: everything the server had was read at least once
 */

/** @returns {History} */
export function emptyHistory() {
  return { lastSeq: 0, attempt: 1, epochs: [], changes: [], ended: false, complete: false };
}

/**
 * Takes the next event into the history (in place: a long run has ten thousand of them).
 * @param {History} history
 * @param {string} event its name
 * @param {Record<string, any>} data its payload
 * @returns {"applied"|"known"|"gap"} "gap": events before this one are missing, nothing was changed
 */
export function applyEvent(history, event, data) {
  if (data.seq <= history.lastSeq) return "known";
  if (data.seq > history.lastSeq + 1) return "gap";
  history.lastSeq = data.seq;
  if (event === "training_update") addEpoch(history, data);
  if (event === "training_changed") history.changes.push({ epoch: data.epoch, batch: data.batch, step: data.step, changes: data.changes });
  if (event === "training_complete" || event === "training_error") history.ended = true;
  return "applied";
}

/** @param {History} history @param {Record<string, any>} data */
function addEpoch(history, data) {
  const { epochs } = history;
  const attempt = isNumber(data.attempt) ? data.attempt : history.attempt;
  if (attempt > history.attempt) history.attempt = attempt;
  while (epochs.length && epochs[epochs.length - 1].epoch >= data.epoch) epochs.pop();
  epochs.push({
    epoch: data.epoch,
    accuracy: numberOrNull(data.accuracy),
    loss: numberOrNull(data.loss),
    validationLoss: numberOrNull(data.validation_loss),
    testLoss: numberOrNull(data.test_loss),
    validation: numberOrNull(data.validation_accuracy),
    training: numberOrNull(data.training_accuracy),
    elapsed: numberOrNull(data.elapsed_time),
    speed: numberOrNull(data.images_per_second),
    gradientNorm: numberOrNull(data.gradient_norm),
    neurons: Array.isArray(data.neurons) ? data.neurons : null,
  });
}

/** @param {unknown} value */
function numberOrNull(value) {
  return isNumber(value) ? value : null;
}

/** Columns for a chart of the losses on training, validation and test images. @param {Epoch[]} epochs @returns {(number|null)[][]} */
export function lossColumns(epochs) {
  return [epochs.map((e) => e.epoch), epochs.map((e) => e.loss), epochs.map((e) => e.validationLoss), epochs.map((e) => e.testLoss)];
}

/** Columns for a chart of the accuracy in percent. @param {Epoch[]} epochs @returns {[number[], (number|null)[]]} */
export function accuracyColumns(epochs) {
  return [epochs.map((e) => e.epoch), epochs.map((e) => (e.accuracy === null ? null : e.accuracy * 100))];
}

/**
 * Where the axis of epochs ends: at the end of a run that is not much longer than what is shown, else doubling as the
 * run goes on, so that the first epochs of a long one are not a line on the left edge.
 * @param {number} last the latest epoch @param {number} total epochs of the run
 */
export function epochSpan(last, total) {
  let span = 30;
  while (span < last) span *= 2;
  const end = Math.max(total, last);
  return end <= 2 * span ? end : span;
}

/**
 * A small curve as the `points` of an SVG polyline; empty where there is no curve yet.
 * @param {(number|null)[]} values
 */
export function sparkline(values, width = 64, height = 18) {
  const known = values.filter(isNumber);
  if (known.length < 2) return "";
  const step = Math.max(1, Math.ceil(known.length / width));
  const shown = known.filter((_, i) => i % step === 0 || i === known.length - 1);
  const low = Math.min(...shown);
  const range = Math.max(...shown) - low || 1;
  return shown
    .map((v, i) => {
      const x = 1 + (i / (shown.length - 1)) * (width - 2);
      const y = height - 2 - ((v - low) / range) * (height - 4);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
