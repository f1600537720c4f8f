/** The network as a table: blocks, each with its layers, and totals. */

import { byId, element, quantity } from "./dom.js";
import { count, shape, short } from "./format.js";

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {string} kind
 * @property {number[]} output_shape - height, width, channels
 * @property {number} parameters
 * @property {number} macs
 * @property {[number, number]} receptive_field - height and width in pixels of the network's input
 * @property {boolean} shortcut
 */
/** @typedef {{name: string, layers: string[], parameters: number, macs: number}} Block */
/**
 * @typedef {object} Architecture
 * @property {string} name
 * @property {number[]} input_shape
 * @property {number[]} output_shape
 * @property {Layer[]} layers
 * @property {Block[]} blocks
 * @property {{layers: number, parameters: number, trainable_parameters: number, macs: number,
 *   receptive_field: [number, number]}} totals
 */

const COLUMNS = ["output", "parameters", "MACs", "receptive field"];
const TERMS = {
  output: "Height × width × channels of what comes out: the picture gets smaller and deeper, then larger again.",
  parameters: "The numbers that training has found; some layers have none.",
  MACs: "Multiplications with an addition each, for one picture: the work.",
  "receptive field": "How much of the network’s input one position of the output can depend on, in pixels.",
};

/** @param {Architecture} architecture */
export function showNetwork(architecture) {
  const section = byId("network", HTMLDivElement);
  section.replaceChildren(facts(architecture), scrolling(blockTable(architecture)), glossary());
  section.hidden = false;
}

/** @param {Architecture} architecture */
function facts({ input_shape: input, output_shape: output, totals }) {
  return element(
    "p",
    { class: "facts" },
    `${shape(input)} in, ${shape(output)} out. `,
    `${totals.layers} layers hold ${count(totals.parameters)} numbers, ${count(totals.trainable_parameters)} of them `,
    `trained, and do ${count(totals.macs)} multiplications for one picture.`,
  );
}

/** @param {Architecture} architecture */
function blockTable({ blocks, layers, totals }) {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const bodies = blocks.flatMap((block) => {
    const members = block.layers.flatMap((name) => byName.get(name) ?? []);
    const last = /** @type {Layer} */ (members.at(-1));
    const row = sizesRow(block.name, { ...last, ...block });
    row.style.setProperty("--parameters", String(block.parameters / totals.parameters));
    row.style.setProperty("--macs", String(block.macs / totals.macs));
    return element("tbody", {}, row, layersRow(block.name, members));
  });
  const sum = sizesRow("total", { ...totals, output_shape: [] });
  return element("table", { class: "blocks" }, head("block"), ...bodies, element("tfoot", {}, sum));
}

/** @param {string} first - title of the first column */
function head(first) {
  const cells = [first, ...COLUMNS].map((title) => element("th", { scope: "col" }, title));
  return element("thead", {}, element("tr", {}, ...cells));
}

/** @typedef {Pick<Layer, "output_shape" | "parameters" | "macs" | "receptive_field">} Sizes */

/** @param {string | HTMLElement} name @param {Sizes} sizes */
function sizesRow(name, sizes) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name),
    element("td", {}, shape(sizes.output_shape)),
    element("td", { class: "parameters" }, quantity(sizes.parameters, count(sizes.parameters))),
    element("td", { class: "macs" }, quantity(sizes.macs, short(sizes.macs))),
    element("td", {}, shape(sizes.receptive_field)),
  );
}

/** The layers of a block, folded. @param {string} block @param {Layer[]} layers */
function layersRow(block, layers) {
  const rows = layers.map((layer) => {
    const kind = element("small", {}, layer.shortcut ? `${layer.kind}, shortcut` : layer.kind);
    return sizesRow(element("span", {}, layer.name, " ", kind), layer);
  });
  const table = element("table", { class: "layers" }, head("layer"), element("tbody", {}, ...rows));
  const of = element("span", { class: "unseen" }, `of ${block}`);
  const summary = element("summary", {}, `${layers.length} layers `, of);
  const cell = element("td", { colspan: COLUMNS.length + 1 }, element("details", {}, summary, table));
  return element("tr", { class: "folded" }, cell);
}

function glossary() {
  const terms = Object.entries(TERMS).flatMap(([term, meaning]) => [
    element("dt", {}, term),
    element("dd", {}, meaning),
  ]);
  const summary = element("summary", {}, "What the columns mean");
  return element("details", { class: "glossary" }, summary, element("dl", {}, ...terms));
}

/** @param {HTMLElement} table - it may be wider than a phone: then it scrolls in itself, by keyboard too */
function scrolling(table) {
  const name = "The network, block by block";
  return element("div", { class: "scrolling", tabindex: 0, role: "region", "aria-label": name }, table);
}
