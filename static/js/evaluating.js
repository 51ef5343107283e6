/** Asks for what a network makes of the whole test set, and page by page for the pictures that are chosen. */

import { answersQuery, choiceKey } from "./logic/evaluation.js";
import { networkById } from "./store.js";

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {typeof import("./api.js").api} parts.api
 * @param {ReturnType<typeof import("./sync.js").createSync>} parts.sync
 */
export function createEvaluating({ store, api, sync }) {
  const { state, update } = store;

  /** @param {Error & {code?: string}} error */
  function readAgainIfGone(error) {
    if (error.code === "unknown_network") void sync.resync();
  }

  return {
    /** @param {string} networkId */
    evaluate: async (networkId) => {
      if (state.evaluations[networkId]?.status === "loading") return;
      const asked = { status: "loading", data: state.evaluations[networkId]?.data ?? null, error: "" };
      update((s) => { s.evaluations[networkId] = asked; });
      // A run that ended meanwhile took this place away: what comes now is about older weights.
      const settle = (found) => update((s) => { if (s.evaluations[networkId] === asked) s.evaluations[networkId] = found; });
      try {
        settle({ status: "ready", data: await api.evaluation(networkId), error: "" });
      } catch (error) {
        settle({ status: "error", data: null, error: error.message, unheard: error.status === 0 });
        readAgainIfGone(error);
      }
    },

    /** The first pictures of a choice, or the next ones. @param {string} networkId @param {import("./logic/evaluation.js").Choice} choice */
    readAnswers: async (networkId, choice) => {
      const key = choiceKey(choice);
      const before = state.answers[networkId];
      const same = before?.key === key ? before : null;
      if (same?.status === "loading") return;
      const asked = { key, status: "loading", list: same?.list ?? [], total: same?.total ?? 0, error: "", unheard: false };
      update((s) => { s.answers[networkId] = asked; });
      const settle = (found) => update((s) => { if (s.answers[networkId] === asked) s.answers[networkId] = { ...asked, ...found }; });
      try {
        const { answers, total } = await api.answers(networkId, answersQuery(networkById(state, networkId) ?? {}, choice, asked.list.length));
        settle({ status: "ready", list: [...asked.list, ...answers], total });
      } catch (error) {
        settle({ status: "error", error: error.message, unheard: error.status === 0 });
        readAgainIfGone(error);
      }
    },

    /** @param {[number, number]} cell of the confusion matrix that the keyboard has reached */
    visitCell: (cell) => {
      if (state.matrixCell?.join() !== cell.join()) update((s) => { s.matrixCell = cell; });
    },
  };
}
