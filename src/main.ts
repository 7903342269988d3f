import { cli } from './cli/cli.ts';
import { parts } from './parts.ts';

const { stdout, stderr, env, argv } = process;

// Whoever reads our output may stop before its end, as `head` does. A verb that can be asked to stop leaves nothing
// behind then; any other has nothing to leave.
let isRead = true;
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (isRead && !process.emit('SIGTERM', 'SIGTERM')) process.exit();
  isRead = false;
});

process.exitCode = await cli(argv.slice(2), { stdout, stderr, env, parts });
