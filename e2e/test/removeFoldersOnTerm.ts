import { removeTemporaryFolders } from '../parts/temporaryFolder.ts';

// An `npm test` that is ended early ends its test files with this signal, which is no exit.
process.once('SIGTERM', () => {
  removeTemporaryFolders();
  process.kill(process.pid, 'SIGTERM');
});
