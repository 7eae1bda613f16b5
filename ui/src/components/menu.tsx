// SPDX-License-Identifier: MIT

// menu: actions behind a button, for those that are not used often.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon";

export interface MenuItem {
  label: string;
  icon?: IconName;
  kind?: "plain" | "danger";
  disabled?: boolean;
  onSelect: () => void;
}

export interface MenuProps {
  label: string;
  /** shown as a text; without it there is only the icon */
  text?: string;
  icon?: IconName;
  items: readonly (MenuItem | null)[];
}

export function Menu(props: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const items = props.items.filter((item): item is MenuItem => item !== null);

  // It ends where the button ends, unless the page begins behind its beginning.
  useLayoutEffect(() => {
    const isOut = (list.current?.getBoundingClientRect().left ?? 0) < 0;
    list.current?.classList.toggle("is-after", isOut);
  }, [isOpen]);

  useEffect(() => {
    if (!isOpen) return;
    entries()[0]?.focus();
    const onDown = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onDown);
    return () => document.removeEventListener("pointerdown", onDown);
  }, [isOpen]);

  function entries(): HTMLElement[] {
    return [...(box.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  }

  function close(): void {
    setOpen(false);
    button.current?.focus();
  }

  function move(by: number): void {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[(at + by + all.length) % all.length]?.focus();
  }

  function onKey(event: KeyboardEvent): void {
    if (!isOpen) return;
    const all = entries();
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Home: () => all[0]?.focus(),
      End: () => all[all.length - 1]?.focus(),
      Escape: close,
    };
    const act = keys[event.key];
    if (event.key === "Tab") setOpen(false);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  if (items.length === 0) return null;
  return (
    <div class="menu" ref={box} onKeyDown={onKey}>
      <button
        type="button"
        ref={button}
        class={props.text ? "button button-plain" : "button button-plain button-icon"}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={props.text ? undefined : props.label}
        title={props.text ? undefined : props.label}
        onClick={() => setOpen(!isOpen)}
      >
        {(props.icon || !props.text) && <Icon name={props.icon ?? "more"} />}
        {props.text && <span>{props.text}</span>}
        {props.text && <Icon name="down" size={14} />}
      </button>
      {isOpen && (
        <div ref={list} class="menu-list" role="menu" id={id} aria-label={props.label}>
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={item.kind === "danger" ? "menu-item is-danger" : "menu-item"}
              disabled={item.disabled}
              onClick={() => {
                close();
                item.onSelect();
              }}
            >
              {item.icon && <Icon name={item.icon} />}
              <span>{item.label}</span>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
