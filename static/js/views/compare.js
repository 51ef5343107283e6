/** Compare: all runs of all networks in one table, filtered and sorted; those that are chosen are shown side by side. */

import { html, nothing } from "lit/html.js";

import { STATES, choiceIn, compareHref, countWords, filtered, rangeProblem, rowsOf, settingOptions, sorted } from "../logic/compare.js";
import { count, plural } from "../logic/format.js";
import { comparedView } from "./compared.js";
import { binIcon, outIcon } from "./icons.js";
import { runsTable } from "./runs-table.js";

/** @param {import("../store.js").State} state @param {import("../actions.js").Actions} act @param {number} now */
export function compareView(state, act, now) {
  const choice = choiceIn(state.route.query);
  const { status, read, total, error } = state.comparing;
  const rows = rowsOf(Object.values(state.jobs), state.networks ?? [], status === "ready" && read >= total);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const chosen = choice.runs.flatMap((id) => byId.get(id) ?? []);
  const gone = choice.runs.length - chosen.length;
  const found = sorted(filtered(rows, choice), choice.sort);
  const deleted = rows.filter((row) => !row.network).length;
  return html`<article class="network">
    <header class="network-title">
      <h1 tabindex="-1">Compare runs</h1>
      <p class="facts"><span>${status === "ready" && state.networks ? countWords(rows, total) : "All runs of all networks"}</span></p>
    </header>
    ${status === "error"
      ? html`<div class="callout bad"><p>${error} <button class="link" type="button" title="Asks the server again." @click=${act.readAllRuns}>Try again</button></p></div>`
      : nothing}
    ${gone && status === "ready" ? html`<p class="callout">${gone === 1 ? "One run of this address does" : `${count(gone)} runs of this address do`} not exist on this server.</p>` : nothing}
    <section class="card all-runs" aria-labelledby="all-runs-title">
      <h2 id="all-runs-title" tabindex="-1">All runs</h2>
      ${rows.length || status === "ready" ? filterView(rows, found.length, deleted, choice, act) : nothing}
      ${chosenBar(chosen, new Set(found), choice, state, act)}
      ${found.length ? runsTable(found, choice, state, act, now) : html`<p class="empty" role="status">${emptyWords(rows, status)}</p>`}
      ${status === "ready" && read < total
        ? html`<p class="actions"><button class="button" type="button" title="Reads runs that began earlier." @click=${act.readAllRuns}>Read older runs</button>
            <span class="help">The newest ${count(read)} of ${count(total)} runs are listed.</span></p>`
        : nothing}
    </section>
    ${chosen.length ? comparedView(chosen, choice, state, act) : nothing}
  </article>`;
}

/** @param {import("../logic/compare.js").Row[]} rows @param {string} status */
function emptyWords(rows, status) {
  if (rows.some((row) => row.network)) return "No run fits the filter.";
  if (status !== "ready") return status === "error" ? "The runs could not be read." : "Reading the runs\u2026";
  return "Every training of every network will be listed here. There was none yet: create a network and train it.";
}

/** @param {import("../logic/compare.js").Row[]} rows @param {number} found @param {number} deleted @param {import("../logic/compare.js").Choice} choice @param {import("../actions.js").Actions} act */
function filterView(rows, found, deleted, choice, act) {
  const problem = rangeProblem(choice);
  const typed = (key) => (event) => act.compare({ [key]: event.target.value });
  const filters = choice.text || choice.setting || choice.state || choice.least || choice.most;
  const accuracy = (key, word, title) => html`<input type="text" inputmode="decimal" size="5" aria-label="Accuracy ${word}, percent" title=${title} placeholder=${word} .value=${choice[key]}
    aria-invalid=${problem ? "true" : "false"} aria-describedby="range-problem" @input=${typed(key)}>`;
  return html`<search class="filter" aria-label="Filter the runs">
    <div class="field"><label for="filter-text">Words</label><div class="control"><input id="filter-text" type="search" placeholder="name, layers, relu, adam \u2026" title="Shows runs in which all these words occur: in names and settings."
      .value=${choice.text} @input=${typed("text")}></div></div>
    <div class="field"><label for="filter-setting">Setting</label><div class="control"><select id="filter-setting" title="Shows runs that began with this setting." @change=${typed("setting")}>
      <option value="" ?selected=${!choice.setting}>any</option>
      ${settingOptions(rows).map(({ name, options }) => html`<optgroup label=${name}>
        ${options.map(([value, words]) => html`<option value=${value} ?selected=${value === choice.setting}>${name}: ${words}</option>`)}</optgroup>`)}
    </select></div></div>
    <div class="field"><label for="filter-state">State</label><div class="control"><select id="filter-state" title="Shows runs in this state." @change=${typed("state")}>
      <option value="" ?selected=${!choice.state}>any</option>
      ${STATES.map(([value, words]) => html`<option value=${value} ?selected=${value === choice.state}>${words}</option>`)}
    </select></div></div>
    <div class="field" role="group" aria-label="Accuracy"><span class="label">Accuracy, %</span><div class="control">
      ${accuracy("least", "at least", "Shows runs that read at least this share of the test set.")}${accuracy("most", "at most", "Shows runs that read at most this share of the test set.")}</div></div>
    <p class="error" id="range-problem" role="alert" ?hidden=${!problem}>${problem}</p>
    <div class="filter-foot">
      <p class="help" role="status">${filters ? `${plural(found, "run")} found` : `${plural(found, "run")}`}</p>
      ${filters ? html`<button class="link" type="button" title="Shows all runs again." data-then="all-runs-title" @click=${() => act.compare({ text: "", setting: "", state: "", least: "", most: "" })}>Clear the filter</button>` : nothing}
      ${deleted || choice.deleted
        ? html`<label class="tick"><input type="checkbox" .checked=${choice.deleted} title="Their figures are kept, their weights are not." @change=${(event) => act.compare({ deleted: event.target.checked })}>Also runs of deleted networks</label>`
        : nothing}
    </div>
  </search>`;
}

function toCurves() {
  const title = document.getElementById("curves-title");
  title?.scrollIntoView({ block: "start" });
  title?.focus({ preventScroll: true });
}

/** What can be done with the chosen runs, also with those that the filter hides. @param {import("../logic/compare.js").Row[]} chosen @param {Set<import("../logic/compare.js").Row>} found @param {import("../logic/compare.js").Choice} choice @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function chosenBar(chosen, found, choice, state, act) {
  if (!chosen.length) return html`<p class="chosen-bar none">Choose runs to see their curves together and the settings in which they differ, to export them, or to delete their networks.</p>`;
  const ids = chosen.map(({ id }) => id);
  const networks = [...new Set(chosen.flatMap(({ network }) => network?.network_id ?? []))];
  const hidden = chosen.filter((row) => !found.has(row)).map(({ id }) => id);
  const also = hidden.length ? " Also those that the filter hides." : "";
  const busy = Boolean(state.busy["export-runs"]);
  const save = (kind, title) => html`<button class="button small" type="button" aria-disabled=${busy ? "true" : "false"} title="${title}${also}" @click=${() => act.exportRuns(ids, kind)}>${outIcon}${kind.toUpperCase()}</button>`;
  return html`<div class="chosen-bar" role="group" aria-label="Chosen runs">
    <p role="status">${plural(chosen.length, "run")} chosen${hidden.length ? html`, ${hidden.length === chosen.length ? "hidden" : `${count(hidden.length)} of them hidden`} by the filter` : nothing}
      ${hidden.length ? html`<button class="link" type="button" data-then="all-runs-title" title="Chooses only runs that are listed." @click=${() => act.chooseRuns(hidden, false)}>Leave out the hidden</button>` : nothing}</p>
    <button class="button small" type="button" title="Goes to the curves and settings of the chosen runs, below." @click=${toCurves}>See them below</button>
    ${save("csv", "Saves the settings that the chosen runs began with, what was changed on the way, results and every epoch as a table, one line for each epoch.")}
    ${save("json", "Saves the settings that the chosen runs began with, what was changed on the way, results and every epoch for programs.")}
    <button class="button small" type="button" data-then="all-runs-title" aria-disabled=${networks.length ? "false" : "true"} title="Deletes the networks of the chosen runs, after asking you.${also}"
      @click=${() => networks.length && act.ask({ kind: "delete-chosen", ids: networks })}>${binIcon}Delete ${plural(networks.length, "network")}</button>
    <a class="link" href=${compareHref({ ...choice, runs: [] })} data-then="all-runs-title" title="Chooses no run.">Choose none</a>
  </div>`;
}
