/** What a person can do under Inside: have the next step of a paused run explained, and the gradients checked. */

/** What is explained when no neuron is kept: the first output. @param {Record<string, any>} network @param {import("./store.js").State} state */
export function chosenNeuron(network, state) {
  return state.watching.pins[network.network_id] ?? { layer: network.architecture.length - 1, neuron: 0 };
}

/** The image and the weight that were chosen; a weight of another layer does not count. @param {Record<string, any>} network @param {import("./store.js").State} state @returns {{image: number, input: number|null}} */
export function chosenSums(network, state) {
  const { image, layer, input } = state.explaining[network.network_id] ?? { image: 0, layer: 0, input: null };
  return { image, input: layer === chosenNeuron(network, state).layer ? input : null };
}

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {Pick<typeof import("./api.js").api, "explanation"|"gradientCheck">} parts.api
 */
export function createInsight({ store, api }) {
  const { state, update } = store;
  /** What was last asked for, by network id: answers to earlier questions come too late. @type {Map<string, string>} */
  const asked = new Map();

  return {
    /** Asks for the explanation that the view needs, unless it is there or on its way. @param {Record<string, any>} network */
    async readExplanation(network) {
      const id = network.network_id;
      const job = state.jobs[network.active_job_id];
      if (job?.state !== "paused") return void asked.delete(id);
      const { layer, neuron } = chosenNeuron(network, state);
      const key = JSON.stringify([job.job_id, job.step, job.learning_rate, job.momentum, job.mini_batch_size, layer, neuron]);
      if (asked.get(id) === key && state.explanations[id]) return;
      asked.set(id, key);
      const before = state.explanations[id]?.data ?? null;
      update((s) => { s.explanations[id] = { status: "loading", data: before, error: "" }; });
      try {
        const data = await api.explanation(job.job_id, layer, neuron, chosenSums(network, state).input);
        if (asked.get(id) === key) update((s) => { s.explanations[id] = { status: "ready", data, error: "" }; });
      } catch (error) {
        if (asked.get(id) === key) update((s) => { s.explanations[id] = { status: "error", data: null, error: error.message }; });
      }
    },

    /** Shows every number of another image or weight. @param {Record<string, any>} network @param {{image?: number, input?: number}} choice */
    chooseSums(network, choice) {
      const { layer } = chosenNeuron(network, state);
      update((s) => { s.explaining[network.network_id] = { ...chosenSums(network, state), ...choice, layer }; });
    },

    /** @param {string} id of a network */
    async checkGradients(id) {
      const before = state.checks[id]?.data ?? null;
      update((s) => { s.checks[id] = { status: "loading", data: before, error: "" }; });
      try {
        const data = await api.gradientCheck(id);
        update((s) => { s.checks[id] = { status: "ready", data, error: "" }; });
      } catch (error) {
        update((s) => { s.checks[id] = { status: "error", data: before, error: error.message }; });
      }
    },
  };
}
