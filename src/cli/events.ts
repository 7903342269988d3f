import { parseEventFilter } from '../agent/event-filter.ts';
import type { EventLine, SamplingView } from '../agent/event-view.ts';
import { EVENT_OUTCOMES } from '../dataplane/dataplane.ts';
import { followAgent } from './admin.ts';
import { agentFlag } from './agent-flags.ts';
import { wrong } from './arguments.ts';
import type { Arguments, Command } from './command.ts';
import type { Context } from './context.ts';
import { eventLine, lossesText } from './event-line.ts';
import { count } from './numbers.ts';
import { askServices, parseSelection } from './selection.ts';
import { styleFor } from './style.ts';

export const command: Command = {
  usage: 'events [FLAGS] [NAMESPACE[/SERVICE]]',
  about:
    'Shows connections through Services and what is refused, as they happen on this node, until it is told to stop\n' +
    '(Ctrl-C): who asked which Service, which endpoint it was sent to, what became of it, how long the answer took, how\n' +
    'long it lasted, and its bytes. Of too many events it shows one in so many, and says so and what was lost.\n' +
    `Outcomes: ${EVENT_OUTCOMES.join(', ')}.`,
  positionals: { min: 0, max: 1 },
  flags: {
    outcome: { value: 'OUTCOME,...', about: 'only these' },
    from: { value: 'NAMESPACE[/POD]', about: 'only what these Pods ask for' },
    output: { short: 'o', value: 'text|json', default: 'text', about: 'how to print; json: one object a line' },
    socket: agentFlag('socket'),
  },
  examples: [
    { command: 'shunt events', about: 'everything' },
    { command: 'shunt events shop/cart', about: 'connections to one Service' },
    { command: 'shunt events --outcome refused,timed_out,reset', about: 'what goes wrong' },
    { command: 'shunt events --from shop/checkout-7d9f -o json', about: 'what one Pod does, for a program' },
  ],
  run: async (context, given) => {
    const { output = '', socket = '' } = given.values;
    if (output !== 'text' && output !== 'json')
      throw wrong('events', `--output: \`${output}\` is neither text nor json`);
    const selection = parseSelection('events', given.positionals[0]);
    const parameters = { ...selection, ...filterIn(given) };
    const stopped = context.parts.run.stopRequested();
    if (Object.keys(selection).length > 0) await askServices(socket, selection);
    const lines = followAgent<EventLine>(socket, '/v1/events', parameters, stopped);
    if (output === 'json') for await (const line of lines) context.stdout.write(`${JSON.stringify(line)}\n`);
    else await print(lines, context);
    return 0;
  },
};

const filterIn = ({ values: { outcome, from } }: Arguments): Readonly<Record<string, string>> => {
  const filter = parseEventFilter(outcome === undefined ? [] : [outcome], from);
  if ('problem' in filter)
    throw wrong('events', `--${filter.problem}: \`${filter.value}\` is ${UNREAD[filter.problem]}`);
  return { ...(outcome !== undefined && { outcome }), ...(from !== undefined && { from }) };
};

const UNREAD = { outcome: `none of ${EVENT_OUTCOMES.join(', ')}`, from: 'not NAMESPACE[/POD]' } as const;

/** What is lost is said beside the events, when it changes and at the end. */
const print = async (lines: AsyncIterable<EventLine>, { stdout, stderr, env }: Context): Promise<void> => {
  const style = styleFor(stdout, env);
  const errorStyle = styleFor(stderr, env);
  let last: SamplingView | undefined;
  let shown = 0;
  try {
    for await (const line of lines) {
      if ('sampling' in line) {
        const news = lossNews(line, last);
        if (news !== '') stderr.write(`${errorStyle('yellow', news)}\n`);
        last = line;
      } else {
        stdout.write(eventLine(line, style));
        shown += 1;
      }
    }
  } finally {
    if (last !== undefined) stderr.write(`${endText(shown, last)}\n`);
  }
};

/** Empty if nothing has changed. */
const lossNews = (line: SamplingView, last: SamplingView | undefined): string => {
  const losses = lossesText(line);
  if (last === undefined || losses === lossesText(last)) return '';
  return line.sampling === 1 && last.sampling > 1 ? `every event is shown again; ${losses}` : losses;
};

const endText = (shown: number, last: SamplingView): string => {
  const losses = lossesText({ ...last, sampling: 1 });
  return losses === '' ? `${count(shown)} shown` : `${count(shown)} shown; of all on this node ${losses}`;
};
