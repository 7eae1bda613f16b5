// SPDX-License-Identifier: MIT
//
// logbuffer: the last lines of a log, in chunks, so that a page that shows thousands of them draws
// only the chunk that has grown.

export interface LogEntry {
  time_us: number;
  text: string;
  /** how it is set off: a class of the styles */
  tone: "plain" | "error" | "warning" | "note";
}

export interface LogChunk {
  id: number;
  entries: LogEntry[];
}

export const CHUNK = 100;

export class LogBuffer {
  private list: LogChunk[] = [];
  private nextId = 0;
  /** how many were let go to make room */
  nDropped = 0;

  constructor(private readonly maxChunks = 60) {}

  get chunks(): readonly LogChunk[] {
    return this.list;
  }

  get n(): number {
    return this.list.reduce((sum, chunk) => sum + chunk.entries.length, 0);
  }

  add(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      let last = this.list[this.list.length - 1];
      if (!last || last.entries.length >= CHUNK) {
        last = { id: this.nextId++, entries: [] };
        this.list.push(last);
      }
      last.entries.push(entry);
    }
    while (this.list.length > this.maxChunks)
      this.nDropped += this.list.shift()?.entries.length ?? 0;
  }

  clear(): void {
    this.list = [];
    this.nDropped = 0;
  }

  entries(): LogEntry[] {
    return this.list.flatMap((chunk) => chunk.entries);
  }
}
