/**
 * Chosen runs as files, made of their records and events: JSON for programs, and CSV with one line for each epoch, for
 * spreadsheets and tables. A cell that a spreadsheet would take for a formula is made plain text.
 */

import { rowName } from "./compare.js";
import { isNumber } from "./format.js";
import { SETTINGS } from "./settings.js";

const RESULTS = ["state", "accuracy", "loss", "epoch", "elapsed_time", "attempt", "error", "created_at", "started_at", "finished_at"];
/** What an event says besides the figures of its epoch. */
const ABOUT_EVENTS = new Set(["job_id", "network_id", "seq", "attempt", "timestamp", "total_epochs", "progress", "eta_seconds"]);
/** Figures of an epoch, by the names in the file; those that come later with newer servers follow behind. */
const FIGURES = [
  ["epoch", "epoch"], ["accuracy", "test_accuracy"], ["test_loss", "test_loss"], ["validation_accuracy", "validation_accuracy"],
  ["validation_loss", "validation_loss"], ["training_accuracy", "training_accuracy"], ["loss", "training_loss"],
];

/**
 * The figures of every epoch, each once: when a run is started again, its epochs are reported anew.
 * @param {{event: string, data: Record<string, any>}[]} events in order @returns {Record<string, any>[]}
 */
export function epochsIn(events) {
  const epochs = [];
  for (const { event, data } of events) {
    if (event !== "training_update") continue;
    while (epochs.length && epochs[epochs.length - 1].epoch >= data.epoch) epochs.pop();
    epochs.push(Object.fromEntries(Object.entries(data).filter(([key]) => !ABOUT_EVENTS.has(key))));
  }
  return epochs;
}

/**
 * The settings are those that a run began with; `changes`, among them, says what was changed on the way.
 * @typedef {{row: import("./compare.js").Row, events: {event: string, data: Record<string, any>}[]}} Exported
 * @param {Exported[]} runs @param {string} now ISO 8601
 */
export function runsJson(runs, now) {
  const made = runs.map(({ row, events }) => ({
    name: rowName(row),
    job_id: row.id,
    network_id: row.job.network_id,
    settings: row.settings,
    result: Object.fromEntries(RESULTS.map((key) => [key, row.job[key] ?? null])),
    epochs: epochsIn(events),
  }));
  return `${JSON.stringify({ exported_at: now, runs: made }, null, 2)}\n`;
}

/** One line for each epoch, with the settings and the result of its run; a run without an epoch has one line, too. @param {Exported[]} runs */
export function runsCsv(runs) {
  const epochs = runs.map(({ events }) => epochsIn(events));
  const known = new Set(FIGURES.map(([key]) => key));
  const more = [...new Set(epochs.flat().flatMap(Object.keys))].filter((key) => !known.has(key));
  const figures = [...FIGURES, ...more.map((key) => [key, `epoch_${key}`])];
  const results = RESULTS.map((key) => [key, `run_${key}`]);
  const head = ["name", "job_id", "network_id", ...SETTINGS.map(({ key }) => key), ...results.map(([, name]) => name), ...figures.map(([, name]) => name)];
  const lines = runs.flatMap(({ row }, i) => {
    const ofRun = [rowName(row), row.id, row.job.network_id, ...SETTINGS.map(({ key }) => row.settings[key]), ...results.map(([key]) => row.job[key])];
    return (epochs[i].length ? epochs[i] : [{}]).map((epoch) => [...ofRun, ...figures.map(([key]) => epoch[key])]);
  });
  return [head, ...lines].map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

/** A cell as RFC 4180 has it. @param {unknown} value */
export function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return isNumber(value) ? String(value) : "";
  const plain = typeof value === "object" ? JSON.stringify(value) : String(value);
  const text = /^[\s]*[=+\-@\t\r\n]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The file's name. @param {string} now ISO 8601 @param {"csv"|"json"} kind */
export function runsFileName(now, kind) {
  return `hippo-runs-${now.slice(0, 19).replaceAll(":", "").replace("T", "-")}.${kind}`;
}
