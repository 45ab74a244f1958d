// SPDX-License-Identifier: Apache-2.0
// Light or dark, without anything else: it is needed before anything is painted.
export const KEY = 'ebb.theme';
export const system = matchMedia('(prefers-color-scheme: dark)');

/** What the reader said; null: nothing. */
export function kept() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'dark' || theme === 'light' ? theme : null;
  } catch {
    return null; // storage may be forbidden
  }
}

export function applyTheme() {
  document.documentElement.dataset.theme = kept() ?? (system.matches ? 'dark' : 'light');
}
