/** What was found: classes with colours, shares and confidence; times; which model. */

import { byId, element, quantity } from "./dom.js";
import { milliseconds, percent } from "./format.js";

/** @typedef {import("./api.js").ClassResult} ClassResult */
/** @typedef {import("./api.js").Identity} Identity */
/** @typedef {import("./api.js").Label} Label */
/** @typedef {import("./api.js").ModelCard} ModelCard */
/** @typedef {import("./api.js").Segmentation} Segmentation */
/** @typedef {import("./api.js").Stage} Stage */

const NO_LABEL = { colour: "transparent", role: null };

/**
 * Lists the classes.
 *
 * @param {Segmentation} segmentation
 * @param {Label[]} labels
 */
export function showClasses({ classes, undecided }, labels) {
  const rows = classes.map((found) => classRow(found, labels.find((label) => label.id === found.id) ?? NO_LABEL));
  if (undecided.pixels) rows.push(classRow({ name: "undecided", ...undecided, mean_confidence: null }, NO_LABEL));
  byId("classes", HTMLTableSectionElement).replaceChildren(...rows);
}

/** @typedef {Pick<ClassResult, "name" | "share" | "mean_confidence">} Found */
/** @param {Found} found @param {Pick<Label, "colour" | "role">} label */
function classRow({ name, share, mean_confidence: confidence }, { colour, role }) {
  const swatch = element("span", { class: role === "background" ? "swatch untinted" : "swatch" });
  const row = element(
    "tr",
    {},
    element("th", { scope: "row" }, swatch, name),
    element("td", { class: "share" }, quantity(share, percent(share))),
    element("td", {}, confidence === null ? "–" : quantity(confidence, percent(confidence))),
  );
  row.style.setProperty("--colour", colour);
  row.style.setProperty("--share", String(share));
  return row;
}

/**
 * Lists the times.
 *
 * @param {Stage[]} stages - of the service
 * @param {number} roundTrip - milliseconds from sending to having read the answer
 */
export function showTimes(stages, roundTrip) {
  const total = stages.reduce((sum, stage) => sum + stage.milliseconds, 0);
  byId("times", HTMLTableSectionElement).replaceChildren(
    ...stages.map((stage) => timeRow(stage.name, stage.milliseconds, stage.milliseconds / total)),
    timeRow("total", total, 0, "sum"),
    timeRow("round trip", roundTrip, 0),
  );
}

/** @param {string} name @param {number} duration @param {number} share - of the total @param {string} kind */
function timeRow(name, duration, share, kind = "part") {
  const value = element("td", { class: "share" }, quantity(duration, milliseconds(duration)));
  const row = element("tr", { class: kind }, element("th", { scope: "row" }, name), value);
  row.style.setProperty("--share", String(share));
  return row;
}

/** @param {Identity} model */
export function showIdentity(model) {
  byId("identity", HTMLParagraphElement).replaceChildren(
    element("a", { href: "model" }, `${model.name}/${model.version}`),
    ` in ${model.engine}, ${model.precision}, sha256 `,
    element("code", { title: model.sha256 }, model.sha256.slice(0, 12)),
  );
}

/** Says what the model can find. @param {ModelCard} card */
export function showKnown({ model, labels }) {
  const names = new Intl.ListFormat("en").format(labels.map((label) => label.name));
  byId("lead", HTMLParagraphElement).textContent =
    `Which of its pixels belong to what? The model ${model.name}/${model.version} tells apart ${names}.`;
}

/** The result in a sentence. @param {string} name - of the picture @param {Segmentation} segmentation */
export function sentence(name, { classes }) {
  const found = classes.filter((entry) => entry.pixels).sort((one, other) => other.share - one.share);
  return `${name}: ${found.map((entry) => `${entry.name} ${percent(entry.share)}`).join(", ")}.`;
}
