/** Asks the service. Its errors become `ProblemError`, unless they say when to ask again: then it is asked again. */

/** @typedef {{title: string, detail: string, status?: number, code?: string, request_id?: string}} Problem */
/** @typedef {(problem: Problem, seconds: number) => void} OnWait */
/** @typedef {{name: string, version: number, sha256: string, engine: string, precision: string}} Identity */
/** @typedef {"foreground" | "background" | "border" | null} Role */
/** @typedef {{id: number, name: string, colour: string, role: Role}} Label */
/** @typedef {{model: Identity, labels: Label[]}} ModelCard */
/**
 * @typedef {object} ClassResult
 * @property {number} id
 * @property {string} name
 * @property {number} pixels
 * @property {number} share - of the picture, 0–1
 * @property {number | null} mean_confidence - 0–1
 * @property {{size: [number, number], counts: string} | null} rle
 */
/**
 * @typedef {object} Segmentation
 * @property {Identity} model
 * @property {[number, number]} size - height and width
 * @property {ClassResult[]} classes
 * @property {{pixels: number, share: number}} undecided
 */
/** @typedef {{name: string, milliseconds: number}} Stage */

/** Sent with every request; in the memory of this page and nowhere else. */
let key = "";

/** @param {string} given - a key of the service */
export function useKey(given) {
  key = given;
}

export function hasKey() {
  return key !== "";
}

const PATIENCE_MS = 120_000;
const LONGEST_WAIT_SECONDS = 10;

/** What the service answered instead of what it was asked for. */
export class ProblemError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(`${problem.title}: ${problem.detail}`);
    this.problem = problem;
  }
}

/**
 * The first answer that is not "later", and when its request was sent.
 *
 * @param {string} path - relative to the page
 * @param {RequestInit} init
 * @param {OnWait} onWait - called before each wait
 * @returns {Promise<{response: Response, sent: number}>}
 */
async function ask(path, init, onWait) {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const sent = performance.now();
    const response = await send(path, init);
    if (response.ok) return { response, sent };
    const problem = await readProblem(response);
    const wait = response.headers.get("Retry-After"); // loading or overloaded, or a gateway that says so
    if (wait === null || sent > deadline) throw new ProblemError(problem);
    const seconds = Math.min(Number(wait) || 1, LONGEST_WAIT_SECONDS);
    onWait(problem, seconds);
    await pause(seconds, init.signal);
  }
}

/**
 * JSON of the service.
 *
 * @param {string} path
 * @param {OnWait} onWait
 * @returns {Promise<any>}
 */
export async function fetchJson(path, onWait) {
  const { response } = await ask(path, {}, onWait);
  return response.json();
}

/**
 * The segmentation of a picture, by one request.
 *
 * @param {Blob} picture
 * @param {AbortSignal} signal
 * @param {OnWait} onWait
 * @returns {Promise<{segmentation: Segmentation, stages: Stage[], roundTrip: number}>} times in milliseconds
 */
export async function segment(picture, signal, onWait) {
  const { response, sent } = await ask("segment?output=json", { method: "POST", body: picture, signal }, onWait);
  const segmentation = await response.json();
  const stages = serverTiming(response.headers.get("Server-Timing") ?? "");
  return { segmentation, stages, roundTrip: performance.now() - sent };
}

/**
 * The segmentation as a picture.
 *
 * @param {Blob} picture
 * @param {string} output - `mask`, `overlay` or `cutout`
 * @param {OnWait} onWait
 * @returns {Promise<Blob>}
 */
export async function rendered(picture, output, onWait) {
  const { response } = await ask(`segment?output=${output}`, { method: "POST", body: picture }, onWait);
  return response.blob();
}

/** @param {string} header - `decode;dur=2.1, queue;dur=0.1` @returns {Stage[]} */
function serverTiming(header) {
  const stages = [];
  for (const [, name, duration] of header.matchAll(/([\w-]+);dur=([\d.]+)/g)) {
    stages.push({ name: String(name), milliseconds: Number(duration) });
  }
  return stages;
}

/** @param {string} path @param {RequestInit} init */
async function send(path, init) {
  try {
    return await fetch(path, key ? { ...init, headers: { Authorization: `Bearer ${key}` } } : init);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const detail = "The service cannot be reached, or the file can no longer be read.";
    throw new ProblemError({ title: "No answer", detail });
  }
}

/** @param {Response} response @returns {Promise<Problem>} */
async function readProblem(response) {
  const title = `HTTP ${response.status} ${response.statusText}`.trim();
  const body = await response.json().catch(() => ({})); // a gateway may answer with a page of its own
  return { title, detail: "The service, or a gateway before it, gave no reason.", ...body };
}

/** @param {number} seconds @param {AbortSignal | null | undefined} signal @returns {Promise<void>} */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1e3);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
