// Numbers for people.
const kUnits = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(count: number): string {
  let unit = 0;
  while (count >= 999.5 && unit + 1 < kUnits.length) {
    count /= 1000;
    ++unit;
  }
  return `${unit === 0 ? count : short(count)} ${kUnits[unit]}`;
}

// Three digits that count.
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 9.995) return value.toFixed(size < 0.9995 ? 2 : 1);
  return Math.round(value).toLocaleString('en');
}

export function parameters(count: number): string {
  if (count >= 1e9) return `${short(count / 1e9)} B`;
  return `${short(count / 1e6)} M`;
}

export function seconds(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  return `${value < 9.995 ? value.toFixed(1) : Math.round(value)} s`;
}

export function duration(total: number): string {
  const days = Math.floor(total / 86400);
  const hours = Math.floor(total / 3600) % 24;
  const minutes = Math.floor(total / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${Math.floor(total)} s`;
}

export const count = (value: number): string => value.toLocaleString('en');
