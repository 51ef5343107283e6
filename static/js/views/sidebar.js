/** The list of networks: name, accuracy, status in a word, and a small curve of the last run's accuracy. */

import { html, nothing } from "lit/html.js";
import { repeat } from "lit/directives/repeat.js";

import { percent, plural } from "../logic/format.js";
import { sparkline } from "../logic/history.js";
import { networkStatus } from "../logic/jobs.js";
import { networkHref } from "../logic/routes.js";
import { isLost, runsOf, shownJob } from "../store.js";
import { compareIcon, inIcon, plusIcon } from "./icons.js";

/** @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function sidebarView(state, act) {
  const networks = state.networks ?? [];
  const onNew = state.route.view === "new";
  return html`<nav class="side" aria-label="Networks">
    <div class="side-top"><a class="button new" href="#/new" aria-current=${onNew ? "page" : nothing} title="Opens the form for a network of your own.">${plusIcon}New network</a>
    ${importView(state, act)}
    <a class="button quiet" href="#/compare" aria-current=${state.route.view === "compare" ? "page" : nothing} title="Shows all runs of all networks, to compare them.">${compareIcon}Compare runs</a></div>
    ${networks.length
      ? html`<ul class="networks">${repeat(networks, (n) => n.network_id, (n) => html`<li>${itemView(n, state)}</li>`)}</ul>
          <div class="side-foot"><span>${plural(networks.length, "network")}</span>
            <button class="link" type="button" title="Deletes every network that is not in training, after asking you."
              @click=${() => act.ask({ kind: "delete-all" })}>Delete all</button></div>`
      : html`<p class="empty small">${state.networks === null ? "Reading the networks\u2026" : "Your networks will be listed here. Create one to begin."}</p>`}
  </nav>`;
}

/** A button that opens the choice of a file, and how much of the file is sent. @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function importView({ importing }, act) {
  const take = (event) => {
    const [file] = event.target.files;
    if (file) void act.importModel(file);
    event.target.value = ""; // the same file may be chosen again
  };
  return html`<button class="button quiet" type="button" aria-disabled=${importing ? "true" : "false"} @click=${(event) => importing || event.currentTarget.nextElementSibling.click()}
      title="Makes a network of a file: .safetensors as Hippo exports it, or .npz of any program.">${inIcon}Import a model</button>
    <input type="file" accept=".safetensors,.npz" hidden aria-label="File of a model" @change=${take}>
    ${importing
      ? html`<div class="importing" role="status"><p title=${importing.name}>${importing.share < 1 ? "Sending" : "Reading and testing"} ${importing.name}</p>
          <progress max="1" .value=${importing.share} aria-label="How much of the file is sent"></progress></div>`
      : nothing}`;
}

/** @param {Record<string, any>} network @param {import("../store.js").State} state */
function itemView(network, state) {
  const job = shownJob(state, state.jobs[network.active_job_id]);
  const { kind, text } = networkStatus(network, job, isLost(state));
  const architecture = network.architecture.join("-");
  const accuracy = (kind === "training" || kind === "paused") && job?.accuracy != null ? job.accuracy : network.accuracy;
  const current = state.route.view === "network" && state.route.id === network.network_id;
  return html`<a class="item" href=${networkHref(network.network_id)} aria-current=${current ? "page" : nothing} title="Shows how this network learned and what it can do.">
    <span class="item-name" title=${network.name || architecture}>${network.name || architecture}</span>
    <span class="item-accuracy">${accuracy == null ? nothing : percent(accuracy)}</span>
    <span class="item-status ${kind}"><span class="shape" aria-hidden="true"></span>${text}</span>
    <span class="item-detail">${network.name ? architecture : nothing}</span>
    ${curveView(network, state)}
  </a>`;
}

/** @param {Record<string, any>} network @param {import("../store.js").State} state */
function curveView(network, state) {
  const run = runsOf(state, network.network_id)[0];
  const points = run ? sparkline((state.histories[run.job_id]?.epochs ?? []).map((e) => e.accuracy)) : "";
  return points
    ? html`<svg class="spark" viewBox="0 0 64 18" aria-hidden="true" focusable="false"><polyline points=${points}></polyline></svg>`
    : html`<span class="spark"></span>`;
}
