/** The first visit: no network yet. One press creates the classic network and trains it. */

import { html } from "lit/html.js";

/** @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function welcomeView(state, act) {
  const busy = Boolean(state.busy.create);
  return html`<section class="welcome">
    <p class="overline">Two minutes to a network that reads digits</p>
    <h1 tabindex="-1">Train your first network</h1>
    <p class="lead">
      One press creates the classic network, 784 inputs, 30 hidden neurons and 10 outputs, and trains it on 50,000
      handwritten digits. You will watch its accuracy rise to about 95 % over 30 epochs, then see the digits it
      reads rightly and the ones it still gets wrong.
    </p>
    ${diagram}
    <p class="actions">
      <button class="button primary large" type="button" aria-disabled=${busy ? "true" : "false"} @click=${act.trainClassic}
        title="Creates a 784-30-10 network and trains it: 30 epochs, mini-batches of 10 images, learning rate 3.0.">
        ${busy ? "Starting\u2026" : "Create and train the classic network"}
      </button>
      <a class="button quiet large" href="#/new" title="Opens the form where you choose layers, activation, loss and training.">Design your own</a>
    </p>
    <p class="help">30 epochs, mini-batches of 10 images, learning rate 3.0, sigmoid neurons, quadratic cost. You can cancel at any time.</p>
  </section>`;
}

const diagram = html`<div class="path" role="img" aria-label="A picture of 28 by 28 pixels becomes 784 inputs, then 30 hidden neurons, then 10 outputs, one for each digit.">
  <div><strong>784</strong><span>pixels of a 28 \u00d7 28 picture</span></div>
  <div><strong>30</strong><span>hidden neurons</span></div>
  <div><strong>10</strong><span>outputs, one for each digit</span></div>
</div>`;
