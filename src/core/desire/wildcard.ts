/**
 * Whether `pattern` covers the whole text, `*` standing for any run of characters. Linear but for the last `*` passed:
 * when the text goes on differently, only that one needs to take another character.
 */
export const matchesWildcard = (text: string, pattern: string): boolean => {
  let read = 0;
  let expected = 0;
  let resumeRead = 0;
  let afterStar = -1;
  while (read < text.length) {
    if (pattern[expected] === '*') {
      expected += 1;
      afterStar = expected;
      resumeRead = read;
    } else if (pattern[expected] === text[read]) {
      expected += 1;
      read += 1;
    } else if (afterStar >= 0) {
      resumeRead += 1;
      read = resumeRead;
      expected = afterStar;
    } else {
      return false;
    }
  }
  while (pattern[expected] === '*') expected += 1;
  return expected === pattern.length;
};
