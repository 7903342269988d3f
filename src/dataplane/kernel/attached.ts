import { closeFd } from '../../native/descriptor.ts';
import { cgroupPrograms, openProgram, programInfo } from '../../native/program.ts';
import { PROGRAMS } from './programs.ts';

export interface AttachedProgram {
  readonly hook: string;
  readonly id: number;
  /** As the kernel keeps it: at most 15 characters; may be empty. */
  readonly name: string;
  readonly own: boolean;
}

/** Whatever is attached to a cgroup at the hooks of Shunt, in the order in which it runs. */
export const attachedPrograms = (cgroup: string): readonly AttachedProgram[] =>
  PROGRAMS.flatMap(({ hook }) =>
    cgroupPrograms(cgroup, hook).map((id) => {
      const name = programName(id);
      return { hook, id, name, own: OWN_NAMES.has(name) };
    }),
  );

/** BPF_OBJ_NAME_LEN without the closing NUL: what the kernel keeps of a name. */
const NAME_LENGTH = 15;
const OWN_NAMES: ReadonlySet<string> = new Set(PROGRAMS.map(({ program }) => program.slice(0, NAME_LENGTH)));

const programName = (id: number): string => {
  const program = openProgram(id);
  try {
    return programInfo(program).name;
  } finally {
    closeFd(program);
  }
};
