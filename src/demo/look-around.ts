import { socketText } from '../cli/numbers.ts';
import { METRICS } from './agent-process.ts';
import { REGISTER } from './cluster.ts';
import { ClusterDirectory } from './cluster-directory.ts';
import type { Stage } from './stage.ts';

/** Leaves the stage to the person until the signal that ends it; traffic goes on, and is shown. */
export const lookAround = async (stage: Stage, stopped: Promise<string>): Promise<void> => {
  const { agent, cluster, clientCommand, pageUrl, screen } = stage;
  const { socket } = agent.settings;
  const register = socketText(REGISTER.address4, REGISTER.port);
  screen.heading('The node stays until Ctrl-C. Look around from another terminal:');
  for (const line of [
    ...(pageUrl === undefined ? [] : [`${pageUrl}   # the live page, in a browser`]),
    `bin/shunt status --socket ${socket}`,
    `bin/shunt backends --socket ${socket}`,
    `bin/shunt top --socket ${socket}   # live; q ends it`,
    `bin/shunt explain ${register} --socket ${socket}`,
    `nsenter --target ${agent.pid} --net curl -s http://${METRICS}/metrics`,
    `${clientCommand} curl -s http://${register}/users/ada`,
    `\${EDITOR:-vi} ${cluster.path}/${ClusterDirectory.sharesFile}   # the agent sees what is saved`,
  ]) {
    screen.say(line);
  }
  await stopped;
};
