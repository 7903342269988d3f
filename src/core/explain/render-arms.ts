import type { ExplainedArm } from './decision.ts';
import { isAnswering } from './refused.ts';
import { endpointLines, sentText } from './render-endpoints.ts';
import { refusedText } from './render-refused.ts';
import { alignColumns, percentText } from './text.ts';

/** The shares of all arms, then the endpoints of each. */
export const armLines = (arms: readonly ExplainedArm[]): readonly string[] => {
  const rows = arms.map((arm) => [shareText(arm), arm.id, refusalText(arm)]);
  return [
    ...(arms.length === 0 ? [] : ['', ...alignColumns(rows).map((line) => `  ${line}`)]),
    ...arms.flatMap(ownLines),
  ];
};

const shareText = ({ weight, of, percent }: ExplainedArm): string =>
  `${percentText(percent).padStart('100.00 %'.length)} (${weight}/${of})`;

const refusalText = ({ refused, slices }: ExplainedArm): string => {
  if (refused === undefined) return '';
  return `refused: ${'message' in refused ? refused.message : refusedText(refused.reason, { slices })}`;
};

const ownLines = (arm: ExplainedArm): readonly string[] => {
  if (arm.weight === 0 || arm.endpoints.length === 0) return [];
  const count = arm.endpoints.filter(isAnswering).length;
  const sent = count === 0 ? 'refused' : sentText(count, arm);
  return ['', `A connection of ${arm.id} is ${sent}:`, ...endpointLines(arm.endpoints)];
};
