/**
 * All runs as rows of a table: what a row holds, which rows an address chooses, and in which order they stand. The runs
 * that are compared, the filter and the order are all in the address.
 */

import { canStartAgain } from "./experiments.js";
import { count, isNumber, percent, plural } from "./format.js";
import { isUnfinished, stateWord } from "./jobs.js";
import { withQuery } from "./routes.js";
import { SETTINGS, settingWords, settingsOf } from "./settings.js";

/** Rows that are shown at once, and so many more with each press. */
export const ROWS = 50;
export const STATES = [["unfinished", "Not over yet"], ["completed", "Completed"], ["cancelled", "Stopped"], ["diverged", "Diverged"], ["failed", "Failed"]];

/**
 * @typedef {object} Row
 * @property {string} id of the job @property {Record<string, any>} job @property {Record<string, any>|null} network null: deleted
 * @property {string} name @property {number|null} number which run of its network it is, from 1; null where that is not known
 * @property {Record<string, any>} settings that it began with, by key
 *
 * @typedef {object} Choice
 * @property {string[]} runs that are compared, in the order they were chosen
 * @property {string} text @property {string} setting a key and a value, as `settingChoice` writes them @property {string} state
 * @property {string} least @property {string} most of accuracy, in percent, as typed
 * @property {string} sort a column's key, after "-" for the largest first @property {boolean} deleted whether runs of deleted networks are listed
 * @property {string[]} curves of which images
 */

/** The images of which curves can be drawn. */
export const SETS = [["test", "Test"], ["validation", "Validation"], ["training", "Training"]];

const text = (value) => String(value ?? "").toLowerCase();
const number = (value) => (isNumber(value) ? value : null);
const setting = (key) => (row) => (key === "learning_rate" || key === "mini_batch_size" ? number(row.settings[key]) : text(row.settings[key]) || null);

/**
 * The columns; `value` is what is sorted by, null where there is none. `down`: the first press puts the largest first.
 * @type {{key: string, name: string, value: (row: Row) => string|number|null, down?: boolean}[]}
 */
export const COLUMNS = [
  { key: "name", name: "Run", value: (row) => `${text(row.name)} ${String(row.number ?? 0).padStart(4, "0")}` },
  { key: "accuracy", name: "Accuracy", value: (row) => number(row.job.accuracy), down: true },
  { key: "state", name: "State", value: (row) => text(stateWord(row.job)) },
  { key: "epoch", name: "Epochs finished", value: (row) => number(row.job.epoch), down: true },
  { key: "loss", name: "Loss", value: (row) => number(row.job.loss) },
  { key: "learning_rate", name: "Rate", value: setting("learning_rate") },
  { key: "mini_batch_size", name: "Batch", value: setting("mini_batch_size") },
  { key: "optimizer", name: "Optimizer", value: setting("optimizer") },
  { key: "activation", name: "Activation", value: setting("activation") },
  { key: "elapsed_time", name: "Time", value: (row) => number(row.job.elapsed_time) },
  { key: "created_at", name: "Begun", value: (row) => row.job.created_at ?? null, down: true },
];
const NEWEST = "-created_at";

/** The choice in an address; what makes no sense is left out. @param {Record<string, string>} query @returns {Choice} */
export function choiceIn(query) {
  const curves = (query.curves ?? "").split(",").filter((key) => SETS.some(([known]) => known === key));
  return {
    runs: [...new Set((query.runs ?? "").split(",").filter(Boolean))],
    text: query.text ?? "",
    setting: SETTINGS.some(({ key }) => (query.setting ?? "").startsWith(`${key}:`)) ? query.setting : "",
    state: STATES.some(([key]) => key === query.state) ? query.state : "",
    least: query.least ?? "",
    most: query.most ?? "",
    sort: COLUMNS.some(({ key }) => key === (query.sort ?? "").replace(/^-/, "")) ? query.sort : NEWEST,
    deleted: query.deleted === "1",
    curves: curves.length ? curves : ["test"],
  };
}

/** Where a choice is found. @param {Partial<Choice>} choice */
export function compareHref({ runs = [], text: words = "", setting: chosen = "", state = "", least = "", most = "", sort = NEWEST, deleted = false, curves = ["test"] }) {
  const only = curves.join() === "test";
  return withQuery("#/compare", {
    runs: runs.join(","), text: words, setting: chosen, state, least, most,
    sort: sort === NEWEST ? "" : sort, deleted: deleted ? "1" : "", curves: only ? "" : curves.join(","),
  });
}

/**
 * One row for each run. @param {Record<string, any>[]} jobs @param {Record<string, any>[]} networks
 * @param {boolean} all whether these are all jobs there are: only then is it known which run of its network each is
 * @returns {Row[]} the newest first
 */
export function rowsOf(jobs, networks, all) {
  const byId = new Map(networks.map((network) => [network.network_id, network]));
  const runs = new Map();
  const oldestFirst = [...jobs].sort((a, b) => (a.created_at < b.created_at ? -1 : a.created_at > b.created_at ? 1 : 0));
  /** The last run of a network that finished an epoch: its weights are what the next one begins with. */
  const left = new Map();
  const rows = oldestFirst.map((job) => {
    const network = byId.get(job.network_id) ?? null;
    const nth = (runs.get(job.network_id) ?? 0) + 1;
    runs.set(job.network_id, nth);
    const name = network ? network.name || network.architecture.join("-") : "Deleted network";
    const began = left.get(job.network_id) ?? (all ? firstWeights(network) : undefined);
    if (job.epoch > 0) left.set(job.network_id, { job_id: job.job_id, run: all ? nth : null, epochs: job.epoch });
    return { id: job.job_id, job, network, name, number: all ? nth : null, settings: settingsOf({ ...job, began_with: began }, network) };
  });
  return rows.reverse();
}

/** With which weights the first run of a network begins; of a deleted one nobody knows. @param {Record<string, any>|null} network @returns {import("./settings.js").Began|undefined} */
function firstWeights(network) {
  if (!network) return undefined;
  return canStartAgain(network) ? "first" : "imported";
}

/**
 * "5 runs, 1 of them of a deleted network": what there is, in words.
 * @param {Row[]} rows @param {number} total runs there are on the server, of which the rows may be a part
 */
export function countWords(rows, total) {
  const networks = (found) => new Set(found.map(({ job }) => job.network_id)).size;
  const deleted = rows.filter((row) => !row.network);
  if (total > rows.length) return plural(total, "run");
  if (!deleted.length) return rows.length ? `${plural(rows.length, "run")} of ${plural(networks(rows), "network")}` : plural(0, "run");
  const ofWhat = networks(deleted) === 1 ? "a deleted network" : "deleted networks";
  if (deleted.length === rows.length) return `${plural(rows.length, "run")} of ${ofWhat}`;
  return `${plural(rows.length, "run")}, ${count(deleted.length)} of them of ${ofWhat}`;
}

/** A run's name among others. @param {Row} row */
export function rowName({ name, number: nth }) {
  return nth ? `${name}, run ${nth}` : name;
}

/** A setting with a value, as it stands in the address. @param {string} key @param {any} value */
export function settingChoice(key, value) {
  return `${key}:${JSON.stringify(value)}`;
}

/**
 * What the rows can be filtered by: settings of which there is more than one value.
 * @param {Row[]} rows @returns {{name: string, options: [choice: string, words: string][]}[]}
 */
export function settingOptions(rows) {
  return SETTINGS.flatMap((one) => {
    const found = new Map();
    for (const { settings } of rows) {
      if (settings[one.key] !== undefined) found.set(settingChoice(one.key, settings[one.key]), settingWords(one, settings[one.key]));
    }
    if (found.size < 2 || ["network_seed", "seed", "began_with"].includes(one.key)) return [];
    const options = [...found].sort(([, a], [, b]) => a.localeCompare(b, "en", { numeric: true }));
    return [{ name: one.name, options }];
  });
}

/** The words by which a row is found. @param {Row} row */
function wordsOf(row) {
  const words = SETTINGS.flatMap((one) => (row.settings[one.key] === undefined || one.idle?.(row.settings) ? [] : [`${one.name} ${settingWords(one, row.settings[one.key])}`]));
  return [row.name, rowName(row), stateWord(row.job), row.id, ...words].join("\n").toLowerCase();
}

/** A percentage as typed, null where it is none. @param {string} typed */
function typedPercent(typed) {
  const value = Number(typed.trim().replace(",", ".").replace("%", ""));
  return typed.trim() && Number.isFinite(value) ? value : null;
}

/** What is wrong with what was typed, in a sentence; empty where all is well. @param {Choice} choice */
export function rangeProblem({ least, most }) {
  for (const typed of [least, most]) {
    const value = typedPercent(typed);
    if (typed.trim() && (value === null || value < 0 || value > 100)) return "An accuracy is a number from 0 to 100.";
  }
  const [low, high] = [typedPercent(least), typedPercent(most)];
  return low !== null && high !== null && low > high ? `No accuracy is at least ${percent(low / 100)} and at most ${percent(high / 100)}.` : "";
}

/** The rows that an address chooses. @param {Row[]} rows @param {Choice} choice */
export function filtered(rows, choice) {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  const problem = rangeProblem(choice);
  const [low, high] = problem ? [null, null] : [typedPercent(choice.least), typedPercent(choice.most)];
  const key = choice.setting.split(":")[0];
  return rows.filter((row) => {
    if (!row.network && !choice.deleted) return false;
    if (choice.state && (choice.state === "unfinished" ? !isUnfinished(row.job) : row.job.state !== choice.state)) return false;
    if (choice.setting && (row.settings[key] === undefined || settingChoice(key, row.settings[key]) !== choice.setting)) return false;
    const { accuracy } = row.job;
    if (low !== null && !(isNumber(accuracy) && accuracy * 100 >= low - 1e-9)) return false;
    if (high !== null && !(isNumber(accuracy) && accuracy * 100 <= high + 1e-9)) return false;
    if (!words.length) return true;
    const found = wordsOf(row);
    return words.every((word) => found.includes(word));
  });
}

/** The rows in the order of a column; those without a value last, equal ones newest first. @param {Row[]} rows newest first @param {string} sort */
export function sorted(rows, sort) {
  const column = COLUMNS.find(({ key }) => key === sort.replace(/^-/, ""));
  const way = sort.startsWith("-") ? -1 : 1;
  return rows
    .map((row, i) => ({ row, i, value: column.value(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null) || a.i - b.i;
      if (typeof a.value === "string") return way * a.value.localeCompare(String(b.value), "en", { numeric: true }) || a.i - b.i;
      return way * (a.value - Number(b.value)) || a.i - b.i;
    })
    .map(({ row }) => row);
}

/** The order after a press on a column's heading: the other way round where it is sorted by already. @param {string} sort @param {string} key */
export function sortAfter(sort, key) {
  if (sort === key) return `-${key}`;
  if (sort === `-${key}`) return key;
  return COLUMNS.find((column) => column.key === key)?.down ? `-${key}` : key;
}

/** @param {string} sort @param {string} key @returns {"ascending"|"descending"|"none"} */
export function ariaSort(sort, key) {
  return sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
}
