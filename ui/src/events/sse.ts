// SPDX-License-Identifier: MIT
//
// sse: takes a stream of server-sent events apart. The browser's own EventSource hides the status
// of an answer, and so whether the session has ended, and cannot begin at a position that it is
// told.

export interface SseEvent {
  id: string | null;
  event: string;
  data: string;
}

export class SseParser {
  private rest = "";
  private id: string | null = null;
  private event = "";
  private data: string[] = [];

  /** Takes what came, and returns the events that are complete with it. */
  push(chunk: string): SseEvent[] {
    const events: SseEvent[] = [];
    this.rest += chunk;
    for (;;) {
      const end = this.rest.indexOf("\n");
      if (end < 0) return events;
      const line = this.rest.slice(0, end).replace(/\r$/, "");
      this.rest = this.rest.slice(end + 1);
      if (line === "") this.finish(events);
      else this.take(line);
    }
  }

  private finish(events: SseEvent[]): void {
    if (this.data.length > 0)
      events.push({ id: this.id, event: this.event || "message", data: this.data.join("\n") });
    this.event = "";
    this.data = [];
    this.id = null;
  }

  private take(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment, as a heartbeat is
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.data.push(value);
    else if (name === "event") this.event = value;
    else if (name === "id" && !value.includes("\0")) this.id = value;
  }
}
