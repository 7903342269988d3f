/** Waits for all, also when one fails, so that nothing is under way any more; then throws what the first one threw. */
export const settleAll = async (work: readonly Promise<unknown>[]): Promise<void> => {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};
