// Starts the built binary as a server for a test file and stops it afterwards.
// TROIKA_BINARY and TROIKA_MODEL say which; both have the defaults of a release build.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.TROIKA_BINARY ?? resolve(root, 'build/release/troika');
const modelFile = process.env.TROIKA_MODEL ?? resolve(root, 'models/troika-mini.gguf');

export async function startTroika(...options) {
  const child = spawn(binary, ['serve', '--model', modelFile, '--port', '0', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = await new Promise((found, failed) => {
    const read = (data) => {
      output += data;
      const match = output.match(/listens on (http:\/\/[^ ]+)/);
      if (match) found(match[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', failed);
    child.on('exit', (code) => failed(new Error(`${binary} ended with ${code}:\n${output}`)));
  });
  const exited = new Promise((done) => child.on('exit', (code, signal) => done({ code, signal })));
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env.OPENAI_API_KEY ?? 'none', maxRetries: 0, timeout: 120_000 });
  const model = (await client.models.list()).data[0].id;
  return {
    url,
    client,
    model,
    health: async () => (await fetch(`${url}/health`)).json(),
    residentMegabytes: () =>
      Number(readFileSync(`/proc/${child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024,
    output: () => output, // all that it has printed
    signal: (name) => child.kill(name),
    // The exit status after SIGTERM.
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

// Until the condition holds; its last value, or an error after `ms`.
export async function within(ms, condition, what) {
  const end = Date.now() + ms;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
