/**
 * The probability that counts differ from what is expected at least as much as these do, if the expectation is right:
 * Pearson's chi-squared test. `expected` gives shares in any unit, such as weights; a share of 0 must not be observed.
 */
export const chiSquaredP = (observed: readonly number[], expected: readonly number[]): number => {
  if (observed.length !== expected.length) throw new RangeError('as many counts as shares are needed');
  const total = sum(observed);
  const unit = total / sum(expected);
  let statistic = 0;
  let cells = 0;
  for (const [index, share] of expected.entries()) {
    const count = observed[index] ?? 0;
    if (share === 0 && count > 0) return 0;
    if (share === 0) continue;
    statistic += (count - share * unit) ** 2 / (share * unit);
    cells += 1;
  }
  return cells < 2 ? 1 : chiSquaredTail(statistic, cells - 1);
};

/** The chi-squared distribution's upper tail: Q(degrees / 2, statistic / 2). */
export const chiSquaredTail = (statistic: number, degrees: number): number => upperGamma(degrees / 2, statistic / 2);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The regularised incomplete gamma function Q(a, x): DLMF 8.11.4 below a + 1, the continued fraction 8.9.2 above. */
const upperGamma = (a: number, x: number): number => {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - lowerBySeries(a, x) : upperByFraction(a, x);
};

const PRECISION = 1e-14;

const lowerBySeries = (a: number, x: number): number => {
  let term = 1 / a;
  let total = term;
  for (let n = 1; term > total * PRECISION; n += 1) {
    term *= x / (a + n);
    total += term;
  }
  return total * scale(a, x);
};

/** Evaluated from the front by Lentz's method as modified by Thompson and Barnett. */
const upperByFraction = (a: number, x: number): number => {
  let b = x + 1 - a;
  let c = Number.POSITIVE_INFINITY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1, change = 0; Math.abs(change - 1) > PRECISION; n += 1) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    change = c * d;
    fraction *= change;
  }
  return fraction * scale(a, x);
};

const scale = (a: number, x: number): number => Math.exp(a * Math.log(x) - x - logGamma(a));

/** ln Γ(a) for a > 0: Stirling's series (DLMF 5.11.1) after the argument is shifted to where it is exact. */
const logGamma = (a: number): number => {
  let shift = 0;
  let z = a;
  for (; z < 15; z += 1) shift += Math.log(z);
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
};
