// SPDX-License-Identifier: MIT
//
// sha256: the hash that goes with each chunk. Browsers have it on secure pages only; a page that is
// reached by http in a local network counts for none, so there is a slow one of our own for it
// (FIPS 180-4).

const K = new Uint32Array(64);
const START = new Uint32Array(8);

// The first 32 bits of the fractions of the cube and square roots of the first primes.
function fill(): void {
  const fraction = (x: number): number => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
  for (let n = 0, candidate = 2; n < 64; candidate++) {
    let isPrime = true;
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) isPrime = false;
    if (!isPrime) continue;
    if (n < 8) START[n] = fraction(Math.sqrt(candidate));
    K[n++] = fraction(Math.cbrt(candidate));
  }
}

const turn = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

function block(h: Uint32Array, w: Uint32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!;
    const y = w[i - 2]!;
    const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    w[i] = w[i - 16]! + s0 + w[i - 7]! + s1;
  }
  let [a, b, c, d, e, f, g, last] = h as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < 64; i++) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const t1 = (last + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0;
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [last, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, last].forEach((x, i) => (h[i]! += x));
}

/** What browsers have on secure pages; exported to be tested. */
export function sha256Slowly(bytes: Uint8Array): Uint8Array {
  if (K[0] === 0) fill();
  const padded = new Uint8Array(((bytes.length + 8) >> 6) * 64 + 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  const h = START.slice();
  const w = new Uint32Array(64);
  for (let at = 0; at < padded.length; at += 64) block(h, w, view, at);
  const hash = new DataView(new ArrayBuffer(32));
  h.forEach((x, i) => hash.setUint32(4 * i, x));
  return new Uint8Array(hash.buffer);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** In hexadecimal digits. */
export async function sha256Of(blob: Blob): Promise<string> {
  const bytes = await blob.arrayBuffer();
  const quick = globalThis.crypto?.subtle;
  return hexOf(
    quick
      ? new Uint8Array(await quick.digest("SHA-256", bytes))
      : sha256Slowly(new Uint8Array(bytes)),
  );
}
