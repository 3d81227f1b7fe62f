import { subscribe } from 'node:diagnostics_channel';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * Loaded into a sidecar by `--import`, so that the product has nothing of the bench: it looks at its own process, and
 * answers each line on the socket that the environment names by a line of JSON. JavaScript, since taking types away
 * would cost the process what is measured here.
 */

/**
 * The loop turned no timer for so long. `atMs` is milliseconds since the process began; `cpuMs` is what the thread used
 * of a core meanwhile: the rest had other processes, or waited.
 * @typedef {{ readonly atMs: number, readonly wallMs: number, readonly cpuMs: number }} Stall
 */

/**
 * `rss` and `peakRss` are bytes as they are, without a collection that was asked for; `heapUsed` and `external` bytes
 * after a full one. `listeningAtMs` is when the first port of the sidecar was open. `stalls` are those since the last
 * report.
 * @typedef {object} ProbeReport
 * @property {number} rss
 * @property {number | undefined} peakRss
 * @property {number} heapUsed
 * @property {number} external
 * @property {number | undefined} listeningAtMs
 * @property {number} cpuMs of the whole process until now
 * @property {readonly Stall[]} stalls
 */

/** More often would itself fill the young generation. */
const lookEveryMs = 5;
const smallestStallMs = 10;
const mostStalls = 10_000;
/** @type {Stall[]} */
let stalls = [];
/** @type {number | undefined} */
let listeningAtMs;

function watchLoop() {
  let wall = performance.now();
  let cpu = readThreadCpuMs();
  setInterval(() => {
    const now = performance.now();
    const wallMs = now - wall;
    const used = readThreadCpuMs();
    if (wallMs >= smallestStallMs && stalls.length < mostStalls)
      stalls.push({ atMs: wall, wallMs, cpuMs: used - cpu });
    wall = now;
    cpu = used;
  }, lookEveryMs).unref();
}

function readThreadCpuMs() {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function readPeakRss() {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** @returns {ProbeReport} */
function report() {
  const taken = stalls;
  const { rss } = process.memoryUsage();
  const peakRss = readPeakRss();
  const cpu = process.cpuUsage();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  // The collection is no stall of the sidecar's own.
  stalls = [];
  setTimeout(() => (stalls = []), 5).unref();
  const cpuMs = (cpu.user + cpu.system) / 1000;
  return { rss, peakRss, heapUsed, external, listeningAtMs, cpuMs, stalls: taken };
}

const path = process.env['BENCH_PROBE_SOCKET'];
if (path !== undefined) {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).on('line', () => socket.write(`${JSON.stringify(report())}\n`));
    socket.unref();
  });
  rmSync(path, { force: true });
  server.listen(path, () => {
    subscribe('tracing:net.server.listen:asyncEnd', () => {
      listeningAtMs ??= performance.now();
    });
  });
  server.unref();
  watchLoop();
}
