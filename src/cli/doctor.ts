import { agentFlag } from './agent-flags.ts';
import type { Command } from './command.ts';
import type { Check } from './doctor/check.ts';
import { examine } from './doctor/examine.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import { type Format, type Style, styleFor } from './style.ts';

export const command: Command = {
  usage: 'doctor [FLAGS]',
  about:
    'Examines whether this node can run Shunt: what the kernel can do, found by trying; cgroup, BPF file system,\n' +
    'limits, and who else is there. Leaves nothing changed. Exit status 1 when something keeps Shunt from running.',
  flags: {
    cgroup: agentFlag('cgroup'),
    'bpf-root': agentFlag('bpf-root'),
    netns: agentFlag('netns'),
    ...OUTPUT_FLAGS,
  },
  examples: [
    { command: 'shunt doctor', about: 'before the first run' },
    { command: 'shunt doctor -o json | jq \'.checks[] | select(.status != "ok")\'', about: 'what is amiss' },
  ],
  run: async (context, given) => {
    const { cgroup = '', 'bpf-root': bpfRoot = '', netns = '' } = given.values;
    const checks = await examine({ host: await context.parts.host(), cgroup, bpfRoot, netns });
    show('doctor', context, given, { checks }, () => renderChecks(checks, styleFor(context.stdout, context.env)));
    return checks.some(({ status }) => status === 'fail') ? 1 : 0;
  },
};

const FORMATS = { ok: 'green', warn: 'yellow', fail: 'red' } as const satisfies Record<Check['status'], Format>;

export const renderChecks = (checks: readonly Check[], style: Style): string => {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const indent = `\n${' '.repeat(width + 8)}`;
  return checks
    .map(({ name, status, detail, advice }) => {
      // A kernel's refusal has several lines.
      const text = (advice === '' ? detail : `${detail}\n${advice}`).replaceAll('\n', indent);
      return `${style(FORMATS[status], status.padEnd(4))}  ${name.padEnd(width)}  ${text}\n`;
    })
    .join('');
};
