/** A gallery of test digits with what the network takes them for; a press puts one on the pad. */

import { html } from "lit/html.js";

import { count, plural } from "../logic/format.js";
import { checkIcon, crossIcon } from "./icons.js";

/** @param {Record<string, any>} network @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function galleryView(network, state, act) {
  const id = network.network_id;
  const { status, samples, predictions, error } = state.galleries[id] ?? { status: "loading", samples: [], predictions: [], error: "" };
  const wrong = samples.filter((sample, i) => sample.label !== predictions[i]?.predicted_digit).length;
  return html`<section class="card gallery-card" aria-labelledby="gallery-title" aria-busy=${status === "loading" ? "true" : "false"}>
    <div class="run-head">
      <h2 id="gallery-title">Test digits, as this network reads them</h2>
      <button class="button" type="button" title="Shows other digits of the test set, chosen at random." @click=${() => act.gallery(id)}>${status === "error" ? "Try again" : "Others"}</button>
    </div>
    ${samples.length
      ? html`<p class="help">${plural(samples.length - wrong, "digit")} read rightly, ${wrong} wrongly. Choose one to put it on the paper.</p>
          <ul class="gallery">${samples.map((sample, i) => html`<li>${sampleView(sample, predictions[i].predicted_digit, act)}</li>`)}</ul>`
      : html`<p class="empty" role="status">${status === "error" ? error : "Choosing digits of the test set\u2026"}</p>`}
  </section>`;
}

/** @param {import("../store.js").Sample} sample @param {number} predicted @param {import("../actions.js").Actions} act */
function sampleView(sample, predicted, act) {
  const right = sample.label === predicted;
  const words = right ? `a ${sample.label}, read rightly` : `a ${sample.label}, wrongly read as ${predicted}`;
  const choose = () => {
    act.takeSample(sample);
    document.querySelector(".drawing")?.scrollIntoView({ block: "nearest" });
  };
  return html`<button class="sample" type="button" title="Test image ${count(sample.index)}: ${words}. Puts it on the paper." aria-label="Test digit, ${words}" @click=${choose}>
    <img class="pixels" width="56" height="56" src=${sample.url} alt="">
    <span class="sample-words ${right ? "right" : "wrong"}">${right ? checkIcon : crossIcon}<span>${right ? "rightly" : `as ${predicted}`}</span></span>
  </button>`;
}
