/**
 * What a network makes of all test digits: the confusion matrix, whose cells open their pictures, the accuracy of each
 * digit, what the last epoch changed, and the pictures that are chosen, with label, prediction and confidence.
 */

import { html, nothing } from "lit/html.js";
import { repeat } from "lit/directives/repeat.js";

import {
  PAGE, cellWords, choiceHref, choiceIn, choiceTitle, digitRows, emptyWords, entryCell, nextCell, shades, sortHint, sortsOf, sureWords,
} from "../logic/evaluation.js";
import { count, percent, plural } from "../logic/format.js";
import { networkHref, withQuery } from "../logic/routes.js";
import { watchedQuery } from "../logic/watched.js";
import { checkIcon, crossIcon } from "./icons.js";

/** @param {Record<string, any>} network @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function evaluationView(network, state, act) {
  const id = network.network_id;
  const { status, data, error } = state.evaluations[id] ?? { status: "loading", data: null, error: "" };
  const choice = choiceIn(state.route.query);
  if (!data) {
    return html`<section class="card blank" aria-label="All test digits" aria-busy=${status === "loading" ? "true" : "false"}>
      ${status === "error"
        ? html`<div><p class="empty" role="status">${error}</p>
            <p class="actions centred"><button class="button" type="button" title="Asks the server again." @click=${() => act.evaluate(id)}>Try again</button></p></div>`
        : html`<p class="empty" role="status">Counting what the network makes of all 10,000 test digits\u2026</p>`}
    </section>`;
  }
  return html`
    <div class="evaluation" @click=${toPictures}>
      ${matrixView(id, data, choice, state, act)}
      ${digitsView(id, data)}
    </div>
    ${answersView(network, data, choice, state, act)}
  `;
}

/** Brings the pictures into view, and leaves the focus where it is: in the matrix, for whoever goes through it by keys. @param {MouseEvent} event */
function toPictures(event) {
  if (/** @type {HTMLElement} */ (event.target).closest("a")) document.getElementById("answers-title")?.scrollIntoView({ block: "center" });
}

/** @param {string} id @param {Record<string, any>} data @param {import("../logic/evaluation.js").Choice} choice @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function matrixView(id, { confusion_matrix: matrix, correct, total, accuracy }, choice, state, act) {
  const shaded = shades(matrix);
  const entry = entryCell(matrix, choice, state.matrixCell);
  const chosen = (actual, predicted) => !choice.outcome && choice.actual === String(actual) && choice.predicted === String(predicted);
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const from = cellOf(event.target);
    const to = from && !event.altKey && !event.ctrlKey && !event.metaKey ? nextCell(matrix, from, event.key) : null;
    if (!to) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (event.currentTarget).querySelector(`[data-cell="${to.join("-")}"]`)?.focus();
  };
  /** @param {FocusEvent} event */
  const onFocus = (event) => {
    const cell = cellOf(event.target);
    if (cell) act.visitCell(cell);
  };
  return html`<section class="card matrix-card" aria-labelledby="matrix-title">
    <h2 id="matrix-title">Confusion matrix</h2>
    <p class="help" id="matrix-help">Of ${count(total)} test digits ${count(correct)} are read rightly, ${percent(accuracy, 2)}. A row is what digits are, a column what
      they are taken for. Choose a number to see its pictures; arrow keys lead from one to the next.</p>
    <table class="matrix" aria-labelledby="matrix-title" aria-describedby="matrix-help" @keydown=${onKey} @focusin=${onFocus}>
      <thead>
        <tr><td></td><th colspan="10" scope="colgroup">Taken for</th></tr>
        <tr><th scope="col">Label</th>${matrix.map((_, predicted) => html`<th scope="col">${predicted}</th>`)}</tr>
      </thead>
      <tbody>
        ${matrix.map((row, actual) => html`<tr>
          <th scope="row">${actual}</th>
          ${row.map((n, predicted) => {
            const words = cellWords(actual, predicted, n);
            const current = chosen(actual, predicted);
            const reached = entry[0] === actual && entry[1] === predicted;
            return html`<td class="${actual === predicted ? "right" : n ? "wrong" : "none"}" .style=${`--share: ${shaded[actual][predicted]}%`}>
              ${n
                ? html`<a href=${choiceHref(id, { actual: String(actual), predicted: String(predicted) })} data-cell="${actual}-${predicted}" tabindex=${reached ? "0" : "-1"}
                    aria-current=${current ? "true" : nothing} aria-label=${words} title="${words}. Shows their pictures.">${n}</a>`
                : html`<span>0</span>`}
            </td>`;
          })}
        </tr>`)}
      </tbody>
    </table>
    <p class="help"><span class="swatch right" aria-hidden="true"></span>framed: read rightly <span class="swatch wrong" aria-hidden="true"></span>shaded: mistakes, the more the stronger</p>
  </section>`;
}

/** @param {EventTarget} target @returns {[number, number]|null} */
function cellOf(target) {
  const cell = /** @type {HTMLElement} */ (target).closest?.("[data-cell]")?.getAttribute("data-cell");
  return cell ? /** @type {[number, number]} */ (cell.split("-").map(Number)) : null;
}

/** @param {string} id @param {Record<string, any>} data */
function digitsView(id, { digits }) {
  return html`<section class="card digits-card" aria-labelledby="digits-title">
    <h2 id="digits-title">Accuracy of each digit</h2>
    <table class="outputs digits" aria-labelledby="digits-title">
      <thead><tr><th scope="col">Digit</th><th scope="col">Read rightly</th><th scope="col">Mistakes</th></tr></thead>
      <tbody>
        ${digitRows(digits).map(({ digit, share, text, of, wrong, meaning }) => html`<tr>
          <th scope="row">${digit}</th>
          <td><span class="bar" aria-hidden="true"><span .style=${`transform: scaleX(${share.toFixed(4)})`}></span></span><span class="value">${text}</span>
            <span class="of">${of}${meaning ? html`, <strong>${meaning}</strong>` : nothing}</span></td>
          <td>${wrong
            ? html`<a href=${choiceHref(id, { actual: String(digit), outcome: "wrong" })} aria-label="${plural(wrong, "mistake")} with the digit ${digit}" title="Shows the ${digit}s that are taken for others.">${count(wrong)}</a>`
            : "0"}</td>
        </tr>`)}
      </tbody>
    </table>
  </section>`;
}

/** @param {Record<string, any>} network @param {Record<string, any>} data @param {import("../logic/evaluation.js").Choice} choice @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function answersView(network, { correct, total: all, changed }, choice, state, act) {
  const id = network.network_id;
  const { status, list, total, error } = state.answers[id] ?? { status: "loading", list: [], total: 0, error: "" };
  const loading = status === "loading";
  const left = Math.min(PAGE, total - list.length);
  const more = () => act.readAnswers(id, choice);
  return html`<section class="card answers-card" aria-labelledby="answers-title" aria-busy=${loading ? "true" : "false"}>
    <nav class="choices" aria-label="Which pictures are shown">
      ${choiceLink(id, choice, { outcome: "wrong" }, "Mistakes", all - correct, "Shows what the network gets wrong.")}
      ${changed.known
        ? html`${choiceLink(id, choice, { outcome: "turned_wrong" }, "Right to wrong", changed.turned_wrong, "Shows what was read rightly before the last epoch, and no more after it.")}
            ${choiceLink(id, choice, { outcome: "turned_right" }, "Wrong to right", changed.turned_right, "Shows what was a mistake before the last epoch, and no more after it.")}`
        : nothing}
      ${choiceLink(id, choice, { outcome: "right" }, "Read rightly", correct, "Shows what the network gets right.")}
    </nav>
    <div class="run-head">
      <h2 id="answers-title" tabindex="-1">${choiceTitle(choice)}${list.length || !loading ? html`<span class="state">${count(total)}</span>` : nothing}</h2>
      <label class="sort">Order
        <select title="In which order the pictures are shown. ${sortHint(network)}" @change=${(event) => act.go(choiceHref(id, { ...choice, sort: event.target.value }))}>
          ${sortsOf(network).map(([key, words]) => html`<option value=${key} ?selected=${key === choice.sort}>${words}</option>`)}
        </select></label>
    </div>
    ${changed.known ? nothing : html`<p class="help">What the last epoch changed is known after a run of two epochs or more.</p>`}
    ${list.length ? html`<ul class="answers">${repeat(list, (answer) => answer.example_index, (answer) => answerView(network, answer, state.watching.pins[id]))}</ul>` : nothing}
    ${status === "error" ? html`<p class="empty" role="status">${error}</p>` : nothing}
    ${!list.length && loading ? html`<p class="empty" role="status">Reading the pictures\u2026</p>` : nothing}
    ${!list.length && status === "ready" ? html`<p class="empty" role="status">${emptyWords(choice, changed.known)}</p>` : nothing}
    <div class="actions">
      ${status === "error"
        ? html`<button class="button" type="button" title="Asks the server again." @click=${more}>Try again</button>`
        : left > 0
          ? html`<button class="button" type="button" aria-disabled=${loading ? "true" : "false"} data-then="answers-title" title="Shows the next pictures." @click=${more}>${loading ? "Reading\u2026" : `${left} more`}</button>`
          : nothing}
      ${list.length ? html`<p class="help" role="status">${count(list.length)} of ${count(total)} shown</p>` : nothing}
    </div>
  </section>`;
}

/** @param {string} id @param {import("../logic/evaluation.js").Choice} choice @param {Partial<import("../logic/evaluation.js").Choice>} to @param {string} words @param {number} n @param {string} title */
function choiceLink(id, choice, to, words, n, title) {
  const current = !choice.actual && !choice.predicted && choice.outcome === to.outcome;
  return html`<a href=${choiceHref(id, { ...to, sort: choice.sort })} aria-current=${current ? "true" : nothing} title=${title}>${words} <span>${count(n)}</span></a>`;
}

/** A picture with what is said of it; it leads to the drawing of the network, with this digit going through. @param {Record<string, any>} network @param {Record<string, any>} answer @param {{layer: number, neuron: number}|null|undefined} pin the neuron that is kept */
function answerView(network, answer, pin) {
  const { example_index: index, actual_digit: label, predicted_digit: predicted, previous_digit: previous, correct, image_data: image } = answer;
  return html`<li><a class="answer" href=${withQuery(networkHref(network.network_id, "learn"), watchedQuery(index, pin))} title="Shows how this digit goes through the network.">
    <img class="pixels" width="72" height="72" src="data:image/png;base64,${image}" alt="Handwritten ${label}, test image ${index}">
    <span class="sample-words ${correct ? "right" : "wrong"}">${correct ? checkIcon : crossIcon}${label}, read as ${predicted}</span>
    <span class="help">${sureWords(network, answer)}</span>
    ${previous !== null && previous !== predicted ? html`<span class="help">before: ${previous}</span>` : nothing}
  </a></li>`;
}
