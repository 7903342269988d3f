import { count } from '../../cli/numbers.ts';
import type { Act } from '../act.ts';
import { LOGIN } from '../cluster.ts';
import type { Stage } from '../stage.ts';
import { add, total } from '../tally.ts';
import { failedText } from '../words.ts';

const CONNECTIONS = 400;
const WITHIN_MS = 4000;

/** As Kubernetes does it: the endpoint is marked terminating, then it is gone; its process ends; another one comes. */
export const leave: Act = {
  name: 'leave',
  claim: 'An endpoint leaves, and comes back, without one failed connection',
  play: async (stage) => {
    const { cluster, screen, servers, traffic } = stage;
    const stays = servers.endpoint(LOGIN, 'v2');
    const before = await traffic.window();

    screen.say('login v1: marked terminating in its EndpointSlices; it still serves');
    await cluster.setEndpoints(LOGIN, [servers.endpoint(LOGIN, 'v1', 'terminating'), stays]);
    await inForce(stage, { v2: 1 });
    const terminating = await traffic.window();
    await terminating.until(CONNECTIONS, WITHIN_MS);

    screen.say('login v1: taken out of them, and its process told to end');
    await cluster.setEndpoints(LOGIN, [stays]);
    await servers.stop(LOGIN, 'v1');
    const gone = await traffic.window();
    await gone.until(CONNECTIONS, WITHIN_MS);

    screen.say('login v1: started again, and back in them');
    const returning = await traffic.window();
    await servers.start(LOGIN, 'v1');
    await cluster.setEndpoints(LOGIN, [servers.endpoint(LOGIN, 'v1'), stays]);
    await inForce(stage, { v1: 0.5, v2: 0.5 });
    const back = await traffic.window();
    await back.until(CONNECTIONS, WITHIN_MS);

    const all = [before, terminating, gone, returning, back].map(({ tally }) => tally).reduce(add);
    const whileAway = [terminating, gone].map(({ tally }) => tally).reduce(add);
    const failed = total(all.failed);
    const strayed = whileAway.login.v1 ?? 0;
    const returned = back.tally.login.v1 ?? 0;
    return {
      holds: failed === 0 && all.answered > 0 && strayed === 0 && whileAway.answered > 0 && returned > 0,
      figure: {
        connections: all.answered + failed,
        failed,
        errors: all.failed,
        whileAway: { connections: whileAway.answered, toTheLeavingOne: strayed },
        afterItsReturn: { connections: back.tally.answered, toTheReturnedOne: returned },
      },
      shown: [
        `${count(strayed)} of ${count(whileAway.answered)} connections went to it from the first edit to its return`,
        failedText(all),
      ],
      summary: failedText(all),
    };
  },
};

const inForce = ({ agent, servers }: Stage, shares: Parameters<typeof servers.bySocket>[1]): Promise<number> =>
  agent.inForce(LOGIN.address4, LOGIN.port, servers.bySocket(LOGIN, shares));
