import { OPTIONS, type OptionName, variableOf } from '../agent/options.ts';
import type { Flag } from './command.ts';

/** A setting of the agent as a flag of a verb, with its environment variable. */
export const agentFlag = (name: OptionName): Flag => ({ ...OPTIONS[name], env: variableOf(name) });
