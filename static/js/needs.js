/**
 * What the shown view needs and the state does not hold yet is asked for here, after each render: the runs of
 * the network, the epochs of the shown run, the two examples and all answers, the gallery, what the network makes of the drawing,
 * and the small curves of the list.
 */

import { choiceIn as comparedIn } from "./logic/compare.js";
import { choiceIn, choiceKey } from "./logic/evaluation.js";
import { isUnfinished } from "./logic/jobs.js";
import { MOST_RUNS } from "./logic/lines.js";
import { networkById, runsOf } from "./store.js";

const ASK_AGAIN_MS = 3_000;
const SMALL_CURVES = 12;

/**
 * @param {import("./store.js").State} state
 * @param {import("./actions.js").Actions} actions
 */
export function createNeeds(state, actions) {
  /** When the epochs of a job, or what no answer came to, was last asked for. @type {Map<string, number>} */
  const asked = new Map();

  /** @param {string} jobId @returns {boolean} whether it was asked for now */
  function epochs(jobId) {
    if (state.histories[jobId]?.complete) return false;
    const now = Date.now();
    if (now - (asked.get(jobId) ?? 0) < ASK_AGAIN_MS) return true;
    asked.set(jobId, now);
    void actions.catchUp(jobId);
    return true;
  }

  /** Whether something that the server did not hear is to be asked again, now and then. @param {string} what @param {{unheard?: boolean}|undefined} place */
  function again(what, place) {
    if (!place?.unheard || Date.now() - (asked.get(what) ?? 0) < ASK_AGAIN_MS) return false;
    asked.set(what, Date.now());
    return true;
  }

  /** One after the other, so that a long list does not ask for everything at once. */
  function smallCurves() {
    for (const network of (state.networks ?? []).slice(0, SMALL_CURVES)) {
      const run = runsOf(state, network.network_id)[0];
      if (run && !isUnfinished(run) && epochs(run.job_id)) return;
    }
  }

  /** All runs, and the epochs of those that are compared. */
  function compared() {
    const { runs } = comparedIn(state.route.query);
    if (state.comparing.status === "idle" || again("runs", state.comparing)) void actions.readAllRuns();
    else actions.readRunsById(runs);
    for (const id of runs.slice(0, MOST_RUNS)) if (state.jobs[id]) epochs(id);
  }

  return () => {
    if (state.needsToken || state.connection === "lost") return;
    if (state.route.view === "compare") compared();
    const network = networkById(state, state.route.id);
    if (network) {
      const id = network.network_id;
      void actions.readRuns(id);
      if (state.route.tab === "learn") {
        const runs = runsOf(state, id);
        const shown = runs.find((job) => job.job_id === state.route.run) ?? runs[0];
        if (shown) epochs(shown.job_id);
      } else if (state.route.tab === "inside") {
        void actions.readExplanation(network);
        const [latest] = runsOf(state, id);
        if (latest) epochs(latest.job_id);
      } else if (state.route.tab === "draw") {
        void actions.readDrawing(id);
        if (!state.galleries[id]) void actions.gallery(id);
      } else {
        const examples = state.examples[id];
        for (const kind of ["right", "wrong"]) if ((examples?.[kind].status ?? "idle") === "idle") void actions.example(id, kind);
        if (!state.evaluations[id] || again(`evaluation:${id}`, state.evaluations[id])) void actions.evaluate(id);
        const choice = choiceIn(state.route.query);
        if (state.answers[id]?.key !== choiceKey(choice) || again(`answers:${id}`, state.answers[id])) void actions.readAnswers(id, choice);
      }
    }
    smallCurves();
  };
}
