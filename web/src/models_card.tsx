// The models that the server has, with what is loaded of them.
import { useEffect, useState } from 'preact/hooks';
import { setLoaded, type LoadingModel, type Model } from './api';
import { useCell } from './cell';
import * as format from './format';
import { loadModels } from './load_models';
import { models } from './settings';

const kStates: Record<Model['status'], string> = {
  unloaded: 'not loaded',
  waiting: 'waits to be loaded',
  loading: 'is being loaded',
  loaded: 'loaded',
  draining: 'goes when nobody uses it',
};

function stateOf(model: Model, loading: LoadingModel[]): string {
  const found = loading.find(({ id }) => id === model.id);
  if (found?.state === 'loading') return `is being loaded, ${Math.round(100 * found.share)} %`;
  return kStates[found?.state ?? model.status];
}

// `loaded` tells when to look again, `loading` how far models are.
export function ModelsCard({ loaded, loading }: { loaded: string; loading: LoadingModel[] }) {
  const all = useCell(models);
  const [problem, setProblem] = useState('');
  useEffect(() => void loadModels(), [loaded]);

  const set = async (model: Model, to: boolean) => {
    setProblem('');
    const done = setLoaded(model.id, to);
    void loadModels();
    try {
      await done;
    } catch (error) {
      setProblem((error as Error).message);
    }
    void loadModels();
  };

  if (all.length < 2) return null;
  return (
    <section class="card" aria-labelledby="models">
      <h3 id="models">Models</h3>
      {problem && (
        <div class="problem" role="alert">
          {problem}
        </div>
      )}
      <div class="table">
        <table>
          <tbody>
            {all.map((model) => (
              <tr key={model.id}>
                <td>{model.id}</td>
                <td>{format.bytes(model.meta.size)}</td>
                <td>{model.stands_for ? `stands for ${model.stands_for.join(', ')}` : stateOf(model, loading)}</td>
                <td>
                  {!model.stands_for && (
                    <button
                      type="button"
                      class="plain"
                      disabled={model.status !== 'loaded' && model.status !== 'unloaded'}
                      aria-label={`${model.status === 'unloaded' ? 'Load' : 'Unload'} ${model.id}`}
                      onClick={() => void set(model, model.status === 'unloaded')}
                    >
                      {model.status === 'unloaded' ? 'Load' : 'Unload'}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
