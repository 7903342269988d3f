import { cli } from './cli/cli.ts';
import { parts } from './parts.ts';
import { requestStop } from './stop.ts';

const { stdout, stderr, env, argv } = process;

// Whoever reads our output may stop before its end, as `head` does. A verb that can be asked to stop leaves nothing
// behind then; any other has nothing to leave.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!requestStop()) process.exit();
});

process.exitCode = await cli(argv.slice(2), { stdout, stderr, env, parts });
