// SPDX-License-Identifier: MIT

import { render } from "preact";
import { App } from "./app";
import { startRouter } from "./router";
import * as session from "./state/session";
import { loadStrings } from "./strings";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/feedback.css";
import "./styles/tables.css";
import "./styles/dialogs.css";
import "./styles/blocks.css";
import "./styles/editors.css";
import "./styles/pages.css";

async function begin(): Promise<void> {
  await loadStrings();
  startRouter();
  void session.load();
  const place = document.getElementById("page");
  if (place) render(<App />, place);
}

void begin();
