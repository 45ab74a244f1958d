// SPDX-License-Identifier: Apache-2.0
// Bundles the page: node build.mjs FOLDER writes index.html, first.js, app.js, app.css and icon.svg
// there, each with its .gz beside it, and refuses a page that has grown beyond what it promises.
import { build } from 'esbuild';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 100_000; // bytes, gzipped, all files together
const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2] ?? 'build/page');

await mkdir(folder, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { first: 'src/first.js', app: 'src/main.jsx' },
  outdir: folder,
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome111', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
});
for (const name of ['index.html', 'icon.svg']) await copyFile(join(here, name), join(folder, name));

let total = 0;
for (const name of ['index.html', 'first.js', 'app.js', 'app.css', 'icon.svg']) {
  const packed = gzipSync(await readFile(join(folder, name)), { level: 9 });
  await writeFile(join(folder, `${name}.gz`), packed);
  total += packed.length;
}
console.log(`the page: ${total} bytes gzipped, in ${folder}`);
if (total > LIMIT) {
  console.error(`that is more than the ${LIMIT} bytes that it may have`);
  process.exit(1);
}
