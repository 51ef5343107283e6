/** The three settings of a run, as they stand in the form for a new network and under Learn. */

import { html } from "lit/html.js";

import { plain, typed } from "../logic/format.js";
import { textField } from "./fields.js";

/**
 * @param {object} parts
 * @param {(field: string) => any} parts.bind
 * @param {string} parts.rate the learning rate as it stands
 * @param {number} parts.suggested
 * @param {string} parts.kind "ReLU with cross-entropy"
 * @param {(value: string) => void} parts.onRate
 */
export function trainingFields({ bind, rate, suggested, kind, onRate }) {
  const other = rate.trim() !== "" && Number(rate) !== suggested;
  return html`<div class="fields three">
    ${textField({ ...bind("epochs"), label: "Epochs", inputmode: "numeric", help: "Passes over all 50,000 training images: 1 to 10,000." })}
    ${textField({ ...bind("mini_batch_size"), label: "Mini-batch size", inputmode: "numeric", unit: "images", help: "Images per step of the weights: 1 to 50,000." })}
    ${textField({
      ...bind("learning_rate"),
      value: rate,
      label: "Learning rate",
      inputmode: "decimal",
      help: "Length of each step: any number above 0.",
      extra: other
        ? html`<p class="help">${plain(suggested)} is a good start for ${kind}.
            <button class="link" type="button" data-then=${bind("learning_rate").id} title="Puts ${plain(suggested)} into the field." @click=${() => onRate(typed(suggested))}>Use ${plain(suggested)}</button></p>`
        : html`<p class="help">A good start for ${kind}.</p>`,
    })}
  </div>`;
}
