// The committed files of web/dist are what the sources give: the binary has no other page than the one in web/src.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = resolve(dirname(fileURLToPath(import.meta.url)), '../../web');
const run = (...command) => execFileSync(process.execPath, command, { cwd: web, stdio: 'pipe', encoding: 'utf8' });

function filesOf(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

test('the types of the page agree', () => {
  run('node_modules/typescript/bin/tsc', '--noEmit');
});

test('web/dist is the build of web/src', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'troika-web-'));
  try {
    run('node_modules/vite/bin/vite.js', 'build', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'error');
    const cure = 'build it again and commit it: cd web && npm ci && npm run build';
    assert.deepEqual(filesOf(join(web, 'dist')), filesOf(fresh), cure);
    for (const name of filesOf(fresh))
      assert.ok(readFileSync(join(web, 'dist', name)).equals(readFileSync(join(fresh, name))), `${name}: ${cure}`);
  } finally {
    rmSync(fresh, { recursive: true });
  }
});

test('the licences are of the libraries that were built in', () => {
  const licences = readFileSync(join(web, 'LICENCES.txt'), 'utf8');
  const { packages } = JSON.parse(readFileSync(join(web, 'package-lock.json'), 'utf8'));
  for (const name of Object.keys(packages[''].dependencies))
    assert.ok(licences.includes(`\n${name} ${packages[`node_modules/${name}`].version}\n`), name);
});
