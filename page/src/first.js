// SPDX-License-Identifier: Apache-2.0
// Runs before anything is painted: the theme that was chosen. The rest of the page may come later.
import { applyTheme } from './chosen.js';

applyTheme();
