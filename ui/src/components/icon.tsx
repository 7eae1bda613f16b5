// SPDX-License-Identifier: MIT

// icon: small drawings of one colour. They say nothing to who does not see them: a text beside them
// does.

const PATHS = {
  add: "M12 5v14M5 12h14",
  archive: "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
  back: "M15 5l-7 7 7 7",
  check: "M5 13l4.500 4.500L19 7",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  drag: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  edit: "M4 20h4L20 8l-4-4L4 16z",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  folder: "M3 6h6l2 2h10v11H3z",
  link: "M10 14a4 4 0 006 .5l3-3a4 4 0 00-6-6l-1.500 1.500M14 10a4 4 0 00-6-.5l-3 3a4 4 0 006 6l1.500-1.500",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  next: "M9 5l7 7-7 7",
  pause: "M8 5v14M16 5v14",
  play: "M8 5l11 7-11 7z",
  restart: "M19 12a7 7 0 11-2-5l2 2M19 4v5h-5",
  stop: "M6 6h12v12H6z",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  up: "M6 15l6-6 6 6",
  upload: "M12 20V9M7 13l5-5 5 5M4 4h16",
  warning: "M12 4L2.500 20h19zM12 10v5M12 17.500v.01",
} as const;

export type IconName = keyof typeof PATHS;

const SOLID: readonly IconName[] = ["play", "stop"];

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  const isSolid = SOLID.includes(name);
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={isSolid ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width={name === "more" || name === "drag" ? 3 : 2}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
