// SPDX-License-Identifier: MIT
//
// words: what is done often on a way through the page.

export const PASSWORD = "correct horse battery";

export const button = (place, name, options = {}) => place.getByRole("button", { name, ...options });
export const exactly = (place, name) => button(place, name, { exact: true });

export async function choose(page, menu, item) {
  await button(page, menu).click();
  await page.getByRole("menuitem", { name: item }).click();
}

export async function isSaved(page) {
  await page.getByText("All is saved").waitFor();
}

/** Types into the editor at the end of what is there. */
export async function type(page, words) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(words);
}
