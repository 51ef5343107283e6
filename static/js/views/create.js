/** The form for a new network: its shape and rules, and how to train it. */

import { html, nothing } from "lit/html.js";

import { bytes, count } from "../logic/format.js";
import { ACTIVATIONS, INITIALIZERS, LOSSES, experimentHref } from "../logic/experiments.js";
import { checkNetwork, checkTraining, defaultLoss, effectiveRate, INPUTS, OUTPUTS, parameterCount, parseLayers, suggestedRate } from "../logic/forms.js";
import { kindText } from "../logic/learning.js";
import { rateFor } from "../logic/recipe.js";
import { selectField, textField } from "./fields.js";
import { linkIcon, warnIcon } from "./icons.js";
import { recipeFields } from "./recipe-fields.js";
import { trainingFields } from "./training-fields.js";

/** @param {import("../store.js").State} state @param {import("../actions.js").Actions} act */
export function createView(state, act) {
  const form = state.forms.create;
  const { values } = form;
  const loss = values.loss || defaultLoss(values.activation);
  const rate = effectiveRate(values);
  const layers = parseLayers(values.hidden).sizes;
  const wrong = {
    ...checkNetwork(values).errors,
    ...checkTraining({ ...values, learning_rate: rate }).errors,
  };
  const error = (field) => form.errors[field] || (form.touched[field] ? wrong[field] : "");
  const busy = Boolean(state.busy.create);
  const bind = (field) => ({
    id: `new-${field}`,
    value: values[field] ?? "",
    error: error(field),
    onInput: (value) => act.edit("create", field, value),
    onBlur: () => act.touch("create", field),
  });
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    void act.create(event.submitter?.value !== "create");
  };

  return html`<form class="create" data-form="create" @submit=${submit} novalidate aria-labelledby="create-title">
    <h1 id="create-title" tabindex="-1">New network</h1>
    ${form.note ? html`<p class="callout">${form.note}</p>` : nothing}
    ${form.ignored?.length ? html`<div class="callout bad" role="status">${warnIcon}<div>${form.ignored.map((text) => html`<p>${text}</p>`)}</div></div>` : nothing}
    <fieldset class="card">
      <legend>Network</legend>
      <div class="fields two">
        ${textField({ ...bind("name"), label: "Name (optional)", help: "Up to 100 characters; without one the list shows the layers.", placeholder: "first try" })}
        ${textField({
          ...bind("hidden"),
          label: "Hidden layers",
          help: "Neurons in each hidden layer, such as 30 or 128, 64; empty for none. Each 1 to 10,000, at most 18 layers.",
          before: html`<span class="fixed" title="The inputs: one for each pixel of a 28 \u00d7 28 picture.">${INPUTS}</span><span class="arrow" aria-hidden="true">\u2192</span>`,
          after: html`<span class="arrow" aria-hidden="true">\u2192</span><span class="fixed" title="The outputs: one for each digit.">${OUTPUTS}</span>`,
          extra: parametersView(values.hidden),
        })}
        ${selectField({ ...bind("activation"), label: "Activation", options: ACTIVATIONS, help: "What each hidden neuron makes of its weighted sum." })}
        ${selectField({ ...bind("loss"), value: loss, label: "Loss", options: LOSSES, help: "What training makes small. Cross-entropy puts a softmax on the outputs." })}
      </div>
      <details class="advanced" .open=${form.advanced} @toggle=${(event) => event.target.open !== form.advanced && act.showAdvanced(event.target.open)}>
        <summary title="Shows the initializer, the seed and dropout.">Advanced</summary>
        <div class="fields two">
          ${selectField({ ...bind("initializer"), label: "Initializer", options: INITIALIZERS, help: "How the weights begin: Xavier suits sigmoid and tanh, He suits ReLU." })}
          ${textField({ ...bind("seed"), label: "Seed (optional)", inputmode: "numeric", help: "The same seed and settings give the same weights; empty chooses one.", placeholder: "chosen by the server" })}
          ${textField({ ...bind("dropout"), label: "Dropout", inputmode: "decimal", help: "Share of the hidden neurons that rests in each step of training: 0 for none, below 1." })}
        </div>
      </details>
    </fieldset>
    <fieldset class="card">
      <legend>Training</legend>
      ${trainingFields({ bind, rate, suggested: rateFor(suggestedRate(values.activation, loss, layers), values), kind: kindText(values.activation, loss, layers), onRate: (v) => act.edit("create", "learning_rate", v) })}
      ${recipeFields({ bind, values, open: form.advancedTraining, onOpen: (open) => act.showAdvanced(open, "advancedTraining"), network: true })}
    </fieldset>
    <p class="problem" role="alert" ?hidden=${!form.problem}>${form.problem}</p>
    <div class="actions">
      <button class="button primary" type="submit" value="train" aria-disabled=${busy ? "true" : "false"} title="Creates the network and starts its training at once.">${busy ? "Creating\u2026" : "Create and train"}</button>
      <button class="button" type="submit" value="create" aria-disabled=${busy ? "true" : "false"} title="Creates the network without training it.">Create</button>
      <button class="button quiet" type="button" title="Copies an address that opens this form with these settings." @click=${() => act.copyLink(experimentHref(values))}>${linkIcon}Copy link</button>
      <a class="button quiet" href="#/" title="Leaves the form; what you typed stays until the page is closed.">Back</a>
    </div>
  </form>`;
}

/** @param {string} text the hidden layers as typed */
function parametersView(text) {
  const { sizes } = parseLayers(text);
  if (!sizes.length) return nothing;
  const parameters = parameterCount(sizes);
  return html`<p class="count" id="new-parameters" aria-live="polite"><strong>${count(parameters)}</strong> parameters in ${sizes.join("-")}, ${bytes(parameters * 4)} of weights</p>`;
}

