// SPDX-License-Identifier: MIT
// Before anything is painted: the theme that was chosen here, if one was.
(function () {
  try {
    var theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (e) {
    // No storage: the system's theme holds.
  }
})();
