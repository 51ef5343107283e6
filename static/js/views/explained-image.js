/** One step, explained: the images of the mini-batch in a table, and of the one that is chosen all sums and formulas. */

import { html, nothing } from "lit/html.js";

import { activationLines, backSum, deltaLine, dropoutWord, dropoutWords, slopeWords, targetWords, weightedSum } from "../logic/explained-image.js";
import { activationFormula, activationValue, exactly, logitWords, outputsAhead, shortName, tidy, totals } from "../logic/explained.js";
import { formula, lines } from "./formulas.js";

/**
 * @param {Record<string, any>} said @param {number} chosen the place of an image @param {Record<string, any>|null} weight
 * @param {(place: number) => void} onChoose
 */
export function imagesTable(said, chosen, weight, onChoose) {
  const isOutput = said.examples[0]?.target != null;
  const hasDropout = said.examples[0]?.dropout_factor != null;
  const before = 4 + (isOutput ? 1 : 0) + (hasDropout ? 1 : 0);
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Numbers of each image"><table class="numbers">
    <thead><tr>
      <th scope="col">Image</th><th scope="col">Label</th><th scope="col">z = \u03a3 w\u00a0x + b</th><th scope="col">${formula(activationFormula(said))}</th>
      ${isOutput ? html`<th scope="col">y</th>` : nothing}${hasDropout ? html`<th scope="col">Dropout, d</th>` : nothing}
      <th scope="col">\u03b4 = \u2202C/\u2202z</th>${weight ? html`<th scope="col">x, ${shortName(said, weight.input)}</th><th scope="col">x\u00a0\u03b4</th>` : nothing}
    </tr></thead>
    <tbody>${said.examples.map((example, place) => html`<tr>
      <th scope="row"><label class="row-choice"><input type="radio" name="explained-image" aria-label="Image ${place + 1}, a ${example.label}" title="Shows the sums of this image." .checked=${place === chosen} @change=${() => onChoose(place)}>
        <img class="tiny" width="28" height="28" src="data:image/png;base64,${example.image_data}" alt="Training image ${example.index}"></label></th>
      <td>${example.label}</td><td>${exactly(example.z)}</td><td>${activationValue(said, example)}</td>
      ${isOutput ? html`<td>${tidy(example.target)}</td>` : nothing}${hasDropout ? html`<td>${dropoutWord(example)}</td>` : nothing}
      <td>${exactly(example.delta)}</td>${weight ? html`<td>${exactly(weight.x[place])}</td><td>${exactly(product(weight.x[place], example.delta))}</td>` : nothing}
    </tr>`)}</tbody>
    <tfoot>${totals(said, weight).map((total) => html`<tr><th scope="row" colspan=${before}>${total.name}</th><td>${total.delta}</td>${weight ? html`<td></td><td>${total.product}</td>` : nothing}</tr>`)}</tfoot>
  </table></div>`;
}

/** @param {number|null} x @param {number|null} delta */
function product(x, delta) {
  return x === null || delta === null ? null : x * delta;
}

/** @param {Record<string, any>} said @param {number} place of the image in the mini-batch */
export function imageView(said, place) {
  const example = said.examples[place];
  if (!example) return nothing;
  const back = backSum(said, example);
  const words = [dropoutWords(said), back.length ? slopeWords(said) : targetWords(said)].filter(Boolean).join(" ");
  return html`
    <h3>Image ${place + 1} of the mini-batch, a ${example.label}: its sums</h3>
    <div class="sums">
      ${sumTable("z = \u03a3 w\u00a0x + b", ["from", "w", "x", "w\u00a0x"], weightedSum(said, example), "z", exactly(example.z))}
      ${back.length ? sumTable(`What comes back: \u03a3 w\u00a0\u03b4 over ${outputsAhead(said) ? "the outputs" : `hidden layer ${said.layer + 1}`}`, ["to", "w", "its \u03b4", "w\u00a0\u03b4"], back, "\u03a3 w\u00a0\u03b4", exactly(example.passed_back.sum)) : nothing}
    </div>
    <div class="formulas">
      ${example.logits ? lines("z of all outputs", [logitWords(example.logits)]) : nothing}
      ${lines("Forward", activationLines(said, example))}
      ${lines("Backward", [deltaLine(said, example)])}
    </div>
    ${words ? html`<p class="help">${words}</p>` : nothing}`;
}

/**
 * @param {string} name @param {string[]} heads @param {import("../logic/explained-image.js").Line[]} sum
 * @param {string} symbol of the whole @param {string} whole
 */
function sumTable(name, heads, sum, symbol, whole) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${name}><table class="numbers">
    <caption>${name}</caption>
    <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>${sum.map((line) => html`<tr><th scope="row">${line.name}</th>${line.factors.map((text) => html`<td>${text}</td>`)}<td>${line.term}</td></tr>`)}</tbody>
    <tfoot><tr><th scope="row" colspan="3">${symbol}, their sum</th><td>${whole}</td></tr></tfoot>
  </table></div>`;
}
