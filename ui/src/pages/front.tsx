// SPDX-License-Identifier: MIT

// front: the frame of the pages that are shown to who has not logged in.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

export function Logo() {
  return (
    <span class="logo">
      <img src="/icon.svg" alt="" width={24} height={24} />
      left4me
    </span>
  );
}

export function Front({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · left4me`;
  }, [title]);
  return (
    <main class="front" id="main">
      <Logo />
      <div class="front-box">
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
