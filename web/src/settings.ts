// What the user chose: the model, how it samples, how the page looks.
import type { Model } from './api';
import { Cell, remembered } from './cell';

export interface Settings {
  system: string;
  temperature: number | null; // null: what the model's makers recommend
  top_p: number | null;
  max_tokens: number | null;
  seed: number | null;
  thinking: 'auto' | 'off' | 'short';
}

export const kDefaults: Settings = {
  system: '',
  temperature: null,
  top_p: null,
  max_tokens: null,
  seed: null,
  thinking: 'auto',
};

export const kShortThinking = 512; // tokens

export const settings = remembered<Settings>('troika.settings', kDefaults);
export const models = new Cell<Model[]>([]);
export const chosenModel = remembered<string>('troika.model', '');

export type Theme = 'auto' | 'light' | 'dark';
export const theme = remembered<Theme>('troika.theme', 'auto');

// The chosen model, or the first if it is not served any more.
export function activeModel(): Model | undefined {
  return models.get().find((model) => model.id === chosenModel.get()) ?? models.get()[0];
}

// The members of a request that the settings fill.
export function requestFields(model: Model): object {
  const { temperature, top_p, max_tokens, seed, thinking } = settings.get();
  const fields: Record<string, unknown> = {};
  if (temperature !== null) fields.temperature = temperature;
  if (top_p !== null) fields.top_p = top_p;
  if (max_tokens !== null) fields.max_tokens = max_tokens;
  if (seed !== null) fields.seed = seed;
  if (model.capabilities?.reasoning && thinking === 'off') fields.enable_thinking = false;
  if (model.capabilities?.reasoning && thinking === 'short') fields.thinking_budget = kShortThinking;
  return fields;
}
