// SPDX-License-Identifier: Apache-2.0
// Light or dark: what the system says, until the reader says otherwise.
import { useEffect, useState } from 'preact/hooks';
import { KEY, applyTheme, kept, system } from './chosen.js';

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
