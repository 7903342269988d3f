import type { ServedQuestion } from '../core/explain/decision.ts';
import { type Decision, explain, renderExplain } from '../core/explain.ts';
import { ShuntError } from '../errors.ts';
import { askAgent } from './admin.ts';
import { agentFlag } from './agent-flags.ts';
import type { Arguments, Command } from './command.ts';
import { complaintLine } from './complaint.ts';
import type { Context } from './context.ts';
import { clusterOf, NODE_FLAGS, nodeOf, readSource } from './objects.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import type { Parts } from './parts.ts';
import { lookForShunt } from './presence.ts';
import { parsePod, parseQuestion } from './question.ts';
import { styleFor } from './style.ts';

export const command: Command = {
  usage: 'explain [FLAGS] ADDRESS:PORT[/tcp|/udp]',
  about:
    'Says where a new connection to this address goes: which Service owns it, which endpoints get which share, which\n' +
    'object said so, and why it would be refused. Asks the agent, or with --source only the objects: without root;\n' +
    'errors in them are said on standard error.',
  positionals: { min: 1, max: 1 },
  flags: {
    source: { value: 'file:PATH', about: 'explain these objects instead of asking the agent' },
    from: { value: 'NAMESPACE/POD', about: 'for a connection of this Pod; else for anybody' },
    ...NODE_FLAGS,
    socket: agentFlag('socket'),
    ...OUTPUT_FLAGS,
  },
  examples: [
    { command: 'shunt explain 10.96.0.10:80', about: 'TCP' },
    { command: 'shunt explain 10.96.0.53:53/udp', about: 'UDP' },
    { command: "shunt explain '[fd00:10:96::a]:80' -o json", about: 'IPv6, for machines' },
    { command: 'shunt explain --from shop/web-0 10.96.0.10:80', about: 'as this Pod of the node would be answered' },
    { command: 'shunt explain --source file:cluster.yaml 10.96.0.10:80', about: 'from objects alone' },
  ],
  run: async (context, given) => {
    const question = questionOf(given);
    const decision = await decide(context, given, question);
    show('explain', context, given, decision, () =>
      renderExplain(decision)
        .map((line) => `${line}\n`)
        .join(''),
    );
    return 0;
  },
};

const questionOf = ({ positionals, values }: Arguments): ServedQuestion => {
  const question = parseQuestion('explain', positionals[0] ?? '');
  return values.from === undefined ? question : { ...question, client: parsePod('explain', values.from) };
};

const decide = async (
  { parts, stderr, env }: Context,
  given: Arguments,
  question: ServedQuestion,
): Promise<Decision> => {
  const { source, socket = '' } = given.values;
  if (source === undefined) {
    const { port, ...asked } = question;
    try {
      return await askAgent<Decision>(socket, '/v1/explain', { ...asked, port: String(port) });
    } catch (error) {
      throw await withoutAgent(error, socket, parts);
    }
  }
  const { objects, complaints } = await readSource('explain', source, parts);
  // What has an error is not among the objects: the decision may be another than their author expects.
  const errors = complaints.filter(({ severity }) => severity === 'error');
  for (const error of errors) stderr.write(complaintLine(error, styleFor(stderr, env)));
  return explain({ cluster: clusterOf(objects), node: nodeOf(given) }, question);
};

/** Without an agent the kernel goes on as it was last told, but only while something is attached. */
const withoutAgent = async (error: unknown, socket: string, parts: Parts): Promise<unknown> => {
  if (!(error instanceof ShuntError) || error.code !== 'SHUNT_E_NO_AGENT') return error;
  const { found, unseen, looked } = await lookForShunt(parts);
  if (found) return error;
  return unseen.length > 0
    ? new ShuntError('SHUNT_E_UNSEEN_NODE', { socket, unseen: unseen.join('; ') }, { cause: error })
    : new ShuntError('SHUNT_E_DETACHED_NODE', { socket, looked: looked.join(', ') }, { cause: error });
};
