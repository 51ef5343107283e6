/**
 * What a person does with whole experiments: opens one from a link, copies its link, makes it once more with the same
 * start, as it was, with a change that a hint offers, or with one of their own; and trains ten epochs more.
 */

import { changeWords, experimentHref, formFromQuery, nameAfter, sameStart, startNote, wasChanged } from "./logic/experiments.js";
import { checkNetwork, checkTraining, emptyCreateForm, likeForm } from "./logic/forms.js";
import { emptyForm } from "./store.js";

export const MORE_EPOCHS = 10;

/**
 * @param {object} parts
 * @param {import("./store.js").Store} parts.store
 * @param {(href: string) => void} parts.go
 * @param {Pick<import("./actions.js").Actions, "notify"|"once"|"createAndGo"|"startTraining">} parts.basics
 * @param {(text: string) => Promise<void>} parts.copy to the clipboard
 * @param {() => string} parts.place the page's address without its fragment
 */
export function createExperiments({ store, go, basics, copy, place }) {
  const { state, update } = store;
  const { notify, once, createAndGo, startTraining } = basics;

  /** @param {string} key @param {Record<string, string>} values of the form */
  function createFrom(key, values) {
    return once(key, async () => {
      const network = checkNetwork(values);
      const training = checkTraining(values);
      const wrong = Object.values({ ...network.errors, ...training.errors });
      if (wrong.length) return notify("error", wrong.join(" "));
      try {
        await createAndGo(network.body, training.body);
      } catch (error) {
        notify("error", error.message);
      }
    });
  }

  return {
    /** Fills the form from the address, unless it is what the form says. @param {import("./logic/routes.js").Route} route */
    openLink(route) {
      if (route.view !== "new" || !Object.keys(route.query).length) return;
      const { values, ignored } = formFromQuery(route.query);
      const form = state.forms.create;
      if (!ignored.length && experimentHref(values) === experimentHref(form.values)) return;
      update((s) => { s.forms.create = { ...emptyForm(values), ignored }; });
    },

    /** The address that the form for a new network has now; none while nothing was chosen. */
    linkOfForm() {
      const href = experimentHref(state.forms.create.values);
      return href === experimentHref(emptyCreateForm()) ? "#/new" : href;
    },

    /** @param {string} href */
    async copyLink(href) {
      const link = `${place()}${href}`;
      try {
        await copy(link);
        notify("info", "The link to this experiment was copied. Whoever opens it gets the form with these settings.");
      } catch {
        notify("error", `This browser does not let the page copy. The link is ${link}`);
      }
    },

    /** @param {Record<string, any>} network @param {Record<string, any>} job */
    copyRunLink(network, job) {
      return this.copyLink(experimentHref({ ...sameStart(network, job), name: network.name ?? "" }));
    },

    /** A new network with the same first weights, the same order of the images and the settings that the run began with. @param {Record<string, any>} network @param {Record<string, any>} job */
    sameAgain: (network, job) => createFrom(`again:${job.job_id}`, { ...sameStart(network, job), name: nameAfter(network, "again") }),

    /** The form for the same start; the person makes the change. @param {Record<string, any>} network @param {Record<string, any>} job */
    oneChange(network, job) {
      const values = sameStart(network, job);
      const note = startNote(network, wasChanged(job));
      update((s) => { s.forms.create = { ...emptyForm(values), note }; });
      go(experimentHref(values));
    },

    /**
     * The same start with a change that was offered, trained at once.
     * @param {Record<string, any>} network @param {Record<string, any>} job @param {Record<string, string>} changes by field of the form
     */
    tryChange: (network, job, changes) =>
      createFrom(`try:${job.job_id}`, { ...sameStart(network, job), ...changes, name: nameAfter(network, changeWords(changes)) }),

    /** Goes on from the present weights with the settings of the last run. @param {Record<string, any>} network @param {Record<string, any>} job */
    more: (network, job) =>
      once(`train:${network.network_id}`, async () => {
        const values = { ...likeForm(network, job), epochs: String(MORE_EPOCHS) };
        if (!(Number(values.warm_up) < MORE_EPOCHS)) values.warm_up = "0";
        const { errors, body } = checkTraining(values);
        const wrong = Object.values(errors);
        if (wrong.length) return notify("error", wrong.join(" "));
        try {
          await startTraining(network.network_id, body);
        } catch (error) {
          notify("error", error.message);
        }
      }),
  };
}
