import type { Chart } from '../chart.ts';
import { REQUEST_LIMITS, sizeText } from './bars.ts';
import type { SameNodeResult } from './results.ts';

/** Time of a redirected request on one CPU, as a multiple of each other contender's, and the bars. */
export const sameNodeChart = ({ speed }: SameNodeResult): Chart => {
  const requests = speed.filter(({ what, placement }) => what === 'requests' && placement === 'one');
  const others = Object.entries(REQUEST_LIMITS);
  const width = 0.8 / Math.max(1, requests.length);
  return {
    title: 'Time of a redirected request on one CPU, as a multiple',
    x: {
      label: '',
      min: -0.6,
      max: others.length - 0.4,
      ticks: others.map(([name], at) => ({ at, text: `of ${name}` })),
    },
    y: {
      label: 'times',
      min: 0,
      max: 1.25,
      ticks: [0, 0.25, 0.5, 0.75, 1, 1.25].map((at) => ({ at, text: String(at) })),
    },
    marks: [
      ...requests.map(({ bytes, contenders }, index) => ({
        type: 'bars' as const,
        name: sizeText(bytes),
        width: width * 0.9,
        bars: others.flatMap(([other], at) => {
          const ratio = contenders[0]?.against[other]?.rounds;
          const x = at + (index - (requests.length - 1) / 2) * width;
          return ratio === undefined ? [] : [{ x, y: ratio.median, low: ratio.p10, high: ratio.p90 }];
        }),
      })),
      ...others.map(([, limit], at) => ({
        type: 'limit' as const,
        name: 'bar',
        points: [
          [at - 0.45, limit],
          [at + 0.45, limit],
        ] as const,
      })),
    ],
  };
};
