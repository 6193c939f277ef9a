// What each device does and feels, in a line: "CPU 63 % · 71 °C · 24 W", with only what is known.
import type { Sensor } from './api';
import { share, type Sample } from './rates';

// Of the time between two samples in which a device computed for us; of the machine's own count where it has one.
function busy(name: string, sensor: Sensor | undefined, before: Sample, now: Sample): number | undefined {
  if (sensor?.busy !== undefined) return sensor.busy;
  const onDevice = now.status.models.filter((m) => m.device === name);
  return onDevice.length > 0 ? share(before, now, (m) => (m.device === name ? m.totals.busy_seconds : 0)) : undefined;
}

function words(sensor: Sensor | undefined, part: number | undefined): string[] {
  const all = [];
  if (part !== undefined) all.push(`${Math.round(100 * part)} %`);
  if (sensor?.celsius !== undefined) all.push(`${Math.round(sensor.celsius)} °C`);
  if (sensor?.watts !== undefined) all.push(`${Math.round(sensor.watts)} W`);
  return all;
}

export function Readings({ before, now }: { before: Sample; now: Sample }) {
  const { machine, models } = now.status;
  const names = new Set([...models.map((m) => m.device), ...machine.sensors.map((s) => s.name)]);
  const lines = [...names].sort().map((name) => {
    const sensor = machine.sensors.find((s) => s.name === name);
    return { name, text: words(sensor, busy(name, sensor, before, now)).join(' · ') };
  });
  const known = lines.filter(({ text }) => text !== '');
  if (known.length === 0) return null;
  return (
    <p class="readings" role="group" aria-label="Devices">
      {known.map(({ name, text }) => (
        <span key={name}>
          <b>{name.toUpperCase()}</b> {text}
        </span>
      ))}
    </p>
  );
}
