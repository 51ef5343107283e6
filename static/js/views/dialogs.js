/** The questions that are asked before something is deleted. A native dialog: Escape cancels, focus stays inside and returns. */

import { html, nothing } from "lit/html.js";
import { ref } from "lit/directives/ref.js";

import { listed, plural } from "../logic/format.js";
import { isUnfinished } from "../logic/jobs.js";
import { networkById } from "../store.js";

/** So many networks are named in a question. */
const NAMED = 5;

/** @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function dialogView(state, act) {
  const content = state.dialog && viewOf(state.dialog, state, act);
  // After the render, so that the button that is to have the focus is there.
  const show = (element) => queueMicrotask(() => {
    if (!element) return;
    if (content && !element.open) element.showModal();
    if (!content && element.open) element.close();
  });
  // Escape. The state decides whether the dialog is open, and the next render closes it.
  const cancel = (event) => {
    event.preventDefault();
    act.ask(null);
  };
  return html`<dialog class="ask" aria-labelledby="ask-title" aria-describedby="ask-text" @cancel=${cancel} ${ref(show)}>
    ${content ?? nothing}
  </dialog>`;
}

/** @param {import("../store.js").State} state @param {string} id @param {import("../actions.js").Actions} act */
function oneView(state, id, act) {
  const network = networkById(state, id);
  const name = network ? network.name || network.architecture.join("-") : "this network";
  return question({
    title: `Delete ${network?.name ? `"${name}"` : name}?`,
    text: "Its weights are removed from the server's memory and disk. This cannot be undone.",
    confirm: "Delete",
    busy: state.busy.delete,
    onConfirm: () => act.remove(id),
    onCancel: () => act.ask(null),
  });
}

/** @param {NonNullable<import("../store.js").State["dialog"]>} dialog @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
function viewOf(dialog, state, act) {
  const networks = state.networks ?? [];
  if (dialog.kind === "delete") return oneView(state, dialog.id, act);
  if (dialog.kind === "delete-all") return severalView(networks, state, act.removeAll, act);
  return severalView(networks.filter((n) => dialog.ids.includes(n.network_id)), state, (going) => act.removeNetworks(going), act);
}

/**
 * The question names what goes. Those in training stay, and it says which.
 * @param {Record<string, any>[]} networks @param {import("../store.js").State} state @param {(going: string[]) => void} remove @param {import("../actions.js").Actions} act
 */
function severalView(networks, state, remove, act) {
  const stays = (n) => n.active_job_id && (!state.jobs[n.active_job_id] || isUnfinished(state.jobs[n.active_job_id]));
  const kept = networks.filter(stays);
  const going = networks.filter((n) => !stays(n));
  const names = (some) => listed(some.map((n) => n.name || n.architecture.join("-")), NAMED);
  const keptText = kept.length ? ` ${plural(kept.length, "network")} in training ${kept.length === 1 ? "is" : "are"} kept: ${names(kept)}.` : "";
  const count = going.length;
  return question({
    title: count ? `Delete ${plural(count, "network")}?` : "Nothing can be deleted now",
    text: (count ? `${names(going)}: ${count === 1 ? "its" : "their"} weights are removed from the server's memory and disk. This cannot be undone.` : "") + keptText,
    confirm: count ? `Delete ${plural(count, "network")}` : "",
    busy: state.busy.delete,
    onConfirm: () => remove(going.map((n) => n.network_id)),
    onCancel: () => act.ask(null),
  });
}

/** @param {{title: string, text: string, confirm: string, busy: boolean, onConfirm: () => void, onCancel: () => void}} parts */
function question({ title, text, confirm, busy, onConfirm, onCancel }) {
  return html`<h2 id="ask-title">${title}</h2>
    <p id="ask-text">${text}</p>
    <div class="actions end">
      <button class="button" type="button" autofocus title="Closes this question; nothing is deleted." @click=${onCancel}>${confirm ? "Keep" : "Close"}</button>
      ${confirm
        ? html`<button class="button danger" type="button" ?disabled=${busy} title="Deletes now. This cannot be undone." @click=${onConfirm}>${busy ? "Deleting\u2026" : confirm}</button>`
        : nothing}
    </div>`;
}
