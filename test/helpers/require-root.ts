/** Tests that need root fail without it; a skip would look like success. */
export const setup = (): void => {
  if (process.getuid?.() !== 0) throw new Error('these tests change kernel state: run them as root');
};
