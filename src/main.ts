import { cli } from './cli/cli.ts';
import { parts } from './parts.ts';

const { stdout, stderr, env, argv } = process;

// Whoever reads our output may stop before its end, as `head` does.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await cli(argv.slice(2), { stdout, stderr, env, parts });
