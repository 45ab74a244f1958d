// SPDX-License-Identifier: Apache-2.0
// The title of the window: what is looked at, then whose page it is.
import { useEffect } from 'preact/hooks';

export function useTitle(words) {
  useEffect(() => {
    document.title = `${words} · ebb`;
  }, [words]);
}
