import { removeTemporaryFolders } from '../parts/temporaryFolder.ts';

// An `npm test` that is ended early ends its test files with this signal, which is no exit. It may come twice.
const end = (): void => {
  removeTemporaryFolders();
  process.off('SIGTERM', end);
  process.kill(process.pid, 'SIGTERM');
};
process.on('SIGTERM', end);
