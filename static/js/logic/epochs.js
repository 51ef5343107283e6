/**
 * Where a run stands among its epochs, said in one way all over the page: "epoch 23 of 30" is the one under way, from 1,
 * and "22 of 30 epochs finished" is said of a run that is between two epochs or over. Records and events count finished
 * epochs only, and the finished mini-batches of the one after them.
 */

import { count, isNumber, plural } from "./format.js";

/** @typedef {import("./jobs.js").Job} Job */

const RESTING = new Set(["queued", "paused", "interrupted"]);

/** The epoch under way, from 1; null of a run that is between two epochs or over. @param {Job} job @returns {number|null} */
export function epochUnderWay(job) {
  const finished = job.epoch ?? 0;
  if (isNumber(job.total_epochs) && finished >= job.total_epochs) return null;
  return job.state === "running" || (RESTING.has(job.state) && job.batch > 0) ? finished + 1 : null;
}

/** For a list of figures: ["Epoch", "23 of 30"] or ["Epochs finished", "22 of 30"]. @param {Job} job @returns {[name: string, value: string]} */
export function epochFigure(job) {
  const under = epochUnderWay(job);
  return under === null ? ["Epochs finished", epochsFinished(job)] : ["Epoch", `${count(under)} of ${count(job.total_epochs)}`];
}

/** "22 of 30", in whatever state the run is. @param {Job} job */
export function epochsFinished(job) {
  return `${count(job.epoch ?? 0)} of ${count(job.total_epochs)}`;
}

/** "epoch 23 of 30" or "22 of 30 epochs finished". @param {Job} job */
export function epochWords(job) {
  const under = epochUnderWay(job);
  return under === null ? `${count(job.epoch ?? 0)} of ${plural(job.total_epochs, "epoch")} finished` : `epoch ${count(under)} of ${count(job.total_epochs)}`;
}

/** The same to the mini-batch: "epoch 23 of 30, 28 of 5,000 mini-batches finished". @param {Job} job */
export function placeWords(job) {
  if (epochUnderWay(job) === null || !(job.batch > 0)) return epochWords(job);
  const noun = (job.batches ?? job.batch) === 1 ? "mini-batch" : "mini-batches";
  return `${epochWords(job)}, ${count(job.batch)}${isNumber(job.batches) ? ` of ${count(job.batches)}` : ""} ${noun} finished`;
}
