// The server as the page sees it: models, status, and a chat that streams.
import { Cell, remembered } from './cell';
import { readEvents } from './events';

export interface Model {
  id: string;
  status: 'unloaded' | 'waiting' | 'loading' | 'loaded' | 'draining';
  stands_for?: string[]; // of an alias
  capabilities?: { vision: boolean; reasoning: boolean; context: number }; // known once it is loaded
  meta: { architecture?: string; n_params?: number; size: number };
}

export interface Histogram {
  bounds: number[];
  counts: number[];
  sum: number;
}

export interface ModelStatus {
  id: string;
  name: string;
  architecture: string;
  device: string;
  slice: string;
  parameters: number;
  weight_bytes: number;
  context: number;
  trained_context: number;
  vocabulary: number;
  vision: boolean;
  running: number;
  waiting: number;
  cache: { page_tokens: number; pages: number; pages_used: number; bytes: number; bytes_used: number };
  totals: Record<
    | 'steps'
    | 'prompt_tokens'
    | 'cached_tokens'
    | 'generated_tokens'
    | 'preemptions'
    | 'pictures'
    | 'busy_seconds'
    | 'stopped'
    | 'limited'
    | 'cancelled'
    | 'failed',
    number
  >;
  first_token_seconds: Histogram;
  gap_seconds: Histogram;
  request_seconds: Histogram;
  queued_seconds: Histogram;
  step_seconds: Histogram;
  step_rows: Histogram;
}

// Of a device; what has no sensor is absent.
export interface Sensor {
  name: string;
  celsius?: number;
  watts?: number;
  busy?: number; // 0 to 1, for whomever
}

export interface LoadingModel {
  id: string;
  state: 'waiting' | 'loading';
  share: number; // of its weights that is in place
}

export interface Status {
  version: string;
  uptime_s: number;
  machine: {
    cpu: string;
    cores: number;
    memory_bytes: number;
    memory_available_bytes: number;
    resident_bytes: number;
    sensors: Sensor[];
  };
  models: ModelStatus[];
  loading: LoadingModel[];
  answers: { route: string; code: number; count: number }[];
}

export type Part = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } };

export interface WireMessage {
  role: 'system' | 'user' | 'assistant';
  content: string | Part[];
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  cached_tokens: number;
  tokens_per_second: number;
}

export interface ChatPiece {
  content?: string;
  reasoning?: string;
  finish?: string;
  usage?: Usage;
}

export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const apiKey = remembered<string>('troika.key', '');
export const keyWanted = new Cell(false); // the server has asked for a key
export const keysGiven = new Cell(0); // how often a key was given, if only the same one again

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = headersOf(init);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, credentials: 'omit' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiFailure(0, 'The server does not answer. Is it still running?');
  }
  if (response.ok) return response;
  if (response.status === 401) keyWanted.set(true);
  throw new ApiFailure(response.status, await complaintOf(response));
}

// With the key, unless it has characters that no header can carry, as a mistyped or pasted one may.
function headersOf(init: RequestInit): Headers {
  const headers = new Headers(init.headers);
  const key = apiKey.get();
  try {
    if (key) headers.set('Authorization', `Bearer ${key}`);
  } catch {
    keyWanted.set(true);
    throw new ApiFailure(401, 'The API key has a character that no key has, such as “…”. Give the key once more.');
  }
  return headers;
}

async function complaintOf(response: Response): Promise<string> {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

export async function fetchModels(): Promise<Model[]> {
  return (await (await call('/v1/models')).json()).data;
}

// Resolves when it is loaded, or has been told to go.
export async function setLoaded(model: string, loaded: boolean): Promise<void> {
  await call(loaded ? '/api/troika/load' : '/api/troika/unload', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model }),
  });
}

export async function fetchStatus(): Promise<Status> {
  return (await call('/api/troika/status')).json();
}

export async function* streamChat(body: object, signal: AbortSignal): AsyncGenerator<ChatPiece> {
  const response = await call('/v1/chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  for await (const data of readEvents(response.body!)) {
    if (data === '[DONE]') return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiFailure(500, chunk.error.message);
    const choice = chunk.choices[0];
    if (choice) {
      yield {
        content: choice.delta.content ?? undefined,
        reasoning: choice.delta.reasoning_content ?? undefined,
        finish: choice.finish_reason ?? undefined,
      };
    }
    if (chunk.usage) {
      yield {
        usage: {
          prompt_tokens: chunk.usage.prompt_tokens,
          completion_tokens: chunk.usage.completion_tokens,
          cached_tokens: chunk.usage.prompt_tokens_details?.cached_tokens ?? 0,
          tokens_per_second: chunk.timings?.predicted_per_second ?? 0,
        },
      };
    }
  }
  throw new ApiFailure(0, 'The answer broke off: the connection to the server was lost.');
}
