/**
 * What the page makes of the link of a lesson, and what it says about the run. `form <query>` prints the bodies of the
 * two requests that the form would send; `said` reads a network, a job and its events from stdin and prints the hints.
 */

import { readFileSync } from "node:fs";

import { formFromQuery } from "../../static/js/logic/experiments.js";
import { checkNetwork, checkTraining, effectiveRate } from "../../static/js/logic/forms.js";
import { hints } from "../../static/js/logic/hints.js";
import { applyEvent, emptyHistory } from "../../static/js/logic/history.js";

const answers = {
  form() {
    const { values, ignored } = formFromQuery(Object.fromEntries(new URLSearchParams(process.argv[3])));
    const training = checkTraining({ ...values, learning_rate: effectiveRate(values) });
    return { network: checkNetwork(values).body, training: training.body, ignored };
  },
  said() {
    const { network, job, events } = JSON.parse(readFileSync(0, "utf8"));
    const history = emptyHistory();
    for (const { event, data } of events) applyEvent(history, event, data);
    return hints(network, job, history.epochs).map(({ text, tryText, offer }) => [text, tryText, offer?.label ?? ""].join(" "));
  },
};

console.log(JSON.stringify(answers[process.argv[2]]()));
