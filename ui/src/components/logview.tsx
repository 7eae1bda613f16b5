// SPDX-License-Identifier: MIT
//
// logview: a log, as it grows. It follows the newest line until somebody looks further up; then it
// stands still, and says how much has come.

import { Component, type ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { clock } from "../format";
import type { LogChunk, LogEntry } from "../state/logbuffer";
import type { LogFeed } from "../state/logs";
import { text } from "../strings";
import { ErrorLine } from "./action";
import { Button } from "./button";
import { CopyButton, saveText } from "./copy";

const NEAR_END_PX = 24;

interface ChunkProps {
  chunk: LogChunk;
  n: number;
}

// Drawn again only when it has grown.
class Chunk extends Component<ChunkProps> {
  override shouldComponentUpdate(next: ChunkProps): boolean {
    return next.chunk !== this.props.chunk || next.n !== this.props.n;
  }

  override render() {
    return (
      <div class="log-chunk">
        {this.props.chunk.entries.slice(0, this.props.n).map((entry, i) => (
          <Line key={i} entry={entry} />
        ))}
      </div>
    );
  }
}

function Line({ entry }: { entry: LogEntry }) {
  return (
    <div class={`log-line log-${entry.tone}`}>
      <time>{clock(entry.time_us)}</time>
      <span>{entry.text || " "}</span>
    </div>
  );
}

function asText(entries: readonly LogEntry[]): string {
  return entries
    .map((entry) => `${new Date(entry.time_us / 1000).toISOString()} ${entry.text}\n`)
    .join("");
}

export interface LogViewProps {
  feed: LogFeed;
  label: string;
  fileName: string;
  empty: string;
  isLive: boolean;
  /** beside the buttons */
  tools?: ComponentChildren;
}

type Frozen = { chunks: readonly LogChunk[]; counts: number[]; n: number };

export function LogView(props: LogViewProps) {
  const { feed } = props;
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const top = useRef(0); // where the view was when it was looked at last
  const [frozen, setFrozen] = useState<Frozen | null>(null);
  void feed.version.value; // drawn again when it changes
  const chunks = frozen?.chunks ?? feed.buffer.chunks;
  const total = feed.buffer.nDropped + feed.buffer.n;

  // Also when nothing was added: what comes into view may be higher than it was taken for.
  useLayoutEffect(() => {
    if (frozen || !content.current) return;
    const follow = (): void => {
      if (!box.current) return;
      box.current.scrollTop = box.current.scrollHeight;
      top.current = box.current.scrollTop;
    };
    follow();
    const observer = new ResizeObserver(follow);
    observer.observe(content.current);
    return () => observer.disconnect();
  }, [frozen === null, feed]);
  useEffect(() => setFrozen(null), [feed]);

  function freeze(): void {
    const now = feed.buffer.chunks.slice();
    setFrozen({ chunks: now, counts: now.map((chunk) => chunk.entries.length), n: total });
  }

  function onScroll(): void {
    const view = box.current;
    if (!view) return;
    const isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END_PX;
    // Lines that have come since make it stand before the end as well; only people go back.
    const isBack = view.scrollTop < top.current - 2;
    top.current = view.scrollTop;
    if (isBack && !isAtEnd && !frozen) freeze();
    else if (isAtEnd && frozen && !isBack) setFrozen(null);
  }

  const n = feed.buffer.n;
  return (
    <div class="log">
      <div class="log-tools">
        {props.isLive && (
          <Button
            small
            icon={frozen ? "play" : "pause"}
            pressed={frozen !== null}
            onClick={() => (frozen ? setFrozen(null) : freeze())}
          >
            {frozen ? text.log.follow(total - frozen.n) : text.log.pause}
          </Button>
        )}
        <CopyButton words={() => asText(feed.buffer.entries())} />
        <Button
          small
          icon="download"
          onClick={() => saveText(props.fileName, asText(feed.buffer.entries()))}
        >
          {text.common.download}
        </Button>
        {props.tools}
        <span class="log-count">
          {feed.nMissed.value > 0 && <>{text.log.missed(feed.nMissed.value)} · </>}
          {text.log.lines(n)}
        </span>
      </div>
      <ErrorLine error={feed.error.value} />
      <div
        class={`log-box${props.isLive ? " is-live" : ""}${frozen ? "" : " is-following"}`}
        ref={box}
        role="log"
        aria-live="off"
        aria-label={props.label}
        tabIndex={0}
        onScroll={onScroll}
      >
        {feed.isReady.value && n === 0 && <p class="log-empty">{props.empty}</p>}
        <div ref={content}>
          {chunks.map((chunk, i) => (
            <Chunk key={chunk.id} chunk={chunk} n={frozen?.counts[i] ?? chunk.entries.length} />
          ))}
        </div>
      </div>
    </div>
  );
}
