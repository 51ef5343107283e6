/** The recipe of a run, behind "Advanced" in the form for a new network and under Learn. */

import { html, nothing } from "lit/html.js";
import { live } from "lit/directives/live.js";

import { AUGMENTATIONS, OPTIMIZERS, RECIPE, SCHEDULES, applies, recipeWords } from "../logic/recipe.js";
import { selectField, textField } from "./fields.js";

/**
 * @param {object} parts
 * @param {(field: string) => any} parts.bind
 * @param {Record<string, string>} parts.values of the form
 * @param {boolean} parts.open @param {(open: boolean) => void} parts.onOpen
 * @param {boolean} parts.network whether the form is for a new network, whose seed may stand for this one
 */
export function recipeFields({ bind, values, open, onOpen, network }) {
  const number = (field, label, help, more = {}) => (applies(field, values) ? textField({ ...bind(field), label, help, inputmode: "decimal", ...more }) : nothing);
  const box = (field, label, help) => (applies(field, values) ? tick({ ...bind(field), label, help, on: values[field] === "true", set: (on) => bind(field).onInput(on ? "true" : "") }) : nothing);
  const words = recipeWords(Object.fromEntries(Object.keys(RECIPE).map((field) => [field, asRecord(field, values[field])])));
  return html`<details class="advanced" .open=${open} @toggle=${(event) => event.target.open !== open && onOpen(event.target.open)}>
    <summary title="Shows the optimizer, the schedule of the rate, and what is done against learning by heart.">Advanced training${words && !open ? html`<span class="chosen">${words}</span>` : nothing}</summary>
    <div class="fields three">
      ${selectField({ ...bind("optimizer"), label: "Optimizer", options: OPTIMIZERS, help: "How the weights follow their gradients; Adam gives each weight steps of its own." })}
      ${number("momentum", "Momentum", "Share of the last step that is taken again: 0 for none, often 0.9.")}
      ${selectField({ ...bind("schedule"), label: "Schedule", options: SCHEDULES, help: "How the learning rate changes while the run goes on." })}
      ${number("step_every", "Epochs between steps", "After so many epochs the rate goes down: 1 to 10,000.", { inputmode: "numeric", unit: "epochs" })}
      ${number("step_factor", "Factor of a step", "What each step multiplies the rate by: up to 1.")}
      ${number("warm_up", "Warm-up", "Epochs in which the rate first rises; 0 for none.", { unit: "epochs" })}
      ${number("weight_decay", "Weight decay", "Pull of all weights towards 0, such as 0.0001; 0 for none.")}
      ${number("label_smoothing", "Label smoothing", "Certainty that is taken from the right answers: 0 for none, often 0.1.")}
      ${number("clip_norm", "Longest gradient", "Longer gradients are cut to this length; empty lets them be.", { placeholder: "any" })}
      ${number("training_seed", "Seed of the order", network ? "Decides the order of the images; empty takes the seed above, if there is one." : "The same seed gives the same order of the images; empty chooses one.", { inputmode: "numeric", placeholder: network && values.seed ? values.seed : "chosen by the server" })}
    </div>
    <div class="ticks">
      ${box("nesterov", "Nesterov momentum", "Looks ahead: the gradient is taken where the momentum leads.")}
      ${box("shuffle", "Shuffle", "Takes the images in a new order in each epoch.")}
      <div class="tick-group" role="group" aria-label="Change the pictures in each epoch">
        ${AUGMENTATIONS.map(([kind, word]) => augment(kind, word, values, bind("augment")))}
        <p class="help">Changes every picture a little, anew in each epoch, so that none can be learnt by heart. Takes longer.</p>
      </div>
    </div>
  </details>`;
}

/** @param {{id: string, label: string, help: string, on: boolean, set: (on: boolean) => void}} box */
function tick({ id, label, help, on, set }) {
  return html`<div class="tick"><label><input type="checkbox" id=${id} .checked=${live(on)} aria-describedby="${id}-help" title=${help}
    @change=${(event) => set(event.target.checked)}>${label}</label><p class="help" id="${id}-help">${help}</p></div>`;
}

/** @param {string} kind @param {string} word @param {Record<string, string>} values @param {any} bound */
function augment(kind, word, values, bound) {
  const chosen = (values.augment ?? "").split(" ").filter(Boolean);
  // In the order of the list, whatever order they were ticked in: the same experiment is the same link.
  const toggle = (on) => bound.onInput(AUGMENTATIONS.map(([key]) => key).filter((key) => (key === kind ? on : chosen.includes(key))).join(" "));
  return html`<label><input type="checkbox" id="${bound.id}-${kind}" .checked=${live(chosen.includes(kind))} title=${AUGMENT_HELP[kind]}
    @change=${(event) => toggle(event.target.checked)}>${word}</label>`;
}

const AUGMENT_HELP = { shift: "Moves the picture by a pixel or two.", rotate: "Turns the picture a little.", elastic: "Bends the picture, as another hand would write it." };

/** @param {string} field @param {string} value of the form @returns {unknown} as a job's record has it */
function asRecord(field, value) {
  if (field === "nesterov" || field === "shuffle") return value === "true";
  return field === "augment" ? value.split(" ").filter(Boolean) : value;
}
