/** The mask: from COCO run lengths to class ids, and from class ids to coloured pixels. */

/** @typedef {import("./api.js").Label} Label */
/** @typedef {import("./api.js").Segmentation} Segmentation */
/** @typedef {"overlay" | "mask" | "cutout" | "picture"} View */

const UNDECIDED = 255;
const LARGEST_AREA = 2 ** 22; // pixels of a canvas: more than a screen shows, less than a phone refuses
const HALF = 128;

/**
 * Class ids of a segmentation, row by row, 255 where undecided.
 *
 * @param {Segmentation} segmentation
 * @returns {Uint8Array}
 */
export function classIds({ size: [height, width], classes }) {
  const ids = new Uint8Array(height * width).fill(UNDECIDED);
  for (const { id, rle } of classes) {
    if (rle) fillRuns(ids, height, width, runLengths(rle.counts), id);
  }
  return ids;
}

/**
 * Lengths of runs of zeros and ones in turn (cocodataset/cocoapi, common/maskApi.c, rleFrString).
 *
 * @param {string} counts - compressed
 * @returns {number[]}
 */
export function runLengths(counts) {
  /** @type {number[]} */
  const runs = [];
  for (let position = 0; position < counts.length; ) {
    let value = 0;
    let shift = 0;
    let group;
    do {
      group = counts.charCodeAt(position++) - 48;
      value |= (group & 0x1f) << shift;
      shift += 5;
    } while (group & 0x20);
    if (group & 0x10) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + /** @type {number} */ (runs.at(-2)) : value);
  }
  return runs;
}

/**
 * Writes an id where a column-major mask is one.
 *
 * @param {Uint8Array} ids - row-major
 * @param {number} height
 * @param {number} width
 * @param {number[]} runs
 * @param {number} id
 */
function fillRuns(ids, height, width, runs, id) {
  let position = 0;
  runs.forEach((length, index) => {
    const end = position + length;
    if (index % 2 === 0) position = end;
    for (; position < end; position++) ids[(position % height) * width + Math.floor(position / height)] = id;
  });
}

/**
 * Colour of each class id, four bytes RGBA.
 *
 * @param {Label[]} labels
 * @param {View} view - `overlay`: no background; `cutout`: what stays of the picture, of a border half; else all
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
function palette(labels, view) {
  const bytes = new Uint8ClampedArray(4 * (UNDECIDED + 1));
  for (const { id, colour, role } of labels) {
    const rgb = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
    const kept = role === "foreground" ? UNDECIDED : role === "border" ? HALF : 0;
    const alpha = view === "cutout" ? kept : view === "overlay" && role === "background" ? 0 : UNDECIDED;
    bytes.set([...rgb, alpha], 4 * id);
  }
  return bytes;
}

/**
 * Paints class ids; a canvas of a very large picture has fewer pixels, each that of the nearest one.
 *
 * @param {HTMLCanvasElement} canvas - gets the picture's shape
 * @param {Uint8Array} ids
 * @param {[number, number]} size - height and width of the mask
 * @param {Label[]} labels
 * @param {View} view
 */
export function paint(canvas, ids, [height, width], labels, view) {
  const scale = Math.min(1, Math.sqrt(LARGEST_AREA / (height * width)));
  canvas.width = Math.max(1, Math.floor(width * scale));
  canvas.height = Math.max(1, Math.floor(height * scale));
  const image = new ImageData(canvas.width, canvas.height);
  const colours = new Uint32Array(palette(labels, view).buffer);
  const pixels = new Uint32Array(image.data.buffer);
  const columns = Array.from({ length: canvas.width }, (_, x) => Math.floor(((x + 0.5) * width) / canvas.width));
  for (let y = 0, target = 0; y < canvas.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / canvas.height) * width;
    for (const column of columns) pixels[target++] = colours[ids[row + column]];
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
