// How the server does, now and in the last five minutes: asked once a second while the page is seen.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiFailure, fetchStatus, keysGiven, type ModelStatus, type Status } from './api';
import { useCell } from './cell';
import { Chart } from './chart';
import * as format from './format';
import { Icon } from './icons';
import { ModelsCard } from './models_card';
import { Readings } from './readings';
import { quantile, rate, since, sum, valuesIn, type Sample } from './rates';
import './styles/dashboard.css';

const kInterval = 1000;
const kKept = 300; // samples
const kRecent = 60; // samples, for what is said of "the last minute"
const kSmooth = 3; // samples that a rate spans

// Samples outlive the view: who comes back from a chat finds the lines unbroken.
let kept: Sample[] = [];

export function DashboardView({ openSide }: { openSide: () => void }) {
  const [samples, setSamples] = useState(kept);
  const [problem, setProblem] = useState('');
  const given = useCell(keysGiven);

  useEffect(() => {
    let timer = 0;
    let gone = false;
    const look = async () => {
      let refused = false; // until a key is given; asking on would open the dialog again and again
      if (!document.hidden) {
        try {
          const status = await fetchStatus();
          kept = [...kept.slice(1 - kKept), { time: Date.now() / 1000, status }];
          if (!gone) (setSamples(kept), setProblem(''));
        } catch (error) {
          refused = error instanceof ApiFailure && error.status === 401;
          if (!gone) setProblem((error as Error).message);
        }
      }
      if (!gone && !refused) timer = setTimeout(look, kInterval);
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [given]);

  useEffect(() => {
    document.title = 'Dashboard · Troika';
  }, []);

  const now = samples.at(-1);
  return (
    <div class="dashboard">
      <header class="head">
        <button type="button" class="quiet narrow-only" aria-label="Chats and dashboard" onClick={openSide}>
          <Icon name="menu" />
        </button>
        <h1>Dashboard</h1>
        <span class="space" />
        {now && (
          <span class="facts">
            Troika {now.status.version} · up {format.duration(now.status.uptime_s)}
          </span>
        )}
      </header>
      <div class="board">
        {problem && (
          <div class="problem" role="alert">
            {problem}
          </div>
        )}
        {now && (
          <>
            <Tiles samples={samples} />
            <Readings before={samples.at(-1 - kSmooth) ?? samples[0]} now={now} />
            <Charts samples={samples} />
            <MemoryCard status={now.status} />
            <ModelsCard loaded={now.status.models.map(({ id }) => id).join()} loading={now.status.loading} />
            {now.status.models.map((model) => (
              <ModelCard key={model.id} model={model} />
            ))}
            <Answers status={now.status} />
          </>
        )}
      </div>
    </div>
  );
}

// Rates of the samples, each from a few samples before it.
function rates(samples: Sample[], of: (model: ModelStatus) => number): number[] {
  return samples.map((sample, i) => rate(samples[Math.max(0, i - kSmooth)], sample, of));
}

function Tiles({ samples }: { samples: Sample[] }) {
  const now = samples.at(-1)!;
  const before = samples.at(-1 - kSmooth) ?? samples[0];
  const minute = samples.at(-1 - kRecent)?.status ?? (samples.length > 1 ? samples[0].status : undefined);
  const recent = since(minute, now.status, (m) => m.first_token_seconds);
  const first = valuesIn(recent) > 0 ? recent : since(undefined, now.status, (m) => m.first_token_seconds);
  const recentGaps = since(minute, now.status, (m) => m.gap_seconds);
  const gaps = valuesIn(recentGaps) > 0 ? recentGaps : since(undefined, now.status, (m) => m.gap_seconds);
  const { models } = now.status;
  const prompt = sum(models, (m) => m.totals.prompt_tokens);
  const cached = sum(models, (m) => m.totals.cached_tokens);
  const ended = sum(models, (m) => m.totals.stopped + m.totals.limited + m.totals.cancelled + m.totals.failed);
  const failed = sum(models, (m) => m.totals.failed);
  return (
    <dl class="tiles">
      <Tile name="Generated" value={format.short(rate(before, now, (m) => m.totals.generated_tokens))} unit="tokens/s">
        {format.count(sum(models, (m) => m.totals.generated_tokens))} in all
      </Tile>
      <Tile name="First token" value={format.seconds(quantile(first, 0.5))}>
        95 % within {format.seconds(quantile(first, 0.95))}
      </Tile>
      <Tile name="Between tokens" value={format.seconds(quantile(gaps, 0.5))}>
        95 % within {format.seconds(quantile(gaps, 0.95))}
      </Tile>
      <Tile name="Running" value={String(sum(models, (m) => m.running))}>
        {sum(models, (m) => m.waiting)} waiting
      </Tile>
      <Tile name="Prompts" value={format.short(prompt)} unit="tokens">
        {prompt > 0 ? `${Math.round((100 * cached) / prompt)} % cached` : 'none yet'}
      </Tile>
      <Tile name="Requests" value={format.count(ended)}>
        {failed > 0 ? `${failed} failed` : 'none failed'}
      </Tile>
    </dl>
  );
}

interface TileProps {
  name: string;
  value: string;
  unit?: string;
  children: ComponentChildren;
}

function Tile({ name, value, unit, children }: TileProps) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        <b>{value}</b> {unit && <span>{unit}</span>}
        <small>{children}</small>
      </dd>
    </div>
  );
}

function Charts({ samples }: { samples: Sample[] }) {
  const times = samples.map((sample) => sample.time);
  const each = (of: (models: ModelStatus[]) => number) => samples.map((sample) => of(sample.status.models));
  const quantiles = (share: number) =>
    samples.map((sample, i) => {
      const from = samples[Math.max(0, i - kRecent)].status;
      return i === 0 ? null : (quantile(since(from, sample.status, (m) => m.first_token_seconds), share) ?? null);
    });
  return (
    <div class="charts">
      <Chart
        title="Generated"
        unit="tokens/s"
        times={times}
        say={format.short}
        lines={[{ label: 'now', colour: '--line-1', values: rates(samples, (m) => m.totals.generated_tokens) }]}
      />
      <Chart
        title="Prompts"
        unit="tokens/s"
        times={times}
        say={format.short}
        lines={[
          { label: 'read', colour: '--line-2', values: rates(samples, (m) => m.totals.prompt_tokens - m.totals.cached_tokens) },
          { label: 'from the cache', colour: '--line-3', values: rates(samples, (m) => m.totals.cached_tokens) },
        ]}
      />
      <Chart
        title="First token"
        unit="the last minute's"
        times={times}
        say={format.seconds}
        lines={[
          { label: 'half', colour: '--line-1', values: quantiles(0.5) },
          { label: '95 %', colour: '--line-2', values: quantiles(0.95) },
        ]}
      />
      <Chart
        title="Requests"
        unit=""
        times={times}
        say={(value) => String(Math.round(value * 10) / 10)}
        lines={[
          { label: 'running', colour: '--line-3', values: each((models) => sum(models, (m) => m.running)) },
          { label: 'waiting', colour: '--line-2', values: each((models) => sum(models, (m) => m.waiting)) },
        ]}
      />
    </div>
  );
}

interface BarPart {
  label: string;
  value: number;
  kind: string;
}

// Parts of a whole, as a bar and in words.
function Bar({ name, whole, parts }: { name: string; whole: number; parts: BarPart[] }) {
  return (
    <div class="bar-block">
      <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label={name}>
        {parts.map((part, i) => {
          const start = parts.slice(0, i).reduce((all, p) => all + p.value, 0);
          return <rect key={part.label} class={part.kind} x={(100 * start) / whole} width={(100 * part.value) / whole} height="1" />;
        })}
      </svg>
      <ul class="legend">
        {parts.map((part) => (
          <li key={part.label}>
            <i class={part.kind} />
            {part.label} <b>{format.bytes(part.value)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

// The cache is reserved when a model is loaded and filled as it is used; until then it is nobody's.
function MemoryCard({ status: { machine, models } }: { status: Status }) {
  const ours = machine.resident_bytes;
  const promised = sum(models, (m) => m.weight_bytes + m.cache.bytes);
  const reserved = Math.min(Math.max(0, promised - ours), machine.memory_available_bytes);
  const others = Math.max(0, machine.memory_bytes - machine.memory_available_bytes - ours);
  return (
    <section class="card" aria-labelledby="memory">
      <h3 id="memory">
        Memory{' '}
        <small>
          {format.bytes(machine.memory_bytes)} · {machine.cpu}, {machine.cores} {machine.cores === 1 ? 'core' : 'cores'}
        </small>
      </h3>
      <Bar
        name="Memory of this machine"
        whole={machine.memory_bytes}
        parts={[
          { label: 'Troika', value: ours, kind: 'line-1' },
          { label: 'reserved for its cache', value: reserved, kind: 'line-2' },
          { label: 'others', value: others, kind: 'other' },
          { label: 'free', value: machine.memory_available_bytes - reserved, kind: 'free' },
        ]}
      />
    </section>
  );
}

function ModelCard({ model }: { model: ModelStatus }) {
  const { cache, totals } = model;
  const facts: [string, ComponentChildren][] = [
    ['Architecture', model.slice ? `${model.architecture}, slice ${model.slice}` : model.architecture],
    ['Device', model.device],
    ['Parameters', format.parameters(model.parameters)],
    ['Weights', format.bytes(model.weight_bytes)],
    ['Context', `${format.count(model.context)} of ${format.count(model.trained_context)} tokens`],
    ['Vocabulary', format.count(model.vocabulary)],
    ['Pictures', model.vision ? `${format.count(totals.pictures)} seen` : 'does not see'],
    ['Steps', `${format.count(totals.steps)}, ${format.short(model.step_rows.sum / Math.max(1, totals.steps))} tokens each`],
    ['Started over', totals.preemptions === 0 ? 'never' : `${format.count(totals.preemptions)} times, for want of cache`],
    ['Ended', `${format.count(totals.stopped)} by themselves, ${format.count(totals.limited)} at a limit, ${format.count(totals.cancelled)} cancelled`],
  ];
  const used = cache.pages > 0 ? cache.pages_used / cache.pages : 0;
  return (
    <section class="card" aria-label={model.id}>
      <h3>
        {model.id} {model.name !== model.id && <small>{model.name}</small>}
      </h3>
      <div class="bar-block">
        <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label={`Cache in use: ${Math.round(100 * used)} percent`}>
          <rect class="line-2" width={100 * used} height="1" />
        </svg>
        <ul class="legend">
          <li>
            <i class="line-2" />
            Cache <b>{Math.round(100 * used)} %</b> in use: {format.count(cache.pages_used)} of {format.count(cache.pages)} pages,{' '}
            {format.bytes(cache.bytes_used)} of {format.bytes(cache.bytes)}
          </li>
        </ul>
      </div>
      <dl class="facts-list">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Answers({ status: { answers } }: { status: Status }) {
  const rows = answers.filter(({ route }) => !route.startsWith('/assets/') && route !== '/api/troika/status');
  if (rows.length === 0) return null;
  return (
    <section class="card" aria-labelledby="answers">
      <h3 id="answers">Answers by route</h3>
      <div class="table">
        <table>
          <thead>
            <tr>
              <th scope="col">Route</th>
              <th scope="col">Status</th>
              <th scope="col">Count</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ route, code, count }) => (
              <tr key={`${route} ${code}`} class={code >= 400 ? 'bad' : ''}>
                <td>{route}</td>
                <td>{code}</td>
                <td>{format.count(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
