// SPDX-License-Identifier: Apache-2.0
// Light or dark: what the system says, until the reader says otherwise.
import { useEffect, useState } from 'preact/hooks';

const KEY = 'ebb.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function kept() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'dark' || theme === 'light' ? theme : null;
  } catch {
    return null; // storage may be forbidden
  }
}

const current = () => kept() ?? (system.matches ? 'dark' : 'light');

/** Before anything is painted. */
export function applyTheme() {
  document.documentElement.dataset.theme = current();
}

function choose(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // then it holds until the page is left
  }
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event('themechange'));
}

/** ["light" or "dark", toggle]. */
export function useTheme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme);
  useEffect(() => {
    const follow = () => {
      if (!kept()) applyTheme();
      setTheme(document.documentElement.dataset.theme);
    };
    system.addEventListener('change', follow);
    addEventListener('themechange', follow);
    return () => {
      system.removeEventListener('change', follow);
      removeEventListener('themechange', follow);
    };
  }, []);
  const toggle = () => choose(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
  return [theme, toggle];
}
