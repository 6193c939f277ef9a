// How the model answers. Empty fields leave it to the model's makers.
import { useCell } from './cell';
import { Icon } from './icons';
import { activeModel, chosenModel, kDefaults, kShortThinking, models, settings, type Settings } from './settings';

type NumberName = 'temperature' | 'top_p' | 'max_tokens' | 'seed';

interface NumberRow {
  name: NumberName;
  label: string;
  hint: string;
  empty?: string; // what an empty field means
  min: number;
  max: number;
  step: number;
}

const kNumbers: NumberRow[] = [
  { name: 'temperature', label: 'Temperature', hint: '0 always takes the likeliest word', min: 0, max: 2, step: 0.1 },
  { name: 'top_p', label: 'Top p', hint: 'draw from the likeliest words only', min: 0, max: 1, step: 0.05 },
  { name: 'max_tokens', label: 'Longest answer', hint: 'tokens', empty: 'no limit of its own', min: 1, max: 1_000_000, step: 1 },
  { name: 'seed', label: 'Seed', hint: 'the same one gives the same answer', empty: 'a new one each time', min: 0, max: 2 ** 31, step: 1 },
];

export function SettingsPanel({ close }: { close: () => void }) {
  const now = useCell(settings);
  useCell(models);
  useCell(chosenModel);
  const model = activeModel();
  const change = (part: Partial<Settings>) => settings.set({ ...now, ...part });
  return (
    <aside class="settings" id="settings" aria-label="Settings">
      <div class="row">
        <h2>Settings</h2>
        <span class="space" />
        <button type="button" class="quiet" aria-label="Close the settings" onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      <label class="field">
        <span>System prompt</span>
        <textarea
          rows={5}
          value={now.system}
          placeholder="Who the model is and how it answers"
          onInput={(e) => change({ system: e.currentTarget.value })}
        />
      </label>
      {kNumbers.map((row) => (
        <NumberField key={row.name} row={row} value={now[row.name]} change={(value) => change({ [row.name]: value })} />
      ))}
      {model?.capabilities?.reasoning && (
        <label class="field">
          <span>Reasoning</span>
          <select
            value={now.thinking}
            onChange={(e) => change({ thinking: e.currentTarget.value as Settings['thinking'] })}
          >
            <option value="auto">as long as it likes</option>
            <option value="short">at most {kShortThinking} tokens</option>
            <option value="off">none</option>
          </select>
        </label>
      )}
      <button type="button" class="plain" onClick={() => settings.set(kDefaults)}>
        Back to the model's own
      </button>
    </aside>
  );
}

function NumberField({ row, value, change }: { row: NumberRow; value: number | null; change: (value: number | null) => void }) {
  const onInput = (event: { currentTarget: HTMLInputElement }) => {
    const { value: text, valueAsNumber: number } = event.currentTarget;
    const whole = row.step < 1 || Number.isInteger(number);
    if (text === '') change(null);
    else if (number >= row.min && number <= row.max && whole) change(number);
  };
  return (
    <label class="field">
      <span>{row.label}</span>
      <input
        type="number"
        inputMode="decimal"
        min={row.min}
        max={row.max}
        step={row.step}
        value={value ?? ''}
        placeholder={row.empty ?? "the model's own"}
        onInput={onInput}
      />
      <small>{row.hint}</small>
    </label>
  );
}
