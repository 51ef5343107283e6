/** All runs as a table: sorted by the headings, chosen by checkboxes. */

import { html, nothing } from "lit/html.js";
import { repeat } from "lit/directives/repeat.js";

import { COLUMNS, ROWS, ariaSort, rowName, sortAfter } from "../logic/compare.js";
import { epochsFinished } from "../logic/epochs.js";
import { ago, count, duration, loss, moment, percent } from "../logic/format.js";
import { stateWord } from "../logic/jobs.js";
import { networkHref } from "../logic/routes.js";
import { SETTINGS, courseOf } from "../logic/settings.js";

const settingColumn = (key) => {
  const setting = SETTINGS.find((one) => one.key === key);
  return ({ settings }) => {
    const [first, ...steps] = courseOf(setting, settings, "short");
    return html`${first} ${steps.length ? html`<span class="help">\u2192 ${steps.join(" \u2192 ")}</span>` : nothing}`;
  };
};

/** What stands in a cell. @type {Record<string, (row: import("../logic/compare.js").Row, now: number) => unknown>} */
const CELLS = {
  accuracy: ({ job }) => percent(job.accuracy),
  state: ({ job }) => html`<span class="state ${job.state}">${stateWord(job)}</span>`,
  epoch: ({ job }) => epochsFinished(job),
  loss: ({ job }) => loss(job.loss),
  learning_rate: settingColumn("learning_rate"),
  mini_batch_size: settingColumn("mini_batch_size"),
  optimizer: settingColumn("optimizer"),
  activation: settingColumn("activation"),
  elapsed_time: ({ job }) => duration(job.elapsed_time),
  created_at: ({ job }, now) => html`<span title=${moment(job.created_at)}>${ago(job.created_at, now)}</span>`,
};
const NUMBERS = new Set(["accuracy", "epoch", "loss", "learning_rate", "mini_batch_size", "elapsed_time"]);
const TITLES = {
  accuracy: "of the test set after its last epoch",
  loss: "the mean over the training images in its last epoch",
  learning_rate: "what the run began with",
  mini_batch_size: "what the run began with",
  created_at: "when it was queued",
};

/**
 * @param {import("../logic/compare.js").Row[]} rows filtered and sorted @param {import("../logic/compare.js").Choice} choice
 * @param {import("../store.js").State} state @param {import("../actions.js").Actions} act @param {number} now
 */
export function runsTable(rows, choice, state, act, now) {
  const shown = rows.slice(0, state.comparing.rows);
  const chosen = new Set(choice.runs);
  const every = shown.length > 0 && shown.every(({ id }) => chosen.has(id));
  const some = !every && shown.some(({ id }) => chosen.has(id));
  return html`<div class="table-place" role="region" aria-label="Table of all runs" tabindex="0">
      <table class="table">
        <thead><tr>
          <th scope="col"><input type="checkbox" aria-label="Choose all shown runs" title="Chooses all runs that are shown, or none of them." .checked=${every} .indeterminate=${some}
            @change=${(event) => act.chooseRuns(shown.map(({ id }) => id), event.target.checked)}></th>
          ${COLUMNS.map(({ key, name }) => html`<th scope="col" class=${NUMBERS.has(key) ? "number" : ""} aria-sort=${ariaSort(choice.sort, key)}>
            <button type="button" title=${`Sorts by this column${TITLES[key] ? `: ${TITLES[key]}` : ""}; pressed again, the other way round.`}
              @click=${() => act.compare({ sort: sortAfter(choice.sort, key) })}>${name}<span class="way" aria-hidden="true"></span></button></th>`)}
        </tr></thead>
        <tbody>
          ${repeat(shown, ({ id }) => id, (row) => html`<tr class=${chosen.has(row.id) ? "chosen" : ""}>
            <td><input type="checkbox" aria-label="Choose ${rowName(row)}" title="Chooses this run for comparison." .checked=${chosen.has(row.id)}
              @change=${(event) => act.chooseRuns([row.id], event.target.checked)}></td>
            <th scope="row">${nameView(row)}</th>
            ${COLUMNS.slice(1).map(({ key }) => html`<td class=${NUMBERS.has(key) ? "number" : ""}>${CELLS[key](row, now)}</td>`)}
          </tr>`)}
        </tbody>
      </table>
    </div>
    ${rows.length > shown.length
      ? html`<p class="actions"><button class="button" type="button" title="Shows more rows of this table." @click=${act.moreRows}>${Math.min(ROWS, rows.length - shown.length)} more</button>
          <span class="help">${count(shown.length)} of ${count(rows.length)} shown</span></p>`
      : nothing}`;
}

/** @param {import("../logic/compare.js").Row} row */
function nameView(row) {
  // A long name is cut, and not which run it is.
  const name = html`<span>${row.name}</span>${row.number ? `, run\u00a0${row.number}` : nothing}`;
  if (!row.network) return html`<span class="run-name">${name}</span>`;
  const architecture = row.network.architecture.join("-");
  return html`<a class="run-name" href=${networkHref(row.network.network_id, "learn", row.id)} title="${rowName(row)}: shows this run by itself.">${name}</a>
    ${row.network.name ? html`<span class="help" title=${architecture}>${architecture}</span>` : nothing}`;
}
