// Asks the server which models it has.
import { fetchModels } from './api';
import { Cell } from './cell';
import { models } from './settings';

export const serverProblem = new Cell('');

export async function loadModels(): Promise<void> {
  try {
    models.set(await fetchModels());
    serverProblem.set('');
  } catch (error) {
    serverProblem.set((error as Error).message);
  }
}
