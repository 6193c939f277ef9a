// What two snapshots of the status tell together: rates, and where the middle of a histogram's new values lies.
import type { Histogram, ModelStatus, Status } from './api';

export interface Sample {
  time: number; // seconds
  status: Status;
}

export const sum = (models: ModelStatus[], of: (model: ModelStatus) => number): number =>
  models.reduce((total, model) => total + of(model), 0);

// Per second, over all models; counters start over when the server does.
export function rate(from: Sample, to: Sample, of: (model: ModelStatus) => number): number {
  const passed = to.time - from.time;
  if (passed <= 0) return 0;
  return Math.max(0, sum(to.status.models, of) - sum(from.status.models, of)) / passed;
}

// Of the time that passed, for a counter of seconds. Several models take turns on a device, or get in each other's way.
export const share = (from: Sample, to: Sample, of: (model: ModelStatus) => number): number => Math.min(1, rate(from, to, of));

// The values that came between two snapshots, of all models.
export function since(from: Status | undefined, to: Status, of: (model: ModelStatus) => Histogram): Histogram {
  const start = from && from.uptime_s <= to.uptime_s ? from.models : [];
  const now = to.models.map(of);
  const { bounds, counts } = now[0];
  const before = start.map(of);
  const total = (list: Histogram[], i: number) => list.reduce((all, h) => all + h.counts[i], 0);
  return {
    bounds,
    counts: counts.map((_, i) => Math.max(0, total(now, i) - total(before, i))),
    sum: now.reduce((all, h) => all + h.sum, 0) - before.reduce((all, h) => all + h.sum, 0),
  };
}

export const valuesIn = (h: Histogram): number => h.counts.reduce((all, n) => all + n, 0);

// The value below which the share lies, in a straight line through the bucket; undefined when there are none.
export function quantile(h: Histogram, share: number): number | undefined {
  const wanted = valuesIn(h) * share;
  if (wanted === 0) return undefined;
  let below = 0;
  for (let i = 0; i < h.counts.length; ++i) {
    if (below + h.counts[i] >= wanted) {
      const low = i === 0 ? 0 : h.bounds[i - 1];
      const high = h.bounds[i] ?? low; // above all bounds: all we know is that it is more
      return low + ((wanted - below) / h.counts[i]) * (high - low);
    }
    below += h.counts[i];
  }
  return undefined;
}
